"""One number tells two histories apart, and does not care who read it or when somebody died."""

from hypothesis import given, settings
from hypothesis import strategies as st

from perpmesh.exchange import commands as c
from perpmesh.exchange.chain import BLOCK
from perpmesh.exchange.engine import Engine
from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange.symbols import default_symbols
from perpmesh.exchange.words import Side
from perpmesh.testing.exchange_life import MARKET_MS, WALL_MS, Life, births

from .conftest import Bench, D


def step(engine: Engine, number: int, command: c.Command) -> int:
    try:
        return len(engine.apply(command, market_ms=MARKET_MS + number, wall_ms=WALL_MS + number))
    except ExchangeError:
        return 0


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32), st.sets(st.integers(0, 300), max_size=3))
def test_it_is_the_same_for_the_same_commands_whoever_reads_it_and_whoever_dies(seed: int, deaths: set[int]) -> None:
    commands = [*births(), *Life(seed).commands(300)]
    one, other = Engine(default_symbols()), Engine(default_symbols())
    for number, command in enumerate(commands):
        step(one, number, command)
        if number in deaths:
            other = Engine.restore(default_symbols(), other.snapshot())
        before = other.rolling_hash
        facts = step(other, number, command)
        assert (other.rolling_hash != before) or not facts
    assert one.rolling_hash == other.rolling_hash


def test_it_goes_on_over_many_blocks() -> None:
    one, other = Engine(default_symbols()), Engine(default_symbols())
    seen = set()
    for number in range(BLOCK):
        command = c.AdvanceTime()
        step(one, number, command)
        step(other, number, command)
        seen.add(one.rolling_hash)
        if number % 1_000 == 999:
            other = Engine.restore(default_symbols(), other.snapshot())
    assert len(seen) == BLOCK
    assert one.rolling_hash == other.rolling_hash


def test_it_tells_apart_what_left_no_other_trace(bench: Bench) -> None:
    before = bench.engine.rolling_hash
    bench.limit(Side.BUY, "0.01", "59000")
    bench.do(c.CancelAllOrders("alice", "BTCUSDT"))
    assert bench.engine.account("alice").available == D(10_000)
    assert bench.engine.rolling_hash != before


def test_a_refusal_leaves_it_as_it_is(bench: Bench) -> None:
    before = bench.engine.rolling_hash
    assert step(bench.engine, 0, c.CancelOrder("alice", "BTCUSDT", order_id=99)) == 0
    assert bench.engine.rolling_hash == before
