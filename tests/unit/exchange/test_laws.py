"""What holds after any sequence of commands, in any order, by anybody."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perpmesh.exchange import commands as c
from perpmesh.exchange.engine import Engine
from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange.events import (
    AccountUpdated,
    AlgoUpdated,
    Event,
    MarginCalled,
    OrderUpdated,
    PositionLiquidated,
    SymbolChanged,
)
from perpmesh.exchange.symbols import default_symbols
from perpmesh.exchange.views import PositionView
from perpmesh.exchange.words import AlgoStatus, BalanceReason, Execution, IncomeType, PositionSide, Side, TimeInForce
from perpmesh.testing.exchange_life import MARKET_MS, MID, WALL_MS, Life, births

from .conftest import D

runs = st.integers(0, 2**32).map(lambda seed: list(Life(seed).commands(120)))
careful = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


def begun() -> Engine:
    engine = Engine(default_symbols())
    run(engine, list(births()))
    return engine


def run(engine: Engine, commands: list[c.Command], start: int = 0) -> list[Event]:
    events: list[Event] = []
    for n, command in enumerate(commands, start):
        try:
            events += engine.apply(command, market_ms=MARKET_MS + n * 1000, wall_ms=WALL_MS + n)
        except ExchangeError:
            continue
    return events


@careful
@given(runs)
def test_money_is_conserved_to_the_last_unit(commands) -> None:
    engine = begun()
    for n, command in enumerate(commands):
        run(engine, [command], n)
        books = engine.ledger()
        assert books.wallets - books.holdings_cost + books.fees + books.insurance + books.background == books.deposits


@careful
@given(runs)
def test_the_income_history_explains_the_wallet(commands) -> None:
    engine = begun()
    run(engine, commands)
    for name in engine.accounts():
        assert sum(row.amount for row in engine.income(name)) == engine.account(name).wallet
        trades = sum(t.realized - t.commission for t in engine.trades(name))
        booked = [r for r in engine.income(name) if r.trade_id]
        assert sum(r.amount for r in booked) == trades
        told = sum(p.realized for p in engine.positions(name))
        assert told == sum(r.amount for r in booked if r.type is IncomeType.REALIZED_PNL)


@careful
@given(runs)
def test_no_order_fills_beyond_its_quantity_or_through_its_limit(commands) -> None:
    engine = begun()
    for event in run(engine, commands):
        if not isinstance(event, OrderUpdated):
            continue
        order = event.order
        assert 0 <= order.executed <= order.quantity
        if order.time_in_force is TimeInForce.FOK:
            assert event.execution in (Execution.NEW, Execution.TRADE)  # filled as a whole, or never taken
        if event.execution in (Execution.TRADE, Execution.CALCULATED) and order.price:
            assert event.last_price <= order.price if order.side is Side.BUY else event.last_price >= order.price


@careful
@given(runs)
def test_positions_are_the_sum_of_their_trades(commands) -> None:
    engine = begun()
    run(engine, commands)
    for name in engine.accounts():
        for symbol in MID:
            signed = sum(t.quantity * t.side.sign for t in engine.trades(name, symbol))
            assert sum(p.amount for p in engine.positions(name, symbol)) == signed


def shown(place: PositionView) -> tuple[object, ...]:
    return place.amount, place.entry_price, place.isolated_wallet, place.realized, place.update_time


@careful
@given(runs)
def test_what_an_account_was_told_last_is_what_it_reads_when_all_is_quiet(commands) -> None:
    engine = begun()
    facts = run(engine, commands)
    told = [fact for fact in facts if isinstance(fact, AccountUpdated)]
    for name in engine.accounts():
        mine = [fact for fact in told if fact.account == name]
        account, last = engine.account(name), mine[-1] if mine else None
        if last is not None:
            assert (last.wallet, last.cross_wallet) == (account.wallet, account.cross_wallet)
        places = {(p.symbol, p.position_side): p for fact in mine for p in fact.positions}
        for place in account.positions:
            if place.amount:
                assert shown(places[place.symbol, place.position_side]) == shown(place)


@careful
@given(runs)
def test_the_shown_book_is_never_crossed(commands) -> None:
    engine = begun()
    for n, command in enumerate(commands):
        run(engine, [command], n)
        for symbol in MID:
            depth = engine.depth(symbol)
            if depth.bids and depth.asks:
                assert depth.bids[0][0] < depth.asks[0][0]


@careful
@given(runs)
def test_nobody_is_left_under_water_and_nothing_reduces_the_wrong_way(commands) -> None:
    engine = begun()
    run(engine, commands)
    for name in engine.accounts():
        account = engine.account(name)
        held = [p for p in account.positions if p.amount and not p.is_isolated]
        if held:
            assert account.cross_wallet + account.cross_unrealized > sum(p.maint_margin for p in held)
        else:
            assert account.cross_wallet >= 0
        for order in engine.open_orders(name):
            if order.reduce_only:
                (place,) = [p for p in engine.positions(name, order.symbol) if p.position_side is order.position_side]
                assert place.amount * order.side.sign < 0


@careful
@given(runs)
def test_a_refusal_changes_nothing(commands) -> None:
    engine = begun()
    for n, command in enumerate(commands):
        before = engine.state_hash()
        try:
            engine.apply(command, market_ms=MARKET_MS + n, wall_ms=WALL_MS + n)
        except ExchangeError:
            assert engine.state_hash() == before


@careful
@given(runs, st.integers(0, 120))
def test_the_same_commands_give_the_same_bytes_also_after_a_restore_in_the_middle(commands, cut) -> None:
    one, other = begun(), begun()
    facts = run(one, commands)
    first = run(other, commands[:cut])
    restored = Engine.restore(default_symbols(), other.snapshot())
    assert restored.state_hash() == other.state_hash()
    for name in other.accounts():
        assert restored.account(name) == other.account(name)
    rest = run(restored, commands[cut:], min(cut, len(commands)))
    assert restored.snapshot() == one.snapshot()
    assert first + rest == facts


@careful
@given(runs)
def test_what_an_order_holds_of_margin_is_gone_with_it(commands) -> None:
    engine = begun()
    run(engine, commands)
    for name in engine.accounts():
        run(engine, [c.CancelAllOrders(name, symbol) for symbol in MID], 100)
        account = engine.account(name)
        assert account.open_order_initial_margin == 0
        assert all(replace(p, bid_notional=D(0), ask_notional=D(0)) == p for p in account.positions)


def test_these_laws_were_tried_on_a_full_life() -> None:
    """The lives above are only worth something if everything happens in them."""
    facts = [fact for seed in range(20) for fact in run(begun(), list(Life(seed).commands(250)))]
    orders = [e for e in facts if isinstance(e, OrderUpdated)]
    assert sum(e.execution is Execution.TRADE and e.maker for e in orders) > 100
    assert {e.expire_reason for e in orders if e.execution is Execution.EXPIRED} >= {1, 2, 4, 5, 7, 9}
    assert {e.execution for e in orders} == set(Execution)
    forced = {e.order.client_order_id.partition("-")[0] for e in orders if e.execution is Execution.CALCULATED}
    assert forced == {"autoclose", "adl_autoclose", "settlement_autoclose"}
    reasons = {e.reason for e in facts if isinstance(e, AccountUpdated)}
    assert reasons == set(BalanceReason)
    assert any(isinstance(e, SymbolChanged) for e in facts)
    assert {e.algo.status for e in facts if isinstance(e, AlgoUpdated)} == set(AlgoStatus)
    assert any(isinstance(e, MarginCalled) for e in facts)
    assert any(isinstance(e, PositionLiquidated) for e in facts)
    assert {e.order.position_side for e in orders} == set(PositionSide)
