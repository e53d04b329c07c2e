"""What bars every entry and no exit: the account's modes, a full disk, a start not finished, a stop begun, old news."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from perpmesh.execution.adapters.events_in import DecisionWorker
from perpmesh.execution.domain import events
from perpmesh.execution.domain.words import Action, OrderStatus, TradeStatus
from perpmesh.kernel.errors import Refused
from perpmesh.kernel.time import MS_PER_DAY

from .bench import BTC, Bench

D = Decimal


async def reason_against(bench: Bench, name: str = "why") -> str:
    with pytest.raises(Refused) as refused:
        await bench.buy(name)
    return refused.value.reason


# Modes of the account.


@pytest.mark.parametrize("mode", ["HEDGE_MODE", "MULTI_ASSETS_MODE", "BNB_FEE_BURN"])
async def test_an_account_in_a_mode_that_breaks_the_books_is_refused_at_start_with_the_mode_as_reason(mode: str):
    bench = Bench()
    bench.by_hand("BUY", "0.01")
    bench.venue.trouble = mode
    await bench.start()
    assert await reason_against(bench) == mode
    assert bench.cases.reporter.tradability().blockers == [mode]
    assert bench.covered()  # whose position it is does not matter: it is protected, and can be left
    await bench.exit("x1", "SELL", "1")
    assert bench.amount() == 0


async def test_t6_a_mode_changed_under_us_is_noticed_with_the_first_order_and_named_after_a_look(bench: Bench):
    bench.venue.trouble = "HEDGE_MODE"
    bench.venue.fault("send_entry", -4061)
    outcome = await bench.buy("r1")
    assert (outcome.order.status, outcome.order.error_code) == (OrderStatus.REJECTED, -4061)
    assert await reason_against(bench, "r2") == "EXCHANGE_4061"
    assert bench.cases.tools.desk.wants_upkeep.is_set()
    await bench.cases.upkeep.once()
    assert await reason_against(bench, "r3") == "HEDGE_MODE"
    assert bench.venue.asked["send_entry"] == 1


async def test_multi_assets_mode_switched_on_is_noticed_before_the_next_order(bench: Bench):
    bench.cases.tools.desk.multi_assets_told(on=True)
    assert await reason_against(bench) == "MULTI_ASSETS_MODE"
    await bench.cases.upkeep.once()  # the look finds it off again
    bench.lend()
    await bench.buy("r2")


async def test_a_leverage_set_by_hand_is_noticed_before_the_next_order_and_set_back(bench: Bench):
    bench.policies.changed["risk.max_leverage"] = "10"
    bench.cases.tools.desk.leverage_told(BTC, 50)
    assert await reason_against(bench) == "LEVERAGE"
    await bench.cases.upkeep.once()
    bench.lend()
    assert bench.cases.tools.desk.leverages[BTC] == 5
    await bench.buy("r2")


# A full disk.


async def test_i4_with_a_full_disk_nothing_enters_and_everything_can_be_left(bench: Bench):
    await bench.buy("r1", "0.02")
    bench.log.full = True
    with pytest.raises(OSError, match="no space"):
        await bench.buy("e", "0.2", symbol="ETHUSDT")
    assert bench.venue.asked["send_entry"] == 1
    await bench.exit("x1", "SELL", "0.01")
    assert bench.amount() == D("0.01")
    assert "STORE_FAILED" in bench.cases.reporter.tradability().blockers
    await bench.cases.flatten.flatten(reason="out")
    assert bench.amount() == 0
    bench.log.full = False
    await bench.cases.reconciler.everything()
    assert bench.cases.reporter.tradability().blockers == []
    [closed] = bench.told(events.TradeClosed)
    assert closed.trade.quantity == D("0.02")


async def test_a_full_disk_does_not_hide_what_is_wrong_with_the_account(bench: Bench):
    await bench.buy("r1")
    bench.log.full = True
    await bench.exit("x1", "SELL", "1")
    bench.venue.trouble = "HEDGE_MODE"
    bench.cases.tools.desk.look_at_account()
    await bench.cases.upkeep.once()
    assert {"STORE_FAILED", "HEDGE_MODE"} <= set(bench.cases.reporter.tradability().blockers)
    bench.log.full = False
    await bench.cases.reconciler.everything()
    assert bench.cases.reporter.tradability().blockers == ["HEDGE_MODE"]


async def test_a_store_that_cannot_be_trimmed_keeps_nothing_from_going_on(bench: Bench):
    async def fails(before_ms: int, limit: int) -> int:
        raise OSError("no space left on device")

    bench.log.trim = fails  # type: ignore[method-assign]
    bench.clock.advance(2 * 3_600_000)
    await bench.cases.upkeep.once()
    assert ("log not trimmed", {"error": "OSError('no space left on device')"}) in bench.notes.said
    assert bench.cases.tools.desk.exchange_clock.is_known(bench.clock.boot_ms())


# Starting and stopping.


async def test_a_start_reconciles_first_and_trades_after():
    bench = Bench()
    bench.by_hand("BUY", "0.01")  # left naked by whatever was here before
    bench.venue.fault("positions", "lost")
    cases = await bench.start()
    fresh = bench.decision("d1", Action.SHORT, symbol="ETHUSDT", stop="3030", reference="3000", quantity="0.2")
    await cases.decide.act(fresh)
    [refused] = bench.told(events.OrderRefused)
    assert refused.order.reasons == "NOT_RECONCILED,EQUITY_UNKNOWN"
    assert not bench.covered()
    await cases.reconciler.everything()
    assert bench.covered()
    assert bench.venue.entries == []
    await cases.decide.act(replace(fresh, decision_id="d2"))
    assert bench.amount("ETHUSDT") == D("-0.2")


async def test_a_stop_lets_what_has_been_sent_be_finished_and_protected_and_nothing_begin(bench: Bench):
    bench.log.decisions["d1"] = bench.decision("d1", Action.LONG)
    sent, go = asyncio.Event(), asyncio.Event()
    enter = bench.venue.send_entry

    async def slow(entry):
        sent.set()
        await go.wait()
        return await enter(entry)

    bench.venue.send_entry = slow  # type: ignore[method-assign]
    await bench.start()
    worker = asyncio.create_task(DecisionWorker(bench.log, bench.cases.decide).run())  # type: ignore[arg-type]
    await sent.wait()
    bench.cases.lease.close("the process is stopping")
    worker.cancel()
    go.set()
    await asyncio.gather(worker, return_exceptions=True)
    assert bench.amount() == D("0.01")
    assert bench.covered()
    assert await reason_against(bench, "later") == "LEASE_MISSING"
    await bench.exit("x1", "SELL", "1")
    assert bench.amount() == 0


async def test_t19_ten_thousand_old_decisions_execute_nothing_and_a_fresh_one_still_does(bench: Bench):
    actions = [Action.LONG, Action.SHORT, Action.CLOSE, Action.HOLD]
    await bench.buy("held", "0.2", symbol="ETHUSDT", stop="2970")
    for number in range(10_000):
        symbol = BTC if number % 2 else "ETHUSDT"
        old = bench.decision(f"d{number}", actions[number % 4], symbol=symbol, ttl_ms=-1 - number)
        bench.log.decisions[old.decision_id] = old
    bench.log.decisions["fresh"] = bench.decision("fresh", Action.LONG, ttl_ms=3_600_000)
    bench.lend(valid_ms=3_600_000)
    worker = asyncio.create_task(DecisionWorker(bench.log, bench.cases.decide).run())  # type: ignore[arg-type]
    while bench.log.decisions:
        await asyncio.sleep(0)
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    assert len(bench.venue.entries) == 2
    assert bench.venue.asked["reduce"] == 0
    assert (bench.amount("ETHUSDT"), bench.amount(BTC)) == (D("0.2"), D("0.01"))


# Retention.


async def test_the_log_forgets_what_is_settled_and_old_and_nothing_that_is_open():
    bench = Bench(**{"execution.retention_days": "8"})
    await bench.start()
    await bench.buy("old")
    await bench.exit("x", "SELL", "1")
    await bench.buy("held")
    bench.clock.advance(8 * MS_PER_DAY + 1_000)
    await bench.cases.reconciler.everything()
    await bench.cases.upkeep.once()
    await bench.cases.upkeep.once()
    [trade] = bench.log.trades.values()
    assert trade.status is TradeStatus.PROTECTED
    assert {order.trade_id for order in bench.log.orders.values()} == {trade.trade_id}
    again = await bench.buy("held")  # its request is still known
    assert again.trade.trade_id == trade.trade_id
    assert bench.amount() == D("0.01")
