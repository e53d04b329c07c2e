"""A small market to replay: two recorded days of one symbol."""

import random

import numpy as np
import pytest

from perpmesh.exchange.engine import Engine
from perpmesh.exchange.symbols import default_symbols
from perpmesh.exchange_sim.application.venue import Venue
from perpmesh.exchange_sim.domain.candles import CandleSeries, Recorded, Stitched
from perpmesh.exchange_sim.domain.feed import SymbolFeed
from perpmesh.exchange_sim.domain.premium import Premium

FIRST_MINUTE = 29_000_160  # 00:00 of a UTC day


def seeds(name):
    return random.Random(f"7:{name}")


def recorded_days(days=2):
    """A random walk of minutes around 100,000.0, in ticks and lots."""
    chance, close, rows = random.Random(3), 1_000_000, []
    for _ in range(days * 1_440):
        open_, close = close, max(close + round(chance.gauss(0, 300)), 500_000)
        high, low = max(open_, close) + chance.randrange(200), min(open_, close) - chance.randrange(200)
        rows.append([open_, high, low, close, chance.randrange(1, 200_000)])
    return Recorded(np.array(rows, dtype=np.int64), FIRST_MINUTE)


@pytest.fixture
def feed():
    return make_feed()


def make_feed():
    recorded = recorded_days()
    series = CandleSeries(recorded, Stitched(recorded, seeds))
    return SymbolFeed(default_symbols()[0], series, Premium(seeds, "BTCUSDT"), seeds)


def make_venue():
    """A venue a day into the data, with a market but without accounts."""
    feed = make_feed()
    start = (FIRST_MINUTE + 1_440) * 60_000
    venue = Venue(Engine([feed.spec]), {"BTCUSDT": feed}, start - 5_000)
    venue.tick(start, wall_ms=1_000)
    venue.take_records()
    return venue


@pytest.fixture
def venue():
    return make_venue()
