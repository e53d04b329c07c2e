"""Forced closing: at which price, who pays, who takes over, and whose turn it is when the fund is empty."""

import pytest

from perpmesh.exchange import commands as c
from perpmesh.exchange.events import Event, MarginCalled, OrderUpdated, PositionLiquidated
from perpmesh.exchange.words import Execution, IncomeType, MarginType, PositionSide, Side

from .conftest import BTC, ETH, Bench, D

TAKER = D("0.0005")


def forced(events: list[Event], account: str) -> list[OrderUpdated]:
    updates = [e for e in events if isinstance(e, OrderUpdated) and e.account == account]
    return [e for e in updates if e.execution is Execution.CALCULATED]


def no_book(bench: Bench) -> None:
    bench.do(c.SetBook(BTC, (), ()))


def cleared(bench: Bench, account: str = "alice") -> list[D]:
    return [row.amount for row in bench.engine.income(account) if row.type is IncomeType.INSURANCE_CLEAR]


@pytest.mark.parametrize("side", list(Side))
def test_sold_at_the_bankruptcy_price_the_commission_is_paid_and_nothing_is_left(bench: Bench, side: Side) -> None:
    bench.do(c.SetMarginType("alice", BTC, MarginType.ISOLATED))
    bench.market(side, "0.5")
    held = bench.engine.positions("alice", BTC)[0]
    wallet = bench.engine.account("alice").wallet - held.isolated_wallet
    no_book(bench)
    events = bench.mark(str((held.liquidation_price - side.sign).quantize(D("0.1"))))
    price = forced(events, "alice")[0].order.price
    margin = held.isolated_wallet + held.amount * (price - held.entry_price) - D("0.5") * price * TAKER
    assert 0 <= margin < D("0.5") * D("0.1")
    assert bench.engine.account("alice").wallet == wallet


def test_the_book_comes_first_and_is_paid_as_a_taker(bench: Bench) -> None:
    bench.market(Side.BUY, "3")
    bench.do(c.SetBook(BTC, ((D(56_800), D(1)), (D(56_730), D(9))), ((D(56_801), D(9)),)))
    events = bench.mark("56750")
    fills = forced(events, "alice")
    assert [(e.last_price, e.last_quantity) for e in fills] == [(D(56_800), D(1)), (D(56_730), D(2))]
    assert [e.commission for e in fills] == [56_800 * TAKER, 2 * 56_730 * TAKER]
    assert bench.engine.account("alice").wallet == 0  # the clearance fee took what was left
    assert bench.engine.ledger().insurance == -sum(cleared(bench)) > 0


def test_what_the_book_leaves_the_fund_takes_over_and_keeps_the_difference_to_the_mark(bench: Bench) -> None:
    bench.market(Side.BUY, "3")
    price = bench.engine.positions("alice", BTC)[0].liquidation_price
    no_book(bench)
    mark = (price - 1).quantize(D("0.1"))
    (fill,) = forced(bench.mark(str(mark)), "alice")
    assert fill.last_price < mark
    assert fill.commission == 0
    assert bench.engine.ledger().insurance == 3 * (mark - fill.last_price) - sum(cleared(bench))


def test_the_clearance_fee_is_one_and_a_quarter_per_cent_where_there_is_money(bench: Bench) -> None:
    bench.market(Side.BUY, "0.1")
    bench.do(c.Liquidate("alice"))
    assert bench.amount() == 0
    assert cleared(bench) == [-bench.engine.trades("alice")[-1].quote * D("0.0125")]


def test_an_order_to_liquidate_closes_one_symbol_or_all(bench: Bench) -> None:
    bench.market(Side.BUY, "0.1")
    bench.market(Side.SELL, "1", symbol=ETH)
    bench.limit(Side.BUY, "0.01", "59000")
    events = bench.do(c.Liquidate("alice", BTC))
    assert [e.order.symbol for e in events if isinstance(e, PositionLiquidated)] == [BTC]
    assert [e.expire_reason for e in events if isinstance(e, OrderUpdated) and e.expire_reason] == [5]
    assert (bench.amount(), bench.amount(symbol=ETH)) == (0, -1)
    bench.do(c.Liquidate("alice"))
    assert bench.amount(symbol=ETH) == 0


def test_a_cross_account_closes_its_heaviest_position_first_and_stops_when_it_can(bench: Bench) -> None:
    bench.market(Side.BUY, "3")
    bench.market(Side.BUY, "1", symbol=ETH)
    price = bench.engine.positions("alice", BTC)[0].liquidation_price
    bench.mark(str((price - 1).quantize(D("0.1"))))  # the book has not moved yet, and pays well
    assert (bench.amount(), bench.amount(symbol=ETH)) == (0, 1)


