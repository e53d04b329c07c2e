"""The command line against a running mesh: what it prints, and what it leaves as exit code."""

import json
from pathlib import Path

import pytest

from perpmesh.testing.mesh import Mesh
from perpmesh.testing.ordering import open_position

pytestmark = pytest.mark.mesh


@pytest.mark.parametrize(
    ("command", "key"),
    [
        (("status",), "components"),
        (("ess", "status"), "status"),
        (("ess", "audit"), "attempts"),
        (("policy", "list"), "policies"),
        (("policy", "get", "ai.target_volatility"), "value"),
        (("policy", "history"), "changes"),
        (("decisions", "--holds"), "decisions"),
        (("orders",), "orders"),
        (("trades",), "trades"),
        (("positions",), "positions"),
        (("models", "list"), "models"),
    ],
)
def test_every_reading_command_prints_json_and_a_table(mesh: Mesh, command: tuple[str, ...], key: str) -> None:
    as_json = mesh.command(*command, "--json")
    assert as_json.returncode == 0, as_json.stderr
    assert key in json.loads(as_json.stdout)
    table = mesh.command(*command)
    assert table.returncode == 0, table.stderr
    assert table.stdout.strip()


def test_trip_and_reset(mesh: Mesh) -> None:
    tripped = mesh.command("ess", "trip", "--reason", "a drill")
    assert tripped.returncode == 0, tripped.stderr
    assert "holds" in tripped.stdout
    assert mesh.command("ess", "status").returncode == 1
    back = mesh.command("ess", "reset", "--reason", "the drill is over", "--stage", "full", timeout=40)
    assert back.returncode == 0, back.stderr


def test_a_heartbeat_is_answered(mesh: Mesh) -> None:
    assert mesh.command("ess", "heartbeat").returncode == 0


def test_pause_and_resume(mesh: Mesh) -> None:
    assert mesh.command("pause", "--reason", "lunch").returncode == 0
    assert mesh.command("ess", "status").returncode == 1
    assert mesh.command("resume").returncode == 0


def test_flatten(mesh: Mesh) -> None:
    open_position(mesh)
    done = mesh.command("flatten", "--reason", "enough", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["orders"][0]["status"] == "ORDER_STATUS_FILLED"


def test_a_wrong_policy_value_is_wrong_usage(mesh: Mesh) -> None:
    done = mesh.command("policy", "set", "ai.target_volatility", "99")
    assert done.returncode == 2
    assert "ai.target_volatility" in done.stderr or "value" in done.stderr


def test_dead_letters_is_empty_when_nothing_went_wrong(mesh: Mesh) -> None:
    done = mesh.command("events", "dead-letters")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


def test_an_event_can_be_read_again(mesh: Mesh) -> None:
    done = mesh.command("events", "show", "risk_safety.policies.v1", "1")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["type"] == "policy.updated"


def test_a_dead_letter_that_does_not_exist_cannot_be_replayed(mesh: Mesh) -> None:
    done = mesh.command("events", "replay", "execution", "999")
    assert done.returncode == 1
    assert "NOT_FOUND" in done.stderr


def test_a_second_mesh_on_the_same_folder_is_refused(mesh: Mesh) -> None:
    done = mesh.command("up", "--detach", timeout=60)
    assert done.returncode == 1
    assert "STATE_FOLDER_LOCKED" in done.stderr


def test_another_exchange_on_a_bound_folder_is_refused(mesh: Mesh, tmp_path: Path) -> None:
    (tmp_path / "mesh.json").write_text((mesh.settings.state_dir / "mesh.json").read_text())
    other = Mesh(tmp_path)
    done = other.command("up", "--detach", timeout=60)
    assert done.returncode == 1
    assert "STATE_FOLDER_BOUND" in done.stderr


def test_anything_but_the_simulated_exchange_must_be_armed(tmp_path: Path) -> None:
    live = Mesh(tmp_path / "state", settings={"environment": "live"})
    done = live.command("up", "--detach", timeout=60)
    assert done.returncode == 1
    assert "NOT_ARMED" in done.stderr


def test_a_misspelt_setting_is_fatal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERPMESH_GATEWAY_PROT", "9000")
    done = Mesh(tmp_path / "state").command("up", "--detach", timeout=60)
    assert done.returncode == 2
    assert "PERPMESH_GATEWAY_PROT" in done.stderr


def test_without_a_mesh_a_command_says_so(tmp_path: Path) -> None:
    done = Mesh(tmp_path / "state").command("status")
    assert done.returncode == 3
    assert "is the mesh up" in done.stderr


def test_down_without_a_mesh_is_harmless(tmp_path: Path) -> None:
    done = Mesh(tmp_path / "state").command("down")
    assert done.returncode == 0
