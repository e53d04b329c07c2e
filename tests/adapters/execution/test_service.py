"""OrderService over gRPC, on the real exchange and the real store."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import grpc
import pytest
from google.protobuf.struct_pb2 import Value
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from perpmesh.execution.adapters import grpc_api
from perpmesh.execution.adapters.user_stream import UserStream
from perpmesh.platform import grpc_client, grpc_server, policy_values
from perpmesh.platform.once import Once
from perpmesh.platform.settings import MeshSettings
from perpmesh.platform.time import SystemClock
from perpmesh.risk_safety.adapters import policy_wire
from perpmesh.risk_safety.application.policies import Policy
from perpmesh.risk_safety.domain.policy_catalogue import CATALOGUE
from perpmesh_api.common.v1 import trading_pb2 as words
from perpmesh_api.execution.v1 import order_service_pb2 as pb
from perpmesh_api.execution.v1 import order_service_pb2_grpc as rpc

BUY, SELL = words.SIDE_BUY, words.SIDE_SELL
ENTRY, EXIT = words.INTENT_ENTRY, words.INTENT_EXIT


@pytest.fixture
async def orders(house, settings: MeshSettings, store) -> AsyncIterator[Any]:
    async with grpc_server.serving("execution", settings.listen("execution")) as serving:
        once = Once(store, SystemClock())
        known = {key: policy_wire.policy(Policy(spec=s, value=s.default, setting=None)) for key, s in CATALOGUE.items()}
        grpc_api.register(
            serving.server, house.cases, house.log, once, settings, accepted=partial(policy_values.accepted, known)
        )
        await serving.start([grpc_api.SERVICE])
        async with grpc_client.channel(settings.address("execution")) as channel:
            yield rpc.OrderServiceStub(channel)


def order(name: str, side: int = BUY, intent: int = ENTRY, quantity: str = "0.002", **more: str) -> Any:
    return pb.SubmitOrderRequest(
        request_id=name, symbol=more.pop("symbol", "BTCUSDT"), side=side, intent=intent, quantity=quantity, **more
    )


async def refused(call: Any) -> tuple[grpc.StatusCode, str, str]:
    code, info = await refusal(call)
    return code, info.reason, info.metadata["field"]


async def refusal(call: Any) -> tuple[grpc.StatusCode, Any]:
    with pytest.raises(grpc.RpcError) as failed:
        await call
    info = error_details_pb2.ErrorInfo()
    await_status = rpc_status.from_call(_Call(failed.value))
    for detail in await_status.details:
        if detail.Unpack(info):
            break
    return failed.value.code(), info


class _Call:
    """grpc_status reads the synchronous call's interface."""

    def __init__(self, error: Any) -> None:
        self._error = error

    def code(self) -> Any:
        return self._error.code()

    def details(self) -> Any:
        return self._error.details()

    def trailing_metadata(self) -> Any:
        return [(key, value) for key, value in self._error.trailing_metadata()]


async def test_a_trade_is_opened_protected_and_closed_to_the_cent(orders, house):
    opened = await orders.SubmitOrder(order("a"))
    assert opened.trade.status == pb.TRADE_STATUS_PROTECTED
    assert opened.stop.status == pb.ORDER_STATUS_WORKING
    assert opened.order.average_price == opened.trade.entry_price != ""
    [position] = (await orders.ListPositions(pb.ListPositionsRequest())).positions
    assert (position.signed_quantity, position.trade_id) == ("0.002", opened.trade.trade_id)
    closed = await orders.SubmitOrder(order("b", SELL, EXIT, "9"))
    assert closed.trade.status == pb.TRADE_STATUS_CLOSED
    wallet = (await house.venue.account()).wallet
    assert grpc_api.wire.decimal(closed.trade.net_pnl) == wallet - 10_000


async def test_the_same_request_id_orders_once_and_answers_the_same(orders, house):
    answers = await asyncio.gather(*(orders.SubmitOrder(order("a")) for _ in range(5)))
    assert all(answer == answers[0] for answer in answers)
    assert [position.size for position in await house.venue.positions()] == [grpc_api.wire.decimal("0.002")]


async def test_the_same_request_id_for_another_order_is_an_error(orders):
    await orders.SubmitOrder(order("a"))
    code, reason, field = await refused(orders.SubmitOrder(order("a", quantity="0.003")))
    assert (code, reason, field) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_ID_REUSED", "request_id")


