"""What an entry comes to: protected, refused with every reason, or known not to have happened."""

import asyncio
from decimal import Decimal

import pytest

from perpmesh.execution.domain import events
from perpmesh.execution.domain.words import Action, OrderStatus, Stage, TradeStatus
from perpmesh.kernel.errors import Invalid, NotFound, Refused, Unavailable

from .bench import BTC, ETH, Bench

D = Decimal


async def test_an_entry_stands_protected_on_the_exchange_when_it_is_answered(bench: Bench):
    outcome = await bench.buy(quantity="0.01", stop="59500", target="61000")
    assert bench.amount() == D("0.01")
    assert [stop.close_position for stop in bench.stops()] == [True]
    assert outcome.order.status is OrderStatus.FILLED
    assert outcome.trade.status is TradeStatus.PROTECTED
    assert (outcome.trade.stop_price, outcome.trade.take_profit_price) == (D(59500), D(61000))
    assert outcome.stop.status is OrderStatus.WORKING


async def test_the_entry_price_is_the_exchanges_and_one_r_is_the_loss_at_the_stop(bench: Bench):
    outcome = await bench.buy(quantity="0.01", stop="59500")
    assert outcome.trade.entry_price == D("60000.1")
    assert outcome.trade.initial_risk == D("5.001")
    assert outcome.order.average == D("60000.1")


async def test_without_a_stop_policy_gives_the_default_distance(bench: Bench):
    outcome = await bench.sell(quantity="0.01")
    assert outcome.trade.stop_price == D("60600")


async def test_asking_twice_orders_once(bench: Bench):
    first = await bench.buy("same")
    second = await bench.buy("same")
    assert bench.amount() == D("0.01")
    assert first.order == second.order


async def test_asking_twice_at_once_orders_once(bench: Bench):
    outcomes = await asyncio.gather(*(bench.buy("same") for _ in range(5)))
    assert bench.amount() == D("0.01")
    assert len({outcome.order.client_id for outcome in outcomes}) == 1


async def test_a_refusal_is_remembered_too(bench: Bench):
    bench.prices.age_ms = 60_000
    with pytest.raises(Refused):
        await bench.buy("same")
    bench.prices.age_ms = 0
    with pytest.raises(Refused) as again:
        await bench.buy("same")
    assert again.value.reason == "PRICE_STALE"
    assert bench.amount() == 0


async def test_a_refusal_names_every_reason_and_is_published(bench: Bench):
    bench.cases.lease.revoked(1, "tripped")
    bench.prices.age_ms = 60_000
    with pytest.raises(Refused) as refused:
        await bench.buy()
    assert refused.value.metadata["reasons"] == "LEASE_MISSING,PRICE_STALE"
    [event] = bench.told(events.OrderRefused)
    assert event.order.reasons == "LEASE_MISSING,PRICE_STALE"
    assert bench.venue.entries == []


@pytest.mark.parametrize(
    ("quantity", "reason"), [("0.0005", "QUANTITY_STEP"), ("0.00001", "QUANTITY_STEP"), ("500", "QUANTITY_TOO_LARGE")]
)
async def test_a_quantity_that_can_never_be_right_is_the_requests_fault(bench: Bench, quantity: str, reason: str):
    with pytest.raises(Invalid) as invalid:
        await bench.buy(quantity=quantity)
    assert (invalid.value.reason, invalid.value.field) == (reason, "quantity")


async def test_an_unknown_symbol_is_not_found(bench: Bench):
    with pytest.raises(NotFound) as missing:
        await bench.buy(symbol="DOGEUSDT")
    assert (missing.value.reason, missing.value.field) == ("UNKNOWN_SYMBOL", "symbol")


async def test_what_the_exchange_refuses_is_rejected_and_never_sent_again(bench: Bench):
    bench.venue.fault("send_entry", -2019)
    outcome = await bench.buy()
    assert outcome.order.status is OrderStatus.REJECTED
    assert outcome.order.error_code == -2019
    assert outcome.trade.status is TradeStatus.FAILED
    assert bench.venue.asked["send_entry"] == 1
    assert len(bench.told(events.OrderRejected)) == 1


async def test_t1_an_answer_lost_after_acceptance_leaves_one_order_and_a_protected_position(bench: Bench):
    bench.venue.fault("send_entry", "unanswered")
    outcome = await bench.buy()
    assert bench.amount() == D("0.01")
    assert len(bench.venue.entries) == 1
    assert outcome.trade.status is TradeStatus.PROTECTED
    assert bench.covered()


