"""What is over stays to be asked for, however long ago it was and whatever died since."""

from decimal import Decimal
from random import Random

import pytest

from perpmesh.exchange import commands as c
from perpmesh.exchange.engine import Engine
from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange.state import HISTORY
from perpmesh.exchange.symbols import default_symbols
from perpmesh.exchange.words import OrderType, Side, TimeInForce
from perpmesh.exchange_sim.adapters.archive import SqliteArchive
from perpmesh.exchange_sim.application.history import History, Wanted
from perpmesh.testing.exchange_life import MARKET_MS, WALL_MS, Life, births

BTC, ME = "BTCUSDT", "alice"
MANY = HISTORY + 150
EVERYTHING = Wanted(account=ME)


@pytest.fixture
def archive(tmp_path):
    made = SqliteArchive(tmp_path / "archive.sqlite")
    yield made
    made.close()


def live(engine, archive, commands, first=0):
    for number, command in enumerate(commands, first):
        try:
            archive.keep(engine.apply(command, market_ms=MARKET_MS + number, wall_ms=WALL_MS + number))
        except ExchangeError:
            continue


def opened():
    engine = Engine(default_symbols())
    middle, size = Decimal(60_000), Decimal(100_000)
    for command in (
        c.CreateAccount(ME, Decimal(1_000_000)),
        c.SetMark(BTC, middle, middle),
        c.SetBook(BTC, ((middle - 1, size),), ((middle + 1, size),)),
    ):
        engine.apply(command, market_ms=0, wall_ms=0)
    return engine


def resting(number):
    return c.PlaceOrder(
        ME, BTC, Side.BUY, OrderType.LIMIT, Decimal("0.01"), Decimal(58_000), TimeInForce.GTC,
        client_order_id=f"mine-{number % 100}",
    )  # fmt: skip


def taking(side):
    return c.PlaceOrder(ME, BTC, side, OrderType.MARKET, Decimal("0.01"))


def test_orders_older_than_the_machine_remembers_are_found(archive):
    engine = opened()
    for number in range(MANY):
        live(engine, archive, [resting(number), c.CancelOrder(ME, BTC, client_order_id=f"mine-{number % 100}")], number)
    history = History(engine, archive)
    assert len(engine.all_orders(ME)) == HISTORY
    assert [order.order_id for order in history.orders(EVERYTHING)] == list(range(1, MANY + 1))
    assert [o.order_id for o in history.orders(Wanted(account=ME, first_id=7, limit=3))] == [7, 8, 9]
    assert [o.order_id for o in history.orders(Wanted(account=ME, limit=2))] == [MANY - 1, MANY]
    assert [o.order_id for o in history.orders(Wanted(account=ME, start=WALL_MS, end=WALL_MS + 1))] == [1, 2]
    assert history.order(ME, BTC, 5, None).client_order_id == "mine-4"
    assert history.order(ME, BTC, None, "mine-4").order_id == MANY - MANY % 100 + 5
    with pytest.raises(ExchangeError, match="-2013"):
        history.order(ME, BTC, MANY + 1, None)
    with pytest.raises(ExchangeError, match="-2013"):
        history.order(ME, "ETHUSDT", 5, None)


def test_every_fill_and_all_income_is_kept_to_the_last_unit(archive):
    engine = opened()
    live(engine, archive, [taking(side) for _ in range(MANY // 2) for side in Side])
    history = History(engine, archive)
    trades, income = history.trades(EVERYTHING), history.income(EVERYTHING)
    assert len(trades) == MANY > len(engine.trades(ME))
    assert trades[-HISTORY:] == list(engine.trades(ME))
    deposit = Decimal(1_000_000)  # came before anything was archived
    assert deposit + sum(row.amount for row in income) == engine.account(ME).wallet
    (one,) = history.trades(Wanted(account=ME, symbol=BTC, order_id=3))
    assert one.order_id == 3
    fees = history.income(Wanted(account=ME, label="COMMISSION"))
    assert -sum(row.amount for row in fees) == sum(fill.commission for fill in trades)


@pytest.mark.parametrize("seed", range(4))
def test_the_archive_and_the_machine_tell_the_same_of_any_life(archive, seed):
    engine = Engine(default_symbols())
    live(engine, archive, [*births(), *Life(seed).commands(300)])
    for name in engine.accounts():
        asked = Wanted(account=name)
        filed, remembered = History(engine, archive), History(engine, None)
        assert filed.orders(asked) == remembered.orders(asked)
        assert filed.algos(asked) == remembered.algos(asked)
        assert filed.income(asked) == remembered.income(asked)
        for symbol in engine.specs:
            fills = Wanted(account=name, symbol=symbol)
            assert sorted(filed.trades(fills), key=repr) == sorted(remembered.trades(fills), key=repr)


@pytest.mark.parametrize("seed", range(3))
def test_facts_told_twice_and_facts_that_were_never_logged_leave_no_trace(archive, seed):
    commands = [*births(), *Life(seed).commands(200)]
    cut = Random(seed).randrange(50, 150)
    engine = Engine(default_symbols())
    live(engine, archive, commands[:cut])
    snapshot = engine.snapshot()
    live(engine, archive, [*Life(seed + 100).commands(80)], cut)  # these the log will have lost
    archive.settle()
    engine = Engine.restore(default_symbols(), snapshot)
    archive.agree_with(engine)
    for _ in range(2):
        live(engine := Engine.restore(default_symbols(), snapshot), archive, commands[cut:], cut)
    undisturbed, other = Engine(default_symbols()), SqliteArchive(None)
    live(undisturbed, other, commands)
    for name in engine.accounts():
        asked = Wanted(account=name)
        one, two = History(engine, archive), History(undisturbed, other)
        assert one.orders(asked) == two.orders(asked)
        assert one.algos(asked) == two.algos(asked)
        assert one.income(asked) == two.income(asked)
        assert sorted(map(repr, one.trades(asked))) == sorted(map(repr, two.trades(asked)))
    other.close()


def test_what_was_settled_is_there_when_the_file_is_opened_again(tmp_path):
    file, engine = tmp_path / "archive.sqlite", opened()
    first = SqliteArchive(file)
    live(engine, first, [taking(Side.BUY), taking(Side.SELL)])
    first.settle()
    second = SqliteArchive(file)  # the first one was never closed
    assert History(engine, second).trades(EVERYTHING) == list(engine.trades(ME))
    assert file.stat().st_mode & 0o077 == 0
    first.close()
    second.close()
