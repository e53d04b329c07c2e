"""From the call of Trip to its answer: with holders that are well, with a dead one, and after a restart of the core."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator

import structlog

from benchmarks.tables import Table, milliseconds, quantile
from perpmesh.testing.trip_world import World

ROUNDS = 200
UNANSWERED = 20


def main() -> Iterator[Table]:
    """Measure both sides whole in one process: their work in real time, waiting for a lease in the world's time."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        yield runner.run(_tables())


async def _tables() -> Table:
    table = Table(
        "Trip to its answer, in one process, stores in memory, an order in flight each time",
        ["", "trips", "p50 ms", "p99 ms", "max ms", "accepted after"],
    )
    for name, rounds, measure in (
        ("holder well, the exchange answers", ROUNDS, _well),
        ("holder well, the exchange is silent (window + doubt)", UNANSWERED, _silent),
        ("holder dead (its lease runs out)", UNANSWERED, _dead),
    ):
        figures = await _rounds(rounds, measure)
        table.rows.append((name, rounds, *figures))
    return table


async def _rounds(rounds: int, measure: Callable[[World], Awaitable[float]]) -> tuple[str, str, str, int]:
    took: list[float] = []
    leaks = 0
    for _ in range(rounds):
        world = World()
        await world.begin()
        world.want("r1", "BTCUSDT")
        await world.settle()
        took.append(await measure(world))
        leaks += bool(world.leak())
        await world.end()
    return milliseconds(quantile(took, 0.5)), milliseconds(quantile(took, 0.99)), milliseconds(max(took)), leaks


async def _well(world: World) -> float:
    """Let every word and the entry's answer arrive at once; return the seconds that both sides worked."""
    began = time.perf_counter()
    trip = world.trip()
    await world.settle()
    await world.exchange_words(world.holder)  # the revocation
    world.arrive(world.venue.net[0])
    await world.settle()
    await world.renew()  # the acknowledgement
    await world.settle()
    took = time.perf_counter() - began
    assert trip.done()
    return took


async def _silent(world: World) -> float:
    """Let the holder hear nothing of its entry; return seconds of the world's time."""
    began, trip = world.time.ms, world.trip()
    while not trip.done():
        await world.exchange_words(world.holder)
        await world.pass_ms(10)
        if world.holder.client.news.is_set():
            await world.holder.ask()
            await world.exchange_words(world.holder)
            await world.settle()
    return (world.time.ms - began) / 1_000


async def _dead(world: World) -> float:
    """Kill the holder; return seconds of the world's time."""
    world.holder.process.kill()
    began, trip = world.time.ms, world.trip()
    await world.settle()
    while not trip.done():
        await world.pass_ms(world.time.until_next_ms())
    return (world.time.ms - began) / 1_000
