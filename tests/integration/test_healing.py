"""kill -9 of each process in turn, with a position open: no order twice, protected or flat, books equal, healthy again."""

from decimal import Decimal

import pytest

from perpmesh.platform.settings import PROCESSES
from perpmesh.testing.mesh import RATE_WINDOW_SECONDS, Mesh, eventually
from perpmesh.testing.ordering import SYMBOL, entry, exit_all, open_position
from perpmesh_api.execution.v1 import order_service_pb2 as order_pb
from perpmesh_api.risk_safety.v1 import policy_service_pb2 as policy_pb

pytestmark = [pytest.mark.mesh, pytest.mark.timeout(300)]


@pytest.mark.parametrize("victim", [*PROCESSES, "broker", "gateway"])
def test_the_mesh_heals(mesh: Mesh, victim: str) -> None:
    request = entry()
    answer = mesh.orders.SubmitOrder(request, timeout=15)
    stop = answer.stop.client_order_id
    orders = [order["clientOrderId"] for order in mesh.exchange.orders(SYMBOL)]

    pid = mesh.kill(victim)
    eventually("it runs again", lambda: mesh.processes().get(victim, {}).get("pid") not in (None, pid), within=15)
    if victim in PROCESSES:
        eventually("it serves again", lambda: mesh.serves(victim), within=15)
    eventually("the whole mesh is healthy again", mesh.is_healthy, within=15)

    covered = [row["clientAlgoId"] for row in eventually("a stop stands", lambda: mesh.exchange.stops(SYMBOL))]
    assert stop in covered
    assert [order["clientOrderId"] for order in mesh.exchange.orders(SYMBOL)] == orders, "no order twice"

    eventually("it trades on", lambda: mesh.orders.SubmitOrder(exit_all(), timeout=15), within=20)
    assert mesh.exchange.position(SYMBOL) == 0

    def booked_once() -> bool:
        closed = [event for event in mesh.events("execution.trades.v1") if event.type == "trade.closed"]
        keys = [event.payload for event in closed]
        trades = mesh.orders.ListTrades(order_pb.ListTradesRequest(limit=1000), timeout=5).trades
        ours = sum((Decimal(trade.net_pnl) for trade in trades if trade.net_pnl), Decimal(0))
        theirs = sum((Decimal(row["income"]) for row in mesh.exchange.income()), Decimal(0))
        assert len(keys) == len(set(keys))
        assert ours == theirs, (ours, theirs)
        return any(trade.trade_id == answer.trade.trade_id and trade.status == order_pb.TRADE_STATUS_CLOSED
                   for trade in trades)  # fmt: skip

    eventually("booked exactly once, equal to the exchange", booked_once, within=RATE_WINDOW_SECONDS)


def test_events_pass_again_after_the_broker_lost_its_log(mesh: Mesh) -> None:
    mesh.kill("broker")
    request = policy_pb.UpdatePolicyRequest(key="portfolio.no_trade_band_pct", reason="while the broker is away")
    request.value.string_value = "0.03"
    revision = mesh.policies.UpdatePolicy(request, timeout=5).revision

    def adopted() -> bool:
        found = mesh.policies.ListAdoptions(policy_pb.ListAdoptionsRequest(), timeout=5).adoptions
        assert {a.service: a.revision for a in found if a.revision < revision} == {}
        return True

    eventually("every service has adopted what was told meanwhile", adopted, within=20)
    open_position(mesh)
    mesh.orders.SubmitOrder(exit_all(), timeout=15)
