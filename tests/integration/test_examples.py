"""The examples run as they stand."""

import subprocess
import sys

import pytest

from perpmesh.cli.gateway import HOME
from perpmesh.testing.mesh import Mesh
from perpmesh_api.exchange_sim.v1 import exchange_control_service_pb2 as pb

pytestmark = pytest.mark.mesh
EXAMPLES = sorted((HOME / "examples").glob("*.py"))


def run(name: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(HOME / "examples" / name), *arguments],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_following_the_mesh_with_the_generated_stubs(mesh: Mesh) -> None:
    printed = run("follow_the_mesh.py", mesh.gateway_address).splitlines()
    assert printed[0].startswith("entries allowed: True")
    assert len(printed) == 6


def test_trading_with_python_binance(mesh: Mesh) -> None:
    mesh.replay.CreateAccount(
        pb.CreateAccountRequest(api_key="example", api_secret="secret", balance="1000"), timeout=5
    )
    assert "flat again" in run("trade_with_python_binance.py", mesh.settings.exchange_url, "example", "secret")


def test_every_example_is_run_here() -> None:
    assert [path.name for path in EXAMPLES] == ["follow_the_mesh.py", "trade_with_python_binance.py"]