@pytest.mark.parametrize(
    ("request_", "code", "field"),
    [
        (order("a", symbol="DOGEUSDT"), grpc.StatusCode.NOT_FOUND, "symbol"),
        (order("a", quantity="-1"), grpc.StatusCode.INVALID_ARGUMENT, "quantity"),
        (order("a", quantity="0.0005"), grpc.StatusCode.INVALID_ARGUMENT, "quantity"),
        (order("a", intent=0), grpc.StatusCode.INVALID_ARGUMENT, "intent"),
        (order("a", side=0), grpc.StatusCode.INVALID_ARGUMENT, "side"),
        (order("a", stop_price="1"), grpc.StatusCode.FAILED_PRECONDITION, "stop_price"),
        (order("a", SELL, EXIT), grpc.StatusCode.FAILED_PRECONDITION, "symbol"),
    ],
)
async def test_bad_input_is_refused_with_its_field(orders, house, request_, code, field):
    assert (await refused(orders.SubmitOrder(request_)))[::2] == (code, field)
    assert await house.venue.positions() == []


async def test_a_viewer_may_look_and_not_act(orders):
    viewer = (("x-perpmesh-role", "viewer"), ("x-perpmesh-subject", "vera"))
    await orders.GetTradability(pb.GetTradabilityRequest(), metadata=viewer)
    for act in (orders.SubmitOrder(order("a"), metadata=viewer), orders.Flatten(pb.FlattenRequest(), metadata=viewer)):
        assert (await refused(act))[0] is grpc.StatusCode.PERMISSION_DENIED


async def test_a_caller_that_leaves_in_the_middle_leaves_the_work_to_be_done(orders, house):
    call = orders.SubmitOrder(order("a"))
    await asyncio.sleep(0.02)
    call.cancel()
    answer = await orders.SubmitOrder(order("a"))
    assert answer.trade.status == pb.TRADE_STATUS_PROTECTED
    assert len(await house.venue.fills("BTCUSDT")) == len(await house.venue.fills("BTCUSDT", order_id="1"))


async def test_tradability_names_what_is_in_the_way(orders, house):
    house.lend()
    assert (await orders.GetTradability(pb.GetTradabilityRequest())).can_enter
    house.cases.lease.revoked(1, "tripped")
    state = await orders.GetTradability(pb.GetTradabilityRequest())
    assert (state.can_enter, list(state.blockers), state.lease_remaining_ms) == (False, ["LEASE_MISSING"], 0)
    assert state.equity == "10000"


async def test_a_limit_is_refused_with_its_policy_what_was_measured_and_what_is_allowed(orders, house):
    mark = await house.refresh()
    code, info = await refusal(orders.SubmitOrder(order("a", quantity="0.5")))
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert info.metadata["position_exposure_policy"] == "risk.max_position_exposure"
    assert info.metadata["position_exposure_limit"] == "1"
    assert float(info.metadata["position_exposure_measured"]) == pytest.approx(float(mark) * 0.5 / 10_000, rel=0.01)


async def test_tradability_shows_how_much_of_every_limit_is_used_up(orders, house):
    mark = await house.refresh()
    await orders.SubmitOrder(order("a"))
    limits = (await orders.GetTradability(pb.GetTradabilityRequest())).limits
    seen = {(limit.reason, limit.scope): limit for limit in limits}
    gross = seen["GROSS_EXPOSURE", ""]
    assert (gross.policy_key, gross.unit, gross.limit) == ("risk.max_gross_exposure", "times equity", "2")
    assert float(gross.measured) == pytest.approx(float(mark) * 0.002 / 10_000, rel=0.01)
    assert (seen["LEVERAGE", "BTCUSDT"].measured, seen["SLIPPAGE", ""].measured) == ("5", "")
    assert seen["ORDERS_PER_MINUTE", ""].measured == "1"


async def test_flatten_ends_flat(orders, house):
    await orders.SubmitOrder(order("a"))
    done = await orders.Flatten(pb.FlattenRequest(request_id="f"))
    assert [order.leg for order in done.orders] == [pb.ORDER_LEG_FLATTEN]
    assert list(done.remaining) == []
    assert await house.venue.positions() == []
    assert await orders.Flatten(pb.FlattenRequest(request_id="f")) == done


