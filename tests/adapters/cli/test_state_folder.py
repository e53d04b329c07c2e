"""T20: the state folder belongs to one exchange and one account; a mesh for another does not start on it."""

from pathlib import Path

import pytest

from perpmesh.cli import state_folder
from perpmesh.kernel.errors import Refused
from perpmesh.platform.settings import MeshSettings, VenueKind


def test_a_folder_is_bound_by_its_first_mesh_and_serves_the_same_one_again(tmp_path: Path):
    settings = MeshSettings(state_dir=tmp_path)
    with state_folder.locked(settings) as first:
        pass
    with state_folder.locked(settings) as second:
        assert second == first


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"exchange_url": "https://fapi.binance.com"}, "exchange_url"), ({"api_key": "another"}, "account")],
)
def test_another_exchange_or_account_is_refused(tmp_path: Path, changed: dict[str, str], said: str):
    with state_folder.locked(MeshSettings(state_dir=tmp_path)):
        pass
    with (
        pytest.raises(Refused, match=f"is bound to {said}") as refusal,
        state_folder.locked(MeshSettings(state_dir=tmp_path, **changed)),  # type: ignore[arg-type]
    ):
        pytest.fail("it starts")
    assert refusal.value.reason == "STATE_FOLDER_BOUND"


@pytest.mark.parametrize("environment", [VenueKind.TESTNET, VenueKind.LIVE])
def test_what_is_not_the_simulated_exchange_must_be_armed_and_leaves_no_trace(tmp_path: Path, environment: VenueKind):
    folder = tmp_path / "state"
    with (
        pytest.raises(Refused) as refusal,
        state_folder.locked(MeshSettings(state_dir=folder, environment=environment)),
    ):
        pytest.fail("it starts")
    assert refusal.value.reason == "NOT_ARMED"
    assert not folder.exists()


def test_a_second_mesh_is_refused_while_the_first_runs(tmp_path: Path):
    settings = MeshSettings(state_dir=tmp_path)
    with (
        state_folder.locked(settings),
        pytest.raises(Refused) as refusal,
        state_folder.locked(settings),
    ):
        pytest.fail("it starts")
    assert refusal.value.reason == "STATE_FOLDER_LOCKED"
