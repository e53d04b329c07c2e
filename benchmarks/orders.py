"""From a request, and from a decision, to an order the exchange has accepted."""

import tempfile
import time
from pathlib import Path

from benchmarks.tables import Table, milliseconds, quantile
from perpmesh.platform.contracts import catalogue
from perpmesh.testing.mesh import Mesh, eventually
from perpmesh.testing.ordering import entry, exit_all
from perpmesh_api.execution.v1 import order_service_pb2 as pb
from perpmesh_api.risk_safety.v1 import policy_service_pb2 as policy_pb

ROUNDS = 20
HIGH_SPEED = 900.0  # fifteen minutes of market a second: a bar, and so a decision per symbol, each second
DECISIONS_WANTED = 40
DECISION_SECONDS = 90.0


def _can_enter(mesh: Mesh) -> bool:
    return bool(mesh.orders.GetTradability(pb.GetTradabilityRequest(), timeout=5).can_enter)


def _be_quiet(mesh: Mesh) -> None:
    for key, value in {"ai.min_confidence": "1", "ess.max_consecutive_losses": "50"}.items():
        request = policy_pb.UpdatePolicyRequest(key=key, reason="a benchmark trades by hand, and loses its fees")
        request.value.string_value = value
        mesh.policies.UpdatePolicy(request, timeout=5)
    mesh.orders.Flatten(pb.FlattenRequest(reason="a benchmark begins flat"), timeout=15)


def open_and_close(mesh: Mesh) -> Table:
    """SubmitOrder through the gateway: entry filled and stop accepted; then the exit filled."""
    _be_quiet(mesh)
    opened: list[float] = []
    closed: list[float] = []
    for _ in range(ROUNDS):
        eventually("entries pass the gate", lambda: _can_enter(mesh), within=60)
        began = time.perf_counter()
        eventually("the entry is in", lambda: mesh.orders.SubmitOrder(entry(), timeout=15), within=30)
        entered = time.perf_counter()
        mesh.orders.SubmitOrder(exit_all(), timeout=15)
        opened.append(entered - began)
        closed.append(time.perf_counter() - entered)
    table = Table(f"SubmitOrder through the gateway, ms, {ROUNDS} trades", ["", "p50", "p99"])
    table.rows.append(("entry filled and stop accepted", *_ms(opened)))
    table.rows.append(("exit filled", *_ms(closed)))
    return table


def decisions_at_high_speed() -> Table:
    """A mesh of its own at 900 ×: bars close each second, and every decision's way to the exchange is timed."""
    table = Table("A decision's way, ms (its own mesh at 900 ×)", ["", "p50", "p99", "samples"])
    with tempfile.TemporaryDirectory(prefix="perpmesh-bench-") as folder:
        mesh = Mesh(Path(folder) / "state", speed=HIGH_SPEED)
        mesh.start()
        try:
            ways = _ways(mesh)
        finally:
            mesh.stop()
    table.rows.extend((name, *_ms(values), len(values)) for name, values in ways.items() if values)
    return table


def _ways(mesh: Mesh) -> dict[str, list[float]]:
    deadline = time.monotonic() + DECISION_SECONDS
    ways: dict[str, list[float]] = {"tick → decision": [], "decision → order on the exchange": [], "tick → order": []}
    while time.monotonic() < deadline and len(ways["tick → order"]) < DECISIONS_WANTED:
        time.sleep(2)
        ways = {name: [] for name in ways}
        closed = {
            (fact.symbol, fact.candle.close_time_ms): event.time_ms
            for event, fact in _facts(mesh, "market_data.candles.v1")
            if fact.candle.interval == "15m"
        }
        decided = {fact.decision.decision_id: fact.decision for _, fact in _facts(mesh, "ai_engine.decisions.v1")}
        for event, fact in _facts(mesh, "execution.orders.v1"):
            decision = decided.get(fact.order.decision_id)
            if event.type != "order.placed" or fact.order.leg != pb.ORDER_LEG_ENTRY or decision is None:
                continue
            ways["decision → order on the exchange"].append((event.time_ms - decision.decided_at_ms) / 1000)
            tick = closed.get((decision.symbol, decision.market_time_ms)) or closed.get(
                (decision.symbol, decision.market_time_ms - 1)
            )
            if tick:
                ways["tick → decision"].append((decision.decided_at_ms - tick) / 1000)
                ways["tick → order"].append((event.time_ms - tick) / 1000)
    return ways


def _facts(mesh: Mesh, stream: str):
    return [(event, catalogue()[event.type].message.FromString(event.payload)) for event in mesh.events(stream)]


def _ms(values: list[float]) -> tuple[str, str]:
    return milliseconds(quantile(values, 0.5)), milliseconds(quantile(values, 0.99))
