"""The feeds on whole sets of real data, which are not shipped: `make check-marketdata`. The name keeps it out of `make test`."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet
from tests.adapters.exchange_sim.test_recording import Market, picked, recorded

from perpmesh.exchange.commands import MarketTrade
from perpmesh.exchange_sim.adapters.candle_files import read_candles_of, read_funding_files
from perpmesh.exchange_sim.adapters.market_files import CandleSource
from perpmesh.exchange_sim.adapters.recording_source import RecordingSource
from perpmesh.platform.shipped_candles import load

DATA = Path(os.environ["MARKETDATA"])
CAPTURE = DATA / "raw_ws" / "binance_usdm_btcusdt_20240808_raw_ws.jsonl.gz"
PERIODS = {"1m": 60_000, "15m": 900_000, "1h": 3_600_000, "8h_mark": 28_800_000}
FILES = [(symbol, period) for symbol in ("BTCUSDT", "ETHUSDT") for period in PERIODS]
PRICES = ("open", "high", "low", "close")


def path_of(symbol, period):
    return DATA / f"binance_usdm_{symbol}_{period}.parquet"


@pytest.mark.parametrize(("symbol", "period"), FILES)
def test_every_candle_file_is_read_whole(symbol, period):
    candles = read_candles_of(path_of(symbol, period))
    known = next(
        each
        for each in json.loads((DATA / "manifest.json").read_text())
        if each["file"] == path_of(symbol, period).name
    )
    assert (candles.symbol, candles.interval_ms, len(candles)) == (symbol, PERIODS[period], known["rows"])
    assert str(np.datetime64(int(candles.open_time_ms[0]), "ms")).replace("T", " ").startswith(known["first"][:16])


def folded(candles, period_ms):
    """Candles of a longer period, only the whole ones; by their times."""
    key = candles.open_time_ms // period_ms
    begins = np.flatnonzero(np.diff(key, prepend=key[0] - 1))
    sizes = np.diff(np.append(begins, len(key)))
    ends = np.append(begins[1:], len(key)) - 1
    rows = zip(
        candles.open[begins],
        np.maximum.reduceat(candles.high, begins),
        np.minimum.reduceat(candles.low, begins),
        candles.close[ends],
        strict=True,
    )
    whole = sizes == period_ms // candles.interval_ms
    return {int(time) * period_ms: row for time, row, keep in zip(key[begins], rows, whole, strict=True) if keep}


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
@pytest.mark.parametrize(("fine", "coarse", "most_apart"), [("1m", "15m", 0), ("15m", "1h", 3)])
def test_sets_of_different_collectors_agree_on_every_candle_they_share(symbol, fine, coarse, most_apart):
    made = folded(read_candles_of(path_of(symbol, fine)), PERIODS[coarse])
    given = read_candles_of(path_of(symbol, coarse))
    shared = [
        (made[time], row)
        for time, *row in zip(given.open_time_ms.tolist(), *(getattr(given, name) for name in PRICES), strict=True)
        if time in made
    ]
    assert len(shared) > 2_800
    assert sum(tuple(one) != tuple(other) for one, other in shared) <= most_apart


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_the_shipped_candles_are_the_minutes_of_the_set(symbol):
    shipped, whole = load(symbol), read_candles_of(path_of(symbol, "1m"))
    for name in (*PRICES, "volume", "open_time_ms"):
        assert (getattr(shipped, name) == getattr(whole, name)[: len(shipped)]).all()


@pytest.mark.parametrize("period", ["15m", "1h"])
def test_years_of_coarse_candles_become_minutes_that_add_up_to_every_one(period):
    source = CandleSource.read([path_of("BTCUSDT", period), path_of("ETHUSDT", period)])
    for symbol, feed in source.feeds(source.originate(1, None, 1_800_000_000_000), {}).items():
        candles, minutes = source.candles[symbol], PERIODS[period] // 60_000
        rows = feed.series.rows(feed.series.first_minute, feed.series.first_minute + feed.series.recorded_minutes)
        open_, high, low, close, volume = rows.reshape(-1, minutes, 5).transpose(2, 0, 1)
        tick, step = float(feed.spec.tick), float(feed.spec.step)
        seen = (open_[:, 0], high.max(axis=1), low.min(axis=1), close[:, -1])
        for column, name in zip(seen, PRICES, strict=True):
            assert (column == np.rint(getattr(candles, name) / tick)).all()
        assert (volume.sum(axis=1) == np.rint(candles.volume / step)).all()
        assert (open_[:, 1:] == close[:, :-1]).all()


def test_funding_rates_are_read_and_spread_as_documented():
    rates = read_funding_files([path_of(symbol, "8h_funding_rate") for symbol in ("BTCUSDT", "ETHUSDT")])
    assert {symbol: len(found) for symbol, found in rates.items()} == {"BTCUSDT": 3_212, "ETHUSDT": 3_212}
    assert all(time % 28_800_000 == 0 for time in rates["BTCUSDT"])
    btc = np.array(sorted(float(rate) for rate in rates["BTCUSDT"].values())) * 100
    assert np.percentile(btc, [25, 50, 75]) == pytest.approx([0.0029, 0.0077, 0.0100], abs=0.0003)
    assert (btc.mean(), btc[0], btc[-1]) == pytest.approx((0.0076, -0.012, 0.088), abs=0.002)


async def test_the_whole_capture_is_streamed_frame_by_frame():
    market = Market(CAPTURE)
    heard, (book, found) = await market.to_its_end(), recorded(CAPTURE)
    shift, diffs = market.origin.shift_ms, heard["btcusdt@depth@0ms"]
    assert picked(diffs, "u", "b", "a") == picked(found["depthUpdate"], "u", "b", "a")
    assert picked(diffs[1:], "U", "pu", "T") == picked(found["depthUpdate"][1:], "U", "pu", "T", shift=shift)
    names = ("u", "b", "B", "a", "A", "T")
    assert picked(heard["btcusdt@bookTicker"], *names) == picked(found["bookTicker"], *names, shift=shift)
    trades = ("p", "q", "m", "T")
    assert picked(heard["btcusdt@trade"], *trades) == picked(found["trade"], *trades, shift=shift)
    assert len(diffs) > 6_500
    assert diffs[0]["pu"] == book["lastUpdateId"]
    seen = market.venue.engine.depth("BTCUSDT", 1_000_000)
    sides = {"b": dict(book["bids"]), "a": dict(book["asks"])}
    for change in found["depthUpdate"]:
        for side, levels in sides.items():
            levels.update(change[side])
    for side, levels in (("b", seen.bids), ("a", seen.asks)):
        assert {str(price): str(size) for price, size in levels} == {
            price: size for price, size in sides[side].items() if float(size)
        }


def test_the_trades_of_the_capture_are_those_of_the_extracted_set():
    recording = RecordingSource.read(CAPTURE).recordings["BTCUSDT"]
    trades = [
        (time, float(frame.price), float(frame.quantity))
        for time, frame in zip(recording.times, recording.frames, strict=True)
        if isinstance(frame, MarketTrade)
    ]
    table = parquet.read_table(DATA / "binance_usdm_BTCUSDT_trades_20240808.parquet").to_pydict()
    rows = list(zip(table["time"], table["price"], table["qty"], strict=True))
    assert trades == rows[len(rows) - len(trades) :]
    assert len(trades) > 21_000
