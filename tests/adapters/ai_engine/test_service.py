"""The engine as a process: bars in, decisions out, each once, and every RPC true."""

import asyncio
from decimal import Decimal

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from tests.adapters.ai_engine.conftest import candle, living
from tests.unit.ai_engine.builders import bars_of, rising

from perpmesh.ai_engine.adapters.store import TABLES, cells
from perpmesh.features import Bars
from perpmesh.platform import database, telemetry
from perpmesh_api.ai_engine.v1 import decision_service_pb2 as pb
from perpmesh_api.common.v1 import trading_pb2
from perpmesh_api.execution.v1 import order_service_pb2 as orders

PAST = 420


@pytest.fixture
def rise() -> Bars:
    noise = np.random.default_rng(4).normal(0, 60, 460)
    return bars_of(rising(460, slope=0.0008) + noise)


@pytest.fixture
async def prepared(world, rise):
    """A world in which Bitcoin has been rising, one more bar may close, and trends are known to pay."""
    async with database.opened(world.settings, "ai_engine", TABLES) as store, store.transaction() as tx:
        known = {"regime": "TREND_UP", "strategy": "trend_following"}
        await database.upsert(tx, cells, **known, trades=60, weight=50.0, total=50.0)
    world.market.past("BTCUSDT", rise.slice(0, PAST))
    world.market.past("ETHUSDT", rise.slice(0, PAST))
    return world


async def decided(engine, count=1, include_holds=True):
    """Return the newest `count` decisions once there are so many."""
    request = pb.ListDecisionsRequest(include_holds=include_holds, limit=count)
    while len(found := (await engine.api.ListDecisions(request)).decisions) < count:
        await asyncio.sleep(0.02)
    return list(found)


async def refusal(call) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    info = error_details_pb2.ErrorInfo()
    for detail in rpc_status.from_call(raised.value).details:
        detail.Unpack(info)
    return raised.value.code(), info.reason


async def test_a_bar_that_closes_in_a_trend_becomes_one_published_decision(prepared, rise):
    async with living(prepared) as engine:
        prepared.market.close(candle("BTCUSDT", rise, PAST))
        (decision,) = await decided(engine)
        ((event, traceparent),) = await engine.published()
    assert event.decision == decision
    assert event.symbol == "BTCUSDT"
    assert telemetry.trace_id_of(traceparent)
    assert decision.action == pb.ACTION_LONG
    assert decision.executed
    assert decision.strategy == "trend_following"
    assert Decimal(decision.stop_price) < Decimal(decision.reference_price) < Decimal(decision.take_profit_price)
    assert Decimal(decision.quantity) > 0
    assert decision.market_time_ms == int(rise.open_time_ms[PAST]) + 900_000
    assert decision.expires_at_ms - decision.decided_at_ms == 5_000
    assert decision.policy_revision == 3
    assert decision.feature_hash
    assert {"rsi", "view.trend"} <= set(decision.features)
    assert set(decision.versions) == {"strategy", "selector", "sizing", "amplification", "features"}
    assert 0 < decision.propensity <= 1


async def test_the_past_is_learned_from_and_never_decided_on(prepared, rise):
    async with living(prepared) as engine:
        prepared.market.close(candle("ETHUSDT", rise, PAST))
        await decided(engine)
        found = await decided(engine)
    assert [decision.symbol for decision in found] == ["ETHUSDT"]


async def test_a_restart_does_not_decide_a_bar_twice(prepared, rise):
    new = candle("BTCUSDT", rise, PAST)
    async with living(prepared) as engine:
        prepared.market.close(new)
        (first,) = await decided(engine)
    prepared.market.candles["BTCUSDT"].pop()  # it closes again, as if the stream had sent it after the restart
    async with living(prepared) as engine:
        prepared.market.close(new)
        prepared.market.close(candle("BTCUSDT", rise, PAST + 1))
        second, again = await decided(engine, 2)
        events = await engine.published()
    assert again == first
    assert second.decision_id != first.decision_id
    assert len(events) == 2


async def test_a_stream_that_breaks_is_taken_up_again_with_the_bars_in_between_as_history(prepared, rise):
    async with living(prepared) as engine:
        prepared.market.cut()
        for row in (PAST, PAST + 1):
            prepared.market.candles["BTCUSDT"].append(candle("BTCUSDT", rise, row))
        await asyncio.wait_for(prepared.market.watched.wait(), 10)
        prepared.market.close(candle("BTCUSDT", rise, PAST + 2))
        newest = await decided(engine)
        assert len((await engine.api.ListDecisions(pb.ListDecisionsRequest(include_holds=True))).decisions) == 1
    assert newest[0].market_time_ms == int(rise.open_time_ms[PAST + 2]) + 900_000


async def test_an_account_that_is_not_known_adds_no_risk(prepared, rise):
    prepared.execution.reconciled_age_ms = -1
    async with living(prepared) as engine:
        prepared.market.close(candle("BTCUSDT", rise, PAST))
        (decision,) = await decided(engine)
        assert await engine.published() == []
    assert decision.action == pb.ACTION_HOLD
    assert not decision.executed
    assert "no account" in decision.reasons[0]


