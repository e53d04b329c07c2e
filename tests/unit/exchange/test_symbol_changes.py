"""A symbol whose rules or status change while people hold it."""

import pytest

from perpmesh.exchange import commands as c
from perpmesh.exchange.engine import Engine
from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange.events import AlgoUpdated, OrderUpdated, SymbolChanged
from perpmesh.exchange.symbols import default_symbols
from perpmesh.exchange.words import AlgoStatus, Execution, OrderStatus, Side, SymbolStatus

from .conftest import BTC, ETH, Bench, D


def test_a_coarser_tick_binds_new_orders_and_leaves_old_ones(bench: Bench) -> None:
    bench.limit(Side.BUY, "0.01", "59000.3")
    bench.do(c.ChangeSymbol(BTC, tick=D("0.5"), min_price=D("556.5"), step=D("0.002"), min_quantity=D("0.002")))
    assert bench.engine.order("alice", BTC, order_id=1).price == D("59000.3")
    for quantity, price in (("0.01", "59000.3"), ("0.003", "59000.5")):
        with pytest.raises(ExchangeError):
            bench.limit(Side.BUY, quantity, price)
    bench.limit(Side.BUY, "0.01", "59000.5")
    bench.tape("59000", "9", Side.SELL)
    assert bench.amount() == D("0.02")


def test_changed_rules_are_told_and_survive_a_restore(bench: Bench) -> None:
    (fact,) = bench.do(c.ChangeSymbol(BTC, SymbolStatus.PRE_SETTLE, min_notional=D(100)))
    assert isinstance(fact, SymbolChanged)
    assert fact.status is SymbolStatus.PRE_SETTLE
    again = Engine.restore(default_symbols(), bench.engine.snapshot())
    assert again.specs == bench.engine.specs
    assert (again.specs[BTC].min_notional, again.specs[BTC].status) == (D(100), SymbolStatus.PRE_SETTLE)
    assert again.specs[ETH] == default_symbols()[1]


def test_before_settlement_positions_can_be_closed_and_not_opened(bench: Bench) -> None:
    bench.market(Side.BUY, "0.1")
    bench.do(c.ChangeSymbol(BTC, SymbolStatus.PRE_SETTLE))
    with pytest.raises(ExchangeError) as caught:
        bench.market(Side.BUY, "0.1")
    assert caught.value.code == -4140
    bench.market(Side.SELL, "0.1", reduce_only=True)
    assert bench.amount() == 0


def test_settlement_ends_every_order_and_closes_every_position_at_the_mark(bench: Bench) -> None:
    bench.open("bob")
    bench.market(Side.BUY, "0.1")
    bench.market(Side.SELL, "0.2", "bob")
    bench.market(Side.BUY, "1", symbol=ETH)
    bench.limit(Side.BUY, "0.01", "59000")
    bench.stop(Side.SELL, "58000")
    bench.mark("60123.44")
    events = bench.do(c.ChangeSymbol(BTC, SymbolStatus.SETTLING))
    forced = [e for e in events if isinstance(e, OrderUpdated) and e.execution is Execution.CALCULATED]
    assert {(e.account, e.last_price, e.commission) for e in forced} == {
        ("alice", D("60123.4"), D(0)),
        ("bob", D("60123.4"), D(0)),
    }
    assert all(e.order.client_order_id.startswith("settlement_autoclose-") for e in forced)
    expired = [e for e in events if isinstance(e, OrderUpdated) and e.execution is Execution.EXPIRED]
    assert [(e.order.order_id, e.expire_reason, e.order.status) for e in expired] == [(4, 7, OrderStatus.EXPIRED)]
    assert [e.algo.status for e in events if isinstance(e, AlgoUpdated)] == [AlgoStatus.EXPIRED]
    assert (bench.amount(), bench.amount("bob"), bench.amount(symbol=ETH)) == (0, 0, 1)


def test_a_closed_symbol_has_no_book_and_no_trades_until_it_is_listed_again(bench: Bench) -> None:
    bench.do(c.ChangeSymbol(BTC, SymbolStatus.CLOSE))
    assert bench.book("59990", "60010") == bench.tape("60000") == []
    assert bench.engine.depth(BTC).bids == ()
    bench.do(c.ChangeSymbol(BTC, SymbolStatus.TRADING))
    bench.price("61000")
    bench.market(Side.BUY, "0.01")
    assert bench.amount() == D("0.01")