async def test_watchers_see_open_trades_and_then_each_change(orders, house):
    await orders.SubmitOrder(order("a"))
    watch = orders.WatchTrades(pb.WatchTradesRequest())
    first = await watch.read()
    assert first.trade.status == pb.TRADE_STATUS_PROTECTED
    await orders.SubmitOrder(order("b", SELL, EXIT, "9"))
    seen = []
    while pb.TRADE_STATUS_CLOSED not in seen:
        seen.append((await watch.read()).trade.status)
    watch.cancel()


async def test_the_user_stream_names_the_symbol_that_moved(house, settings):
    moved: asyncio.Queue[list[str]] = asyncio.Queue()
    listening = asyncio.create_task(UserStream(settings, house.venue.client, moved.put_nowait).listen())
    assert await moved.get() == []  # look at everything once it is open
    await house.venue.client.futures_create_order(symbol="ETHUSDT", side="BUY", type="MARKET", quantity="0.02")
    assert await moved.get() == ["ETHUSDT"]
    listening.cancel()


async def test_a_leverage_set_by_hand_is_heard_on_the_user_stream(house, settings):
    opened, desk = asyncio.Event(), house.cases.tools.desk
    stream = UserStream(settings, house.venue.client, lambda _: opened.set(), desk=desk)
    listening = asyncio.create_task(stream.listen())
    await opened.wait()
    desk.wants_upkeep.clear()
    await house.venue.client.futures_change_leverage(symbol="BTCUSDT", leverage=50)
    await asyncio.wait_for(desk.wants_upkeep.wait(), 10)
    assert (desk.leverages["BTCUSDT"], desk.wants_account) == (50, True)
    listening.cancel()


def dry_run(limit: int = 0, **values: Value | str) -> pb.DryRunPolicyRequest:
    request = pb.DryRunPolicyRequest(limit=limit)
    for key, value in values.items():
        request.values[key.replace("__", ".")].CopyFrom(Value(string_value=value) if isinstance(value, str) else value)
    return request


async def test_a_dry_run_says_which_entries_would_have_gone_the_other_way_and_changes_nothing(orders, house):
    await refused(orders.SubmitOrder(order("b", quantity="0.2")))
    admitted = await orders.SubmitOrder(order("a"))
    before = await house.log.judgements(before=0, limit=9)
    tight = await orders.DryRunPolicy(dry_run(risk__max_position_exposure="0.001", execution__break_even_r="2"))
    assert (tight.judged, tight.admitted, tight.proposed_admitted, tight.unreadable) == (2, 1, 0, 0)
    [verdict] = tight.newly_refused
    assert verdict.client_order_id == admitted.order.client_order_id
    assert (list(verdict.reasons), list(verdict.proposed_reasons)) == ([], ["POSITION_EXPOSURE"])
    assert (verdict.request_id, verdict.side, verdict.quantity, verdict.policy_revision) == ("a", BUY, "0.002", 1)
    assert list(tight.not_evaluated) == ["execution.break_even_r"]
    wide = await orders.DryRunPolicy(dry_run(**WIDE))
    assert [found.request_id for found in wide.newly_admitted] == ["b"]
    assert await house.log.judgements(before=0, limit=9) == before


WIDE = {
    "risk__max_position_exposure": "20", "risk__max_gross_exposure": "20", "risk__max_net_exposure": "20",
    "risk__max_group_exposure": "20", "risk__max_risk_per_trade_pct": "0.05", "risk__max_open_risk_pct": "0.2",
}  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "code", "reason"),
    [
        (dry_run(risk__max_pos="1"), grpc.StatusCode.NOT_FOUND, "UNKNOWN_POLICY"),
        (dry_run(risk__max_position_exposure="21"), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_POLICY_VALUE"),
        (dry_run(risk__max_position_exposure="much"), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_POLICY_VALUE"),
        (dry_run(execution__leverage="2.5"), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_POLICY_VALUE"),
        (dry_run(execution__leverage=Value(bool_value=True)), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_POLICY_VALUE"),
        (dry_run(ai__use_model="true"), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_POLICY_VALUE"),
        (dry_run(), grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"),
    ],
)
async def test_a_proposal_that_no_policy_takes_is_refused(orders, request_, code, reason):
    assert (await refused(orders.DryRunPolicy(request_))) == (code, reason, "values")