def queue(bench: Bench) -> None:
    """Bob and Carol are short with a profit, Bob with more leverage; Dave is short with a loss; Alice is long."""
    for name, balance in (("bob", "5000"), ("carol", "50000"), ("dave", "5000")):
        bench.open(name, balance)
    bench.market(Side.SELL, "1", "bob")
    bench.market(Side.SELL, "1", "carol")
    bench.market(Side.BUY, "3")
    no_book(bench)


def test_an_empty_fund_deleverages_the_most_profitable_and_most_leveraged_first(bench: Bench) -> None:
    queue(bench)
    events = bench.mark("55000")
    taken = forced(events, "alice")
    assert [e.last_quantity for e in taken] == [1, 1, 1]
    for name in ("bob", "carol"):
        (fill,) = forced(events, name)
        assert fill.order.client_order_id.startswith("adl_autoclose-")
        assert (fill.last_price, fill.commission) == (taken[0].last_price, 0)
        assert bench.amount(name) == 0
    names = [e.account for e in events if isinstance(e, OrderUpdated) and e.execution is Execution.NEW]
    assert names == ["alice", "bob", "carol"]
    assert bench.amount("dave") == 0
    lost = taken[0].last_price - 55_000  # one coin found nobody: the fund goes below zero by that
    assert bench.engine.ledger().insurance == -lost - sum(cleared(bench))


def test_a_fund_that_can_pay_leaves_everybody_alone(bench: Bench) -> None:
    queue(bench)
    bench.do(c.FundInsurance(D(100_000)))
    events = bench.mark("55000")
    assert forced(events, "bob") == []
    assert bench.amount("bob") == -1
    assert 0 < bench.engine.ledger().insurance < 100_000


def test_nobody_who_loses_is_deleveraged(bench: Bench) -> None:
    bench.price("55000")
    bench.open("dave", "50000")
    bench.market(Side.SELL, "1", "dave")
    bench.price("60000")
    bench.market(Side.BUY, "3")
    no_book(bench)
    bench.mark("55500")
    assert bench.amount("dave") == -1


def test_the_queue_is_shown_from_nought_to_four(bench: Bench) -> None:
    for name, balance in (("bob", "50000"), ("carol", "5000"), ("dave", "500000")):
        bench.open(name, balance)
    for name in ("alice", "bob", "carol", "dave"):
        bench.market(Side.BUY, "1", name)
    bench.mark("61000")
    quantiles = {name: bench.engine.positions(name, BTC)[0].adl for name in ("alice", "bob", "carol", "dave")}
    assert quantiles == {"carol": 4, "alice": 2, "bob": 1, "dave": 0}
    bench.mark("59000")  # the same loss stands against more of Dave's own money
    quantiles = {name: bench.engine.positions(name, BTC)[0].adl for name in ("alice", "bob", "carol", "dave")}
    assert quantiles == {"carol": 4, "alice": 2, "bob": 1, "dave": 0}


def test_an_isolated_position_is_called_by_itself_and_once(bench: Bench) -> None:
    bench.do(c.SetMarginType("alice", BTC, MarginType.ISOLATED))
    bench.market(Side.BUY, "0.1")
    bench.market(Side.BUY, "0.1", symbol=ETH)
    near = (bench.engine.positions("alice", BTC)[0].liquidation_price + 10).quantize(D("0.1"))
    (call,) = [e for e in bench.mark(str(near)) if isinstance(e, MarginCalled)]
    assert call.cross_wallet is None
    assert [p.symbol for p in call.positions] == [BTC]
    assert not any(isinstance(e, MarginCalled) for e in bench.mark(str(near - 1)))


def test_one_side_of_an_isolated_hedge_goes_alone(bench: Bench) -> None:
    bench.do(c.SetPositionMode("alice", dual_side=True))
    bench.do(c.SetMarginType("alice", BTC, MarginType.ISOLATED))
    bench.market(Side.BUY, "0.1", position_side=PositionSide.LONG)
    bench.market(Side.SELL, "0.1", position_side=PositionSide.SHORT)
    price = bench.engine.positions("alice", BTC)[0].liquidation_price
    bench.mark(str((price - 1).quantize(D("0.1"))))
    assert [p.amount for p in bench.engine.positions("alice", BTC)] == [0, D("-0.1")]