async def test_a_trade_whose_trend_turned_is_closed(prepared, rise):
    fall = bars_of(np.concatenate([rise.close[:PAST], rise.close[PAST - 1] - 400.0 * np.arange(1, 40)]))
    prepared.market.past("BTCUSDT", fall.slice(0, PAST + 38))
    prepared.execution.trades = [
        orders.Trade(
            trade_id="t1", symbol="BTCUSDT", side=trading_pb2.SIDE_BUY, status=orders.TRADE_STATUS_PROTECTED,
            quantity="0.01", entry_price="120000", stop_price="110000", initial_risk="100",
            strategy="trend_following", opened_at_ms=int(fall.open_time_ms[PAST]),
        )
    ]  # fmt: skip
    async with living(prepared) as engine:
        prepared.market.close(candle("BTCUSDT", fall, PAST + 38))
        (decision,) = await decided(engine)
        events = await engine.published()
    assert decision.action == pb.ACTION_CLOSE
    assert decision.quantity == ""
    assert len(events) == 1


async def test_decide_only_answers_unless_told_to_execute(prepared):
    async with living(prepared) as engine:
        dry = await engine.api.Decide(pb.DecideRequest(symbol="BTCUSDT"))
        assert dry.decision.action == pb.ACTION_LONG
        assert not dry.decision.executed
        assert await engine.published() == []
        acting = pb.DecideRequest(symbol="BTCUSDT", execute=True, request_id="mine-1")
        first, again = await engine.api.Decide(acting), await engine.api.Decide(acting)
        events = await engine.published()
    assert first == again
    assert first.decision.executed
    assert [event.decision for event, _ in events] == [first.decision]


async def test_only_an_operator_may_have_it_executed(prepared):
    viewer = (("x-perpmesh-subject", "guest"), ("x-perpmesh-role", "viewer"))
    async with living(prepared) as engine:
        acting = pb.DecideRequest(symbol="BTCUSDT", execute=True)
        assert await refusal(engine.api.Decide(acting, metadata=viewer)) == (grpc.StatusCode.PERMISSION_DENIED, "ROLE")
        await engine.api.Decide(pb.DecideRequest(symbol="BTCUSDT"), metadata=viewer)
        assert await engine.published() == []


async def test_a_symbol_of_another_market_is_not_found(prepared):
    async with living(prepared) as engine:
        calls = (
            engine.api.Decide(pb.DecideRequest(symbol="DOGEUSDT")),
            engine.api.GetStrategy(pb.GetStrategyRequest(symbol="DOGEUSDT")),
            engine.api.ListDecisions(pb.ListDecisionsRequest(symbol="DOGEUSDT")),
            engine.api.SizePosition(pb.SizePositionRequest(symbol="DOGEUSDT", side=trading_pb2.SIDE_BUY)),
        )
        for call in calls:
            assert await refusal(call) == (grpc.StatusCode.NOT_FOUND, "UNKNOWN_SYMBOL")


async def test_a_size_says_how_it_came_about(prepared):
    async with living(prepared) as engine:
        request = pb.SizePositionRequest(symbol="BTCUSDT", side=trading_pb2.SIDE_SELL)
        whole = await engine.api.SizePosition(request)
        request.confidence = 0.5
        half = await engine.api.SizePosition(request)
        prepared.execution.equity = ""
        code, _ = await refusal(engine.api.SizePosition(request))
    assert Decimal(whole.quantity) > 0
    assert Decimal(whole.stop_price) > 0
    assert Decimal(whole.risk_at_stop) <= Decimal(50)
    assert whole.model_id == "volatility-target"
    assert Decimal(half.quantity) <= Decimal(whole.quantity)
    assert code == grpc.StatusCode.UNAVAILABLE


async def test_the_selector_tells_its_arms(prepared):
    async with living(prepared) as engine:
        answer = await engine.api.GetStrategy(pb.GetStrategyRequest())
    assert [state.symbol for state in answer.symbols] == ["BTCUSDT", "ETHUSDT"]
    for state in answer.symbols:
        arms = {arm.strategy: arm for arm in state.arms}
        assert set(arms) == {"trend_following", "mean_reversion", "flat"}
        assert arms["trend_following"].trades == 60
        assert arms["trend_following"].probability > 0.9
        assert sum(arm.probability for arm in state.arms) == pytest.approx(1.0)
    assert answer.model_id == ""


async def test_watchers_are_told_the_newest_and_then_each_as_it_is_made(prepared, rise):
    async with living(prepared) as engine:
        prepared.market.close(candle("BTCUSDT", rise, PAST))
        (first,) = await decided(engine)
        watch = engine.api.WatchDecisions(pb.WatchDecisionsRequest(include_holds=True))
        assert (await watch.read()).decision == first
        prepared.market.close(candle("BTCUSDT", rise, PAST + 1))
        second = (await asyncio.wait_for(watch.read(), 10)).decision
        watch.cancel()
    assert second.market_time_ms == first.market_time_ms + 900_000
