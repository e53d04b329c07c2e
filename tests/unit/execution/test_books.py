"""The books equal the exchange's, to the cent: every trade, and all of them together."""

from decimal import Decimal
from random import Random

import pytest

from perpmesh.exchange import commands as c
from perpmesh.execution.domain import events
from perpmesh.execution.domain.booking import books_of, flat_to_flat, is_complete, opening_of
from perpmesh.execution.domain.facts import Fill, IncomeRow
from perpmesh.execution.domain.words import Side
from perpmesh.kernel.errors import Refused

from .bench import BTC, ETH, ME, Bench

D = Decimal


async def test_a_trades_result_is_what_the_wallet_gained(bench: Bench):
    before = bench.engine.account(ME).wallet
    await bench.buy(quantity="0.05", stop="59500")
    bench.price("60777")
    outcome = await bench.exit("x1", "SELL", "1")
    assert outcome.trade.net_pnl == bench.engine.account(ME).wallet - before
    assert outcome.trade.commission < 0 < outcome.trade.realized
    assert (outcome.trade.entry_price, outcome.trade.exit_price) == (D("60000.1"), D("60776.9"))


async def test_funding_belongs_to_the_trade_that_was_open(bench: Bench):
    before = bench.engine.account(ME).wallet
    await bench.sell(quantity="0.05")
    bench.clock.advance(10)
    bench.venue.apply(c.SettleFunding(BTC, D("0.0003")))
    bench.clock.advance(10)
    bench.lend()
    outcome = await bench.exit("x1", "BUY", "1")
    assert outcome.trade.funding == D("0.9")
    assert outcome.trade.net_pnl == bench.engine.account(ME).wallet - before


async def test_a_trade_is_not_booked_before_the_income_is_there(bench: Bench):
    await bench.buy()
    income = bench.venue.income

    async def behind(symbol, start_ms):
        return []

    bench.venue.income = behind  # type: ignore[method-assign]
    await bench.exit("x1", "SELL", "1")
    assert bench.told(events.TradeClosed) == []
    bench.venue.income = income  # type: ignore[method-assign]
    await bench.cases.reconciler.everything()
    assert len(bench.told(events.TradeClosed)) == 1


@pytest.mark.parametrize("seed", range(8))
async def test_the_sum_of_all_trades_is_the_change_of_the_wallet(seed: int):
    bench, chance = Bench(**{"execution.orders_per_minute": "100000"}), Random(seed)
    await bench.start()
    for step in range(40):
        symbol, base = chance.choice([(BTC, 60_000), (ETH, 3_000)])
        bench.price(str(D(base) + D(chance.randint(-300, 300)) * base / 60_000), symbol)
        bench.lend()
        act = chance.choice([bench.buy, bench.sell, bench.exit])
        side = chance.choice(["BUY", "SELL"])
        quantity = D(chance.randint(1, 8)) * (D("0.003") if symbol == BTC else D("0.05"))
        try:
            if act == bench.exit:
                await bench.cases.submit.exit(bench.request(f"r{step}", side, str(quantity), symbol=symbol))
            else:
                await act(f"r{step}", str(quantity), symbol=symbol)
        except Refused:
            pass  # a refusal is as good a step as any
        await bench.cases.reconciler.everything()
        for held in (BTC, ETH):
            assert not bench.amount(held) or bench.covered(held)
    await bench.cases.flatten.flatten()
    await bench.cases.reconciler.everything()
    closed = bench.told(events.TradeClosed)
    opened = bench.told(events.TradeOpened)
    assert {event.trade.trade_id for event in opened} == {event.trade.trade_id for event in closed}
    assert len(closed) == len({event.trade.trade_id for event in closed})
    assert sum((event.trade.net_pnl for event in closed), D(0)) == bench.engine.account(ME).wallet - 10_000
    assert D(closed[-1].equity) == bench.engine.account(ME).margin_balance
    assert bench.cases.tools.desk.mismatch == ""


async def test_equity_follows_the_marks_between_two_reports(bench: Bench):
    await bench.buy(quantity="0.05", stop="59500")
    await bench.cases.reconciler.everything()
    for price in ("60123.4", "59876.5"):
        bench.price(price)
        assert bench.cases.tools.desk.equity() == bench.engine.account(ME).margin_balance


def fill(number: int, side: Side, quantity: str, price: str = "100", realized: str = "0") -> Fill:
    return Fill(
        trade_id=number, order_id=str(number), side=side, price=D(price), quantity=D(quantity), realized=D(realized),
        commission=D("0.05"), time_ms=number * 10,
    )  # fmt: skip


def test_a_reversed_position_ends_the_trade_where_it_was_flat():
    fills = [fill(1, Side.BUY, "1"), fill(2, Side.SELL, "1"), fill(3, Side.SELL, "1")]
    assert flat_to_flat(fills) == fills[:2]


def test_an_open_position_has_no_books_yet():
    assert flat_to_flat([fill(1, Side.BUY, "2"), fill(2, Side.SELL, "1")]) is None


def test_the_opening_of_a_position_is_found_by_walking_back():
    fills = [fill(1, Side.BUY, "1"), fill(2, Side.SELL, "1"), fill(3, Side.SELL, "2"), fill(4, Side.BUY, "1")]
    assert opening_of(fills, D(-1)) == fills[2:]


def test_income_that_does_not_match_the_fills_is_a_mismatch():
    fills = [fill(1, Side.BUY, "1"), fill(2, Side.SELL, "1", realized="3")]
    rows = [
        IncomeRow(kind="COMMISSION", amount=D("-0.05"), time_ms=10, trade_id=1),
        IncomeRow(kind="COMMISSION", amount=D("-0.05"), time_ms=20, trade_id=2),
    ]
    assert not is_complete(fills, rows)
    rows.append(IncomeRow(kind="REALIZED_PNL", amount=D("2.50"), time_ms=20, trade_id=2))
    assert is_complete(fills, rows)
    assert "realised PnL" in books_of(Side.BUY, fills, rows).mismatch
