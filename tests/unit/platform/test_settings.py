"""Settings: every field is a variable, an unknown one is fatal, children get the same mesh."""

import os
from pathlib import Path

import pytest

from perpmesh.platform.settings import PREFIX, PROCESSES, MeshSettings, UnknownSetting


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


def test_a_misspelt_variable_is_fatal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERPMESH_STATE_DIRR", "x")
    with pytest.raises(UnknownSetting, match="PERPMESH_STATE_DIRR"):
        MeshSettings.load()


def test_children_load_the_same_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = MeshSettings(state_dir=tmp_path, symbols="BTCUSDT", exchange_speed=5)
    for name, value in settings.environment_of_children().items():
        monkeypatch.setenv(name, value)
    assert MeshSettings.load() == settings


def test_every_process_has_a_port_of_its_own() -> None:
    addresses = [MeshSettings().address(process) for process in PROCESSES]
    assert len(set(addresses)) == len(PROCESSES)


def test_secrets_do_not_print() -> None:
    assert "perpmesh-paper-secret" not in repr(MeshSettings())
