"""Market data around a real exchange that is killed, over a real store that outlives it."""

import asyncio

import pytest
from tests.adapters.market_data.kit import SYMBOLS, exchange_process, market_data, settings_in

from perpmesh.market_data.domain.candle import INTERVALS
from perpmesh_api.market_data.v1.market_data_events_pb2 import CandleClosed

STREAM = "market_data.candles.v1"
pytestmark = pytest.mark.timeout(300)  # two starts of an exchange, on whatever machine


@pytest.fixture
def settings(tmp_path):
    return settings_in(tmp_path)


async def told(made):
    """Return the openings of the published candles of each series, in the order of publication."""
    found = {}
    for row in await made.outbox.page(STREAM, 0, 100_000):
        candle = CandleClosed.FromString(row.payload).candle
        found.setdefault((candle.symbol, candle.interval), []).append(candle.open_time_ms)
    return found


async def until_minutes(made, count, seconds=120):
    """Wait until so many minutes of every symbol were published."""
    async with asyncio.timeout(seconds):
        while True:
            found = await told(made)
            if all(len(found.get((symbol, "1m"), [])) >= count for symbol in SYMBOLS):
                return found
            await asyncio.sleep(0.3)


def check_unbroken(found):
    for (symbol, interval), openings in found.items():
        step = INTERVALS[interval]
        expected = list(range(openings[0], openings[0] + step * len(openings), step))
        assert openings == expected, f"{symbol} {interval}"


async def test_kill_minus_nine_of_the_exchange_loses_no_candle_and_repeats_none(settings):
    async with exchange_process(settings) as exchange, market_data(settings) as made:
        before = await until_minutes(made, 8)
        await exchange.kill()
        async with asyncio.timeout(10):
            while not made.interruptions:
                await asyncio.sleep(0.05)
        await exchange.start()
        count = len(before["BTCUSDT", "1m"])
        after = await until_minutes(made, count + 8)
        check_unbroken(after)
        async with asyncio.timeout(60):
            while made.prices.get("BTCUSDT")[1]:  # stale until the streams speak again
                await asyncio.sleep(0.1)
        for symbol in SYMBOLS:
            listed = [each.open_time_ms for each in made.candles.listed(symbol, "5m", 1_500)]
            assert listed == list(range(listed[0], listed[0] + 300_000 * len(listed), 300_000))


async def test_a_restart_of_market_data_tells_what_it_missed_and_nothing_twice(settings):
    async with exchange_process(settings):
        async with market_data(settings) as made:
            before = await until_minutes(made, 3)
        await asyncio.sleep(3)  # twelve minutes of the market pass while nobody listens
        async with market_data(settings) as made:
            after = await until_minutes(made, len(before["BTCUSDT", "1m"]) + 17)
            check_unbroken(after)
            assert len(after["BTCUSDT", "15m"]) >= 1
