"""`perpmesh policy …` against a real PolicyStore and an OrderService that notes what it is asked."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from perpmesh.cli.main import app
from perpmesh.platform.settings import MeshSettings
from perpmesh.platform.time import SystemClock
from perpmesh.risk_safety import main
from perpmesh.testing.ports import free_ports
from perpmesh_api.execution.v1 import order_service_pb2 as pb
from perpmesh_api.execution.v1 import order_service_pb2_grpc as rpc

Command = Callable[..., Awaitable[Any]]


class Orders(rpc.OrderServiceServicer):
    def __init__(self) -> None:
        self.asked: list[pb.DryRunPolicyRequest] = []

    async def DryRunPolicy(self, request: Any, context: Any) -> Any:
        self.asked.append(request)
        verdict = pb.DryRunVerdict(client_order_id="pm-e-1", symbol="BTCUSDT", proposed_reasons=["OPEN_RISK"])
        return pb.DryRunPolicyResponse(judged=3, admitted=2, proposed_admitted=1, newly_refused=[verdict])


@pytest.fixture
def orders() -> Orders:
    return Orders()


@pytest.fixture
async def command(tmp_path: Path, orders: Orders, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Command]:
    """Serve both where the gateway would be."""
    [port] = free_ports(1)
    monkeypatch.setenv("PERPMESH_GATEWAY_PORT", str(port))
    monkeypatch.setenv("PERPMESH_STATE_DIR", str(tmp_path))
    settings = MeshSettings(state_dir=tmp_path, risk_safety_address=f"127.0.0.1:{port}", kafka="127.0.0.1:1")

    async def run(*words: str) -> Any:
        return await asyncio.to_thread(CliRunner().invoke, app, ["policy", *words])

    async with main.serving(settings, SystemClock()) as (_, parts):
        rpc.add_OrderServiceServicer_to_server(orders, parts.serving.server)
        yield run


async def told(command: Command, *words: str) -> Any:
    done = await command(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(
        done.stdout[done.stdout.index("\n{" if done.stdout[0] != "{" else "{") :]
    )  # after the log's lines


async def test_a_profile_is_looked_at_applied_and_rolled_back(command: Command):
    profiles = (await told(command, "profiles"))["profiles"]
    assert [profile["name"] for profile in profiles] == ["conservative", "balanced", "aggressive"]
    shown = (await told(command, "diff", "--profile", "conservative"))["differences"]
    done = await told(command, "apply-profile", "conservative", "--reason", "holiday", "--expected-revision", "0")
    assert [line["key"] for line in done["changes"]] == [line["key"] for line in shown]
    assert (await command("apply-profile", "aggressive", "--expected-revision", "0")).exit_code == 1
    back = await told(command, "rollback", "0", "--reason", "back from it")
    assert len(back["changes"]) == len(shown)
    assert (await told(command, "diff"))["differences"] == []
    history = (await told(command, "history", "--limit", "1000"))["changes"]
    assert {(line["source"], line["reason"]) for line in history} == {
        ("rollback to 0", "back from it"),
        ("profile conservative", "holiday"),
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["profiles"], "balanced (now)"),
        (["diff", "--profile", "aggressive"], "ess.max_daily_loss_pct"),
        (["apply-profile", "balanced"], "nothing to change"),
        (["adoptions"], "waiting for"),
        (["dry-run", "risk.max_open_risk_pct=0.01"], "OPEN_RISK"),
    ],
)
async def test_people_are_told_in_a_table(command: Command, words: list[str], said: str):
    done = await command(*words)
    assert done.exit_code == 0
    assert said in " ".join(done.output.split())


async def test_a_dry_run_proposes_a_profile_and_what_is_said_beside_it(command: Command, orders: Orders):
    words = ("--profile", "conservative", "execution.leverage=1", "ai.use_model=false", "--limit", "50")
    assert (await told(command, "dry-run", *words))["proposed_admitted"] == 1
    [request] = orders.asked
    assert request.limit == 50
    assert request.values["execution.leverage"].string_value == "1"
    assert request.values["risk.max_open_risk_pct"].string_value == "0.01"
    assert request.values["ai.use_model"].HasField("bool_value")


@pytest.mark.parametrize("words", [["dry-run", "execution.leverage"], ["dry-run", "--profile", "reckless"]])
async def test_what_makes_no_sense_is_wrong_usage(command: Command, orders: Orders, words: list[str]):
    assert (await command(*words)).exit_code == 2
    assert orders.asked == []