async def test_not_found_proves_nothing_until_the_window_and_ten_seconds_have_passed(bench: Bench):
    bench.venue.fault("send_entry", "lost")
    with pytest.raises(Unavailable):
        await bench.buy("r1")
    order = next(iter(bench.log.orders.values()))
    assert order.status is OrderStatus.UNKNOWN
    bench.lend()
    with pytest.raises(Refused) as refused:
        await bench.buy("r2")
    assert refused.value.reason in ("ORDER_UNSETTLED", "POSITION_EXISTS")
    bench.clock.advance(11_500)
    await bench.cases.reconciler.everything()
    assert bench.log.orders[order.client_id].status is OrderStatus.LOST
    assert bench.log.trades[order.trade_id].status is TradeStatus.FAILED
    assert bench.venue.asked["send_entry"] == 1


async def test_a_lost_entry_that_surfaces_is_taken_up_and_protected(bench: Bench):
    bench.venue.fault("send_entry", "lost")
    with pytest.raises(Unavailable):
        await bench.buy("r1", stop="59000")
    bench.clock.advance(11_500)
    await bench.cases.reconciler.everything()
    [order] = bench.log.orders.values()
    bench.by_hand("BUY", "0.01", client_order_id=order.client_id)
    await bench.cases.reconciler.everything()
    assert bench.log.trades[order.trade_id].status is TradeStatus.PROTECTED
    assert [stop.trigger_price for stop in bench.stops()] == [D(59000)]


async def test_the_stage_shrinks_a_decision_and_refuses_a_larger_request(bench: Bench):
    bench.lend(stage=Stage.QUARTER)
    with pytest.raises(Refused) as refused:
        await bench.buy(quantity="0.02")
    assert "STAGE_SIZE" in refused.value.metadata["reasons"]
    await bench.cases.decide.act(bench.decision("d1", Action.LONG, "0.02"))
    assert bench.amount() == D("0.005")


async def test_stage_paper_trades_the_smallest_size_the_exchange_takes(bench: Bench):
    bench.lend(stage=Stage.PAPER)
    await bench.cases.decide.act(bench.decision("d1", Action.LONG, "0.05"))
    assert bench.amount() == D("0.001")


async def test_stage_shadow_sends_nothing(bench: Bench):
    bench.lend(stage=Stage.SHADOW)
    await bench.cases.decide.act(bench.decision("d1", Action.LONG))
    assert bench.venue.asked["send_entry"] == 0
    assert bench.told(events.OrderRefused)[0].order.reasons == "STAGE_SHADOW"


async def test_ten_decisions_at_once_cannot_pass_a_limit_that_fits_one():
    bench = Bench(**{"risk.max_open_risk_pct": "0.001"})  # 10 USDT
    await bench.start()
    wishes = [bench.buy(f"b{n}", "0.01", stop="59400") for n in range(5)]
    wishes += [bench.buy(f"e{n}", "0.2", symbol=ETH, stop="2970") for n in range(5)]
    outcomes = await asyncio.gather(*wishes, return_exceptions=True)
    assert sum(not isinstance(outcome, Refused) for outcome in outcomes) == 1
    assert sum(1 for symbol in (BTC, ETH) if bench.amount(symbol)) == 1
    assert bench.cases.tools.desk.reservations == {}


async def test_events_are_told_once_each(bench: Bench):
    await bench.buy()
    for _ in range(3):
        await bench.cases.reconciler.everything()
    assert len(bench.told(events.TradeOpened)) == 1
    assert [event.order.leg.name for event in bench.told(events.OrderPlaced)] == ["ENTRY", "STOP"]
    assert len(bench.told(events.OrderFilled)) == 1


async def test_a_clock_error_of_the_exchange_asks_for_a_new_sample(bench: Bench):
    bench.venue.fault("send_entry", -1021)
    outcome = await bench.buy()
    assert outcome.order.status is OrderStatus.REJECTED
    assert not bench.cases.tools.desk.exchange_clock.is_known(bench.clock.boot_ms())
    await bench.cases.upkeep.once()
    assert "CLOCK_UNKNOWN" not in bench.cases.reporter.tradability().blockers


async def test_an_account_in_hedge_mode_is_not_traded():
    bench = Bench()
    bench.venue.trouble = "HEDGE_MODE"
    await bench.start()
    with pytest.raises(Refused) as refused:
        await bench.buy()
    assert refused.value.reason == "HEDGE_MODE"


async def test_a_full_store_refuses_entries(bench: Bench):
    bench.log.full = True
    with pytest.raises(OSError, match="no space"):
        await bench.buy()
    assert bench.venue.asked["send_entry"] == 0
