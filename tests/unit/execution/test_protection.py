"""No position without a stop: placed at once, moved without a gap, and where none can stand the position goes."""

from decimal import Decimal

import pytest

from perpmesh.execution.domain import events
from perpmesh.execution.domain.words import Action, TradeStatus

from .bench import Bench

D = Decimal


@pytest.mark.parametrize("fault", [-2021, -4045, -4120, -4014])
async def test_t4_a_stop_the_exchange_will_not_have_ends_flat(bench: Bench, fault: int):
    bench.venue.fault("place_conditional", *[fault] * 10)
    began = bench.clock.boot_ms()
    outcome = await bench.buy()
    assert bench.amount() == 0
    assert outcome.trade.status is TradeStatus.CLOSED
    assert outcome.trade.close_reason == "FLATTEN"
    assert bench.clock.boot_ms() - began <= 5_000


async def test_t4_a_stop_endpoint_that_never_answers_ends_flat_within_five_seconds(bench: Bench):
    bench.venue.fault("place_conditional", *["lost"] * 50)
    began = bench.clock.boot_ms()
    await bench.buy()
    assert bench.amount() == 0
    assert bench.clock.boot_ms() - began <= 5_000


async def test_a_stop_whose_answer_is_lost_is_found_and_not_doubled(bench: Bench):
    bench.venue.fault("place_conditional", "unanswered")
    outcome = await bench.buy()
    assert len(bench.stops()) == 1
    assert outcome.trade.status is TradeStatus.PROTECTED


async def test_a_throttled_stop_is_tried_again_at_once(bench: Bench):
    bench.venue.fault("place_conditional", -1008, -1008)
    outcome = await bench.buy()
    assert bench.covered()
    assert outcome.trade.status is TradeStatus.PROTECTED


async def test_a_stop_somebody_took_away_is_put_back(bench: Bench):
    await bench.buy(stop="59000")
    for stop in bench.stops():
        await bench.venue.cancel_conditional(stop.client_algo_id)
    assert not bench.covered()
    await bench.cases.reconciler.everything()
    assert [stop.trigger_price for stop in bench.stops()] == [D(59000)]
    assert bench.cases.tools.ledger.trade("BTCUSDT").status is TradeStatus.PROTECTED


async def test_when_the_stop_is_gone_and_the_price_through_it_the_position_goes(bench: Bench):
    await bench.buy(stop="59500")
    for stop in bench.stops():
        await bench.venue.cancel_conditional(stop.client_algo_id)
    bench.price("59400")
    await bench.cases.reconciler.everything()
    assert bench.amount() == 0
    assert bench.told(events.TradeClosed)[0].trade.close_reason == "FLATTEN"


async def test_a_stop_that_triggers_closes_the_trade_with_its_reason(bench: Bench):
    await bench.buy(stop="59500", target="61000")
    bench.price("59400")
    assert bench.amount() == 0
    await bench.cases.reconciler.everything()
    [closed] = bench.told(events.TradeClosed)
    assert closed.trade.close_reason == "STOP"
    assert bench.engine.open_algos("me") == ()


async def test_a_take_profit_closes_the_trade_with_its_reason(bench: Bench):
    await bench.buy(stop="59500", target="61000")
    bench.price("61010")
    await bench.cases.reconciler.everything()
    assert bench.told(events.TradeClosed)[0].trade.close_reason == "TAKE_PROFIT"


async def test_a_refused_take_profit_leaves_the_stop_standing(bench: Bench):
    bench.venue.fault("place_conditional", None, *[-4045] * 10)
    outcome = await bench.buy(stop="59500", target="61000")
    assert outcome.trade.status is TradeStatus.PROTECTED
    assert bench.amount() == D("0.01")
    assert bench.covered()


async def test_a_position_nobody_here_opened_is_protected_and_owned(bench: Bench):
    bench.by_hand("SELL", "0.02")
    await bench.cases.reconciler.everything()
    assert bench.covered()
    [opened] = bench.told(events.TradeOpened)
    assert (opened.trade.strategy, opened.trade.quantity) == ("external", D("0.02"))
    assert opened.trade.entry_price == D("59999.9")


async def test_an_external_position_that_already_has_a_stop_keeps_it(bench: Bench):
    bench.by_hand("BUY", "0.02")
    await bench.venue.place_conditional(
        symbol="BTCUSDT", side=bench.request("x", "SELL", "1").side, kind="STOP_MARKET", trigger=D(55000),
        client_id="human-stop",
    )  # fmt: skip
    await bench.cases.reconciler.everything()
    assert [stop.client_algo_id for stop in bench.stops()] == ["human-stop"]


async def test_an_amplified_trade_is_never_uncovered_and_ends_with_one_tighter_stop(bench: Bench):
    await bench.cases.decide.act(bench.decision("d1", Action.LONG, "0.01", stop="59000"))
    bench.price("60500")
    covered: list[bool] = []
    apply = bench.venue.apply

    def watched(command):
        events_ = apply(command)
        covered.append(bench.covered())
        return events_

    bench.venue.apply = watched  # type: ignore[method-assign]
    more = bench.decision("d2", Action.LONG, "0.003", stop="60010", reference="60500", amplification=True)
    await bench.cases.decide.act(more)
    assert bench.amount() == D("0.013")
    assert all(covered)
    assert [(s.trigger_price, s.close_position) for s in bench.stops()] == [(D(60010), True)]
    assert len(bench.told(events.TradeOpened)) == 1
    trade = bench.cases.tools.ledger.trade("BTCUSDT")
    assert (trade.quantity, trade.stop_price) == (D("0.013"), D(60010))


async def test_an_amplification_with_a_looser_stop_is_refused(bench: Bench):
    await bench.cases.decide.act(bench.decision("d1", Action.LONG, "0.01", stop="59500"))
    await bench.cases.decide.act(bench.decision("d2", Action.LONG, "0.003", stop="59000", amplification=True))
    assert bench.amount() == D("0.01")
    assert "STOP_WORSE" in bench.told(events.OrderRefused)[0].order.reasons


async def test_a_protective_order_that_serves_nothing_any_more_is_taken_away(bench: Bench):
    await bench.venue.place_conditional(
        symbol="BTCUSDT", side=bench.request("x", "SELL", "1").side, kind="STOP_MARKET", trigger=D(50000),
        client_id="pm-s-leftover",
    )  # fmt: skip
    await bench.cases.reconciler.everything()
    assert bench.engine.open_algos("me") == ()


async def test_a_liquidation_is_booked_as_one(bench: Bench):
    bench.by_hand("BUY", "0.8")
    bench.venue.fault("place_conditional", *[-1008] * 400)
    bench.venue.fault("reduce", *[-1008] * 400)
    await bench.cases.reconciler.everything()
    for price in ("55000", "50000", "47600"):
        bench.price(price)
    bench.venue.faults.clear()
    assert bench.amount() == 0
    await bench.cases.reconciler.everything()
    [closed] = bench.told(events.TradeClosed)
    assert closed.trade.close_reason == "LIQUIDATION"
