"""The command log in a real store: what was committed is there, with its events, after the process is gone."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from perpmesh.execution.adapters import store
from perpmesh.execution.adapters.events_in import DecisionWorker
from perpmesh.execution.adapters.store import PAGE, TABLES, SqlLog, add_decision
from perpmesh.execution.application.ports import DecisionWork
from perpmesh.execution.domain.events import OrderRefused, TradeClosed, TradeOpened
from perpmesh.execution.domain.order import Order
from perpmesh.execution.domain.trade import Trade
from perpmesh.execution.domain.words import Action, Leg, OrderStatus, Side, TradeStatus
from perpmesh.platform import database
from perpmesh.platform.outbox import Outbox
from perpmesh.platform.settings import MeshSettings
from perpmesh.platform.time import SystemClock
from perpmesh.testing.memory_log import MemoryLog
from perpmesh_api.execution.v1 import order_events_pb2

D = Decimal
ORDER = Order(
    client_id="pm-e-1", symbol="BTCUSDT", side=Side.BUY, leg=Leg.ENTRY, type="MARKET", quantity=D("0.010"),
    trigger_price=D("59500.10"), trade_id="t1", decision_id="d1", created_ms=5, traceparent="00-ab-cd-01",
)  # fmt: skip
TRADE = Trade(trade_id="t1", symbol="BTCUSDT", side=Side.BUY, stop_wish=D("59500.10"), strategy="trend", created_ms=5)


async def test_what_was_committed_is_there_in_the_next_life(log: SqlLog, tmp_path):
    await log.commit(orders=[ORDER], trades=[TRADE])
    clock, settings = SystemClock(), MeshSettings(state_dir=tmp_path)
    async with database.opened(settings, "execution", TABLES) as again:
        other = SqlLog(again, Outbox("execution", settings, again, clock), clock)
        assert await other.order("pm-e-1") == ORDER
        assert await other.open_trades() == [TRADE]
        assert await other.unsettled_orders() == [ORDER]


async def test_state_and_events_are_written_together_or_not_at_all(log: SqlLog, outbox: Outbox):
    await log.commit(orders=[ORDER], trades=[TRADE], events=[TradeOpened(TRADE)])
    with pytest.raises(AttributeError):
        await log.commit(orders=[replace(ORDER, status=OrderStatus.SENT)], events=["no event"])  # type: ignore[list-item]
    assert (await log.order("pm-e-1")).status is OrderStatus.RECORDED
    assert await outbox.newest_sequence("execution.trades.v1") == 1


async def test_an_executed_order_without_a_price_is_not_settled(log: SqlLog):
    unpriced = replace(ORDER, status=OrderStatus.FILLED, executed=D("0.010"))
    await log.commit(orders=[unpriced, replace(unpriced, client_id="pm-e-2", average=D(60000))])
    assert await log.unsettled_orders() == [unpriced]


async def test_lists_are_newest_first_by_when_a_thing_was_first_written(log: SqlLog):
    for number in range(3):
        await log.commit(orders=[replace(ORDER, client_id=f"pm-e-{number}")])
    await log.commit(orders=[replace(ORDER, client_id="pm-e-0", status=OrderStatus.REFUSED)])
    listed = await log.list_orders(symbol="", open_only=False, limit=2)
    assert [order.client_id for order in listed] == ["pm-e-2", "pm-e-1"]
    opened = await log.list_orders(symbol="BTCUSDT", open_only=True, limit=10)
    assert [order.client_id for order in opened] == ["pm-e-2", "pm-e-1"]


async def test_events_carry_the_trace_and_every_figure(log: SqlLog, outbox: Outbox):
    closed = replace(
        TRADE, status=TradeStatus.CLOSED, realized=D("1.50"), commission=D("-0.20"), funding=D("0.01"),
        close_reason="STOP", traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    )  # fmt: skip
    await log.commit(trades=[closed], events=[TradeClosed(closed, "10001.31")])
    [row] = await outbox.page("execution.trades.v1", 0, 10)
    event = order_events_pb2.TradeClosed.FromString(row.payload)
    assert row.traceparent == closed.traceparent
    assert (event.trade.net_pnl, event.equity, event.trade.close_reason) == ("1.31", "10001.31", "STOP")
    assert event.trade.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"


async def test_a_refusal_is_told_with_all_its_reasons(log: SqlLog, outbox: Outbox):
    refused = replace(ORDER, status=OrderStatus.REFUSED, reasons="LEASE_MISSING,PRICE_STALE")
    await log.commit(orders=[refused], events=[OrderRefused(refused)])
    [row] = await outbox.page("execution.orders.v1", 0, 10)
    assert list(order_events_pb2.OrderRefused.FromString(row.payload).reasons) == ["LEASE_MISSING", "PRICE_STALE"]


async def test_a_decision_waits_until_it_is_done(log: SqlLog, store):
    work = DecisionWork(
        decision_id="d1", symbol="BTCUSDT", action=Action.LONG, quantity=D("0.010"), reference_price=D(60000),
        stop_price=D(59500), take_profit_price=D(0), strategy="trend", amplification=False, expires_at_ms=9,
        traceparent="",
    )  # fmt: skip
    async with store.transaction() as tx:
        await add_decision(tx, work)
    assert await log.pending_decisions() == [work]
    await log.finish_decision("d1")
    assert await log.pending_decisions() == []


async def test_decisions_are_acted_on_once_each_page_by_page(log: SqlLog, store):
    acted: list[str] = []

    class Acting:
        async def act(self, work: DecisionWork) -> None:
            acted.append(work.decision_id)

    work = DecisionWork(
        decision_id="", symbol="BTCUSDT", action=Action.HOLD, quantity=D(0), reference_price=D(0), stop_price=D(0),
        take_profit_price=D(0), strategy="", amplification=False, expires_at_ms=0, traceparent="",
    )  # fmt: skip
    async with store.transaction() as tx:
        for number in range(PAGE + 20):
            await add_decision(tx, replace(work, decision_id=f"d{number:03}", expires_at_ms=number))
    worker = asyncio.create_task(DecisionWorker(log, Acting()).run())  # type: ignore[arg-type]
    while await log.pending_decisions():
        await asyncio.sleep(0.01)
    worker.cancel()
    assert sorted(acted) == [f"d{number:03}" for number in range(PAGE + 20)]


OLD, NEW = 1_000, 9_000


def ended(name: str, trade_id: str = "", *, at_ms: int = OLD, **more: Any) -> Order:
    facts = {"status": OrderStatus.FILLED, "executed": D("0.010"), "average": D(60_000), **more}
    return replace(ORDER, client_id=name, trade_id=trade_id, updated_ms=at_ms, **facts)


KEPT_ORDERS = [
    ended("young", at_ms=NEW),
    ended("of-an-open-trade", "open"),
    ended("lost", "failed", status=OrderStatus.LOST, executed=D(0), average=D(0)),  # it may still surface
    ended("unpriced", average=D(0)),
    ended("working", status=OrderStatus.WORKING, executed=D(0)),
]
KEPT_TRADES = [
    replace(TRADE, trade_id="open", status=TradeStatus.PROTECTED, updated_ms=OLD),
    replace(TRADE, trade_id="failed", status=TradeStatus.FAILED, updated_ms=OLD),
    replace(TRADE, trade_id="young", status=TradeStatus.CLOSED, updated_ms=NEW),
]


@pytest.fixture(params=["sqlite", "memory"])
def any_log(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue("log") if request.param == "sqlite" else MemoryLog()


async def test_the_log_forgets_what_is_old_and_settled_page_by_page_and_keeps_what_a_promise_needs(any_log: Any):
    over = replace(TRADE, trade_id="over", status=TradeStatus.CLOSED, updated_ms=OLD)
    gone = [ended(f"old-{number}", "over") for number in range(5)]
    await any_log.commit(orders=[*KEPT_ORDERS, *gone], trades=[*KEPT_TRADES, over])
    pages = [await any_log.trim(NEW, 2) for _ in range(5)]
    assert pages == [2, 2, 2, 0, 0]  # the trade goes with the last of its orders
    for order in KEPT_ORDERS:
        assert await any_log.order(order.client_id) == order
    for trade in KEPT_TRADES:
        assert await any_log.trade(trade.trade_id) == trade
    assert [await any_log.order(order.client_id) for order in gone] == [None] * 5
    assert await any_log.trade("over") is None


async def test_the_newest_closed_trades_come_first(any_log: Any):
    closed = [replace(TRADE, trade_id=f"closed-{n}", status=TradeStatus.CLOSED, closed_ms=n) for n in range(3)]
    await any_log.commit(trades=[*closed, TRADE])
    assert await any_log.closed_trades(2) == [closed[2], closed[1]]


async def test_only_decisions_that_are_done_are_forgotten(log: SqlLog, store):
    work = DecisionWork(
        decision_id="done", symbol="BTCUSDT", action=Action.LONG, quantity=D("0.010"), reference_price=D(60000),
        stop_price=D(59500), take_profit_price=D(0), strategy="trend", amplification=False, expires_at_ms=OLD,
        traceparent="",
    )  # fmt: skip
    async with store.transaction() as tx:
        for name in ("done", "waiting"):
            await add_decision(tx, replace(work, decision_id=name))
    await log.finish_decision("done")
    assert await log.trim(NEW, 10) == 1
    assert [waiting.decision_id for waiting in await log.pending_decisions()] == ["waiting"]


async def test_only_the_newest_judgements_are_kept(log: SqlLog, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store, "KEPT_JUDGEMENTS", 10)
    monkeypatch.setattr(store, "KEPT_JUDGEMENTS_SLACK", 5)
    for _ in range(3):
        await log.commit(judgements=[None] * 5)  # type: ignore[list-item]
    kept = await log.judgements(before=0, limit=99)
    assert [number for number, _ in kept] == list(range(15, 5, -1))
    assert {judgement for _, judgement in kept} == {None}  # and what cannot be read is said to be there
    assert [number for number, _ in await log.judgements(before=9, limit=2)] == [8, 7]
