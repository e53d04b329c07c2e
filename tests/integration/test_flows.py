"""The three flows, with real processes: a decision becomes a trade, losses stop the mesh, a policy reaches everybody."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import grpc
import pytest

from perpmesh.platform.contracts import catalogue
from perpmesh.platform.settings import SERVICES
from perpmesh.platform.telemetry import trace_id_of
from perpmesh.testing.mesh import RATE_WINDOW_SECONDS, Mesh, eventually
from perpmesh.testing.ordering import SYMBOL, entry, exit_all, open_position
from perpmesh_api.ai_engine.v1 import decision_service_pb2 as ai_pb
from perpmesh_api.execution.v1 import order_service_pb2 as order_pb
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2 as ess_pb
from perpmesh_api.risk_safety.v1 import policy_service_pb2 as policy_pb

pytestmark = pytest.mark.mesh


def set_policy(mesh: Mesh, key: str, value: str) -> int:
    request = policy_pb.UpdatePolicyRequest(key=key, reason="a test")
    request.value.string_value = value
    return int(mesh.policies.UpdatePolicy(request, timeout=5).revision)


@contextmanager
def willing(mesh: Mesh) -> Iterator[None]:
    """Let the engine decide with little confidence, so that it does so soon."""
    set_policy(mesh, "ai.min_confidence", "0.05")
    try:
        yield
    finally:
        set_policy(mesh, "ai.min_confidence", "1")


def opened_by_decisions(mesh: Mesh) -> dict[str, Any]:
    """trade.opened of trades that the engine decided, by trade id."""
    return {
        fact.trade.trade_id: (event, fact)
        for event, fact in facts(mesh, "execution.trades.v1")
        if event.type == "trade.opened" and fact.trade.decision_id
    }


def facts(mesh: Mesh, stream: str) -> list[tuple[Any, Any]]:
    """Every event of a stream with its decoded fact."""
    return [(event, catalogue()[event.type].message.FromString(event.payload)) for event in mesh.events(stream)]


def test_a_decision_becomes_a_protected_trade_and_closes_under_one_trace(mesh: Mesh) -> None:
    before = opened_by_decisions(mesh)

    def opened() -> Any:
        new = [found for trade_id, found in opened_by_decisions(mesh).items() if trade_id not in before]
        return new[-1] if new and mesh.exchange.stops(new[-1][1].symbol) else None

    with willing(mesh):
        event, fact = eventually("a trade of the engine's own is open with a stop on the exchange", opened, within=100)
    trade, trace = fact.trade, trace_id_of(event.traceparent)
    assert mesh.exchange.position(trade.symbol) != 0

    mesh.orders.Flatten(order_pb.FlattenRequest(symbol=trade.symbol, reason="the flow is complete"), timeout=15)

    def closed() -> object:
        return next(
            ((e, f) for e, f in facts(mesh, "execution.trades.v1")
             if e.type == "trade.closed" and f.trade.trade_id == trade.trade_id), None)  # fmt: skip

    closing, closed_fact = eventually("trade.closed is told", closed)
    decision = next(
        (e, f.decision) for e, f in facts(mesh, "ai_engine.decisions.v1")
        if f.decision.decision_id == trade.decision_id
    )  # fmt: skip
    orders = [(e, f.order) for e, f in facts(mesh, "execution.orders.v1") if f.order.decision_id == trade.decision_id]
    assert {e.type for e, _ in orders} >= {"order.placed", "order.filled"}
    assert {order.leg for _, order in orders} >= {order_pb.ORDER_LEG_ENTRY, order_pb.ORDER_LEG_STOP}
    traces = {trace_id_of(e.traceparent) for e, _ in [decision, *orders, (closing, None)]}
    assert traces == {trace}
    assert closed_fact.trade.net_pnl == str(Decimal(closed_fact.trade.net_pnl))


def test_the_engine_is_rewarded_for_what_it_traded(mesh: Mesh) -> None:
    """trade.closed reaches the selector: its arms count the trades that decisions led to."""
    closed = [
        fact.trade for event, fact in facts(mesh, "execution.trades.v1")
        if event.type == "trade.closed" and fact.trade.decision_id
    ]  # fmt: skip

    def counted() -> bool:
        answer = mesh.decisions.GetStrategy(ai_pb.GetStrategyRequest(), timeout=5)
        arms = [arm.trades for symbol in answer.symbols for arm in symbol.arms]
        return not closed or sum(arms) > 0

    eventually("the selector has learned", counted)


def is_tripped(mesh: Mesh) -> bool:
    status = mesh.ess.GetStatus(ess_pb.GetStatusRequest(), timeout=5).status
    return bool(status.state == ess_pb.ESS_STATE_TRIPPED)


def test_losses_trip_the_stop_and_exits_still_go(mesh: Mesh) -> None:
    open_position(mesh, symbol="ETHUSDT", quantity="0.05")
    set_policy(mesh, "ess.max_consecutive_losses", "1")
    try:
        tripped = ess_pb.ESS_STATE_TRIPPED
        for _ in range(4):  # each pays two fees and two half spreads: a loss, unless the price happens to run
            eventually(
                "the stop holds, or entries go again", lambda: is_tripped(mesh) or open_position(mesh), within=15
            )
            if is_tripped(mesh):
                break
            mesh.orders.SubmitOrder(exit_all(), timeout=15)
            try:
                eventually(
                    "the loss is counted and the stop holds",
                    lambda: is_tripped(mesh),
                    within=5,
                )
            except AssertionError:
                continue  # a winning trade: again
        status = mesh.ess.GetStatus(ess_pb.GetStatusRequest(), timeout=5).status
        assert status.state == tripped
        assert status.trip.trigger == ess_pb.TRIP_TRIGGER_CONSECUTIVE_LOSSES
        assert any(event.type == "ess.tripped" for event in mesh.events("risk_safety.ess.v1"))
        before = len(mesh.exchange.orders(SYMBOL))
        with pytest.raises(grpc.RpcError) as refused:
            mesh.orders.SubmitOrder(entry(), timeout=15)
        assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert len(mesh.exchange.orders(SYMBOL)) == before
        assert mesh.exchange.stops("ETHUSDT"), "the protection of the open position stays"
        closing = exit_all(symbol="ETHUSDT")
        assert mesh.orders.SubmitOrder(closing, timeout=15).order.status == order_pb.ORDER_STATUS_FILLED
        assert mesh.exchange.position("ETHUSDT") == 0
    finally:
        set_policy(mesh, "ess.max_consecutive_losses", "50")


def test_a_trip_survives_the_death_of_everything(mesh: Mesh) -> None:
    answer = mesh.ess.Trip(ess_pb.TripRequest(reason="it must last"), timeout=15)
    for name in ("risk_safety", "execution"):
        mesh.kill(name)
    eventually("both are back", lambda: mesh.serves("risk_safety") and mesh.serves("execution"), within=30)
    asked = eventually(
        "the gateway hears that it is back", lambda: mesh.ess.GetStatus(ess_pb.GetStatusRequest(), timeout=5)
    )
    status = asked.status
    assert status.state == ess_pb.ESS_STATE_TRIPPED
    assert status.trip.trip_id == answer.trip.trip_id


def test_a_reset_takes_two_identities(mesh: Mesh) -> None:
    mesh.ess.Trip(ess_pb.TripRequest(reason="to be reset"), timeout=15)
    operator = mesh.token("operator")
    with pytest.raises(grpc.RpcError):
        mesh.ess.Reset(
            ess_pb.ResetRequest(reason="one identity alone", operator_token=operator, approver_token=operator),
            timeout=5,
        )
    assert mesh.ess.GetStatus(ess_pb.GetStatusRequest(), timeout=5).status.state == ess_pb.ESS_STATE_TRIPPED


def test_a_policy_reaches_all_seven_services_within_a_second(mesh: Mesh) -> None:
    started = time.monotonic()
    revision = set_policy(mesh, "ai.target_volatility", "0.25")

    def adopted() -> bool:
        found = mesh.policies.ListAdoptions(policy_pb.ListAdoptionsRequest(), timeout=5).adoptions
        return {a.service for a in found if a.revision >= revision} == set(SERVICES)

    eventually("everybody runs the new revision", adopted, within=10)
    took = time.monotonic() - started
    set_policy(mesh, "ai.target_volatility", "0.30")
    print(f"adopted by all seven after {took * 1000:.0f} ms")


def test_the_books_equal_the_exchanges_to_the_cent(mesh: Mesh) -> None:
    open_position(mesh)
    mesh.orders.SubmitOrder(exit_all(), timeout=15)

    def equal() -> bool:
        closed = mesh.orders.ListTrades(order_pb.ListTradesRequest(limit=1000), timeout=5).trades
        ours = sum((Decimal(trade.net_pnl) for trade in closed if trade.net_pnl), Decimal(0))
        theirs = sum((Decimal(row["income"]) for row in mesh.exchange.income()), Decimal(0))
        assert ours == theirs, (ours, theirs)
        return True

    eventually("the books agree with the exchange's income", equal, within=RATE_WINDOW_SECONDS)
