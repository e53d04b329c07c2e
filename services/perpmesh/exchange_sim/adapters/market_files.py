"""Builds the replayed market from candles: shift to the present, ticks and lots, seeds."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from perpmesh.exchange.symbols import SymbolSpec
from perpmesh.exchange_sim.adapters.candle_files import read_candle_files
from perpmesh.exchange_sim.adapters.origin import LEAD_MS, Origin, Rates, moved, seeds_of, spec_of
from perpmesh.exchange_sim.domain.candles import CandleSeries, Recorded, Stitched
from perpmesh.exchange_sim.domain.feed import SymbolFeed
from perpmesh.exchange_sim.domain.minutes import split
from perpmesh.exchange_sim.domain.premium import Premium
from perpmesh.exchange_sim.domain.replay_clock import first_position
from perpmesh.kernel.errors import Refused
from perpmesh.kernel.time import MS_PER_DAY, MS_PER_MINUTE
from perpmesh.platform.shipped_candles import SYMBOLS, CandleArrays, load

COLUMNS = ("open_time_ms", "open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class CandleSource:
    """Candles by symbol, of whatever period, over one span."""

    candles: Mapping[str, CandleArrays]

    @classmethod
    def read(cls, paths: Sequence[Path]) -> "CandleSource":
        """Read a user's candles, or the shipped ones, and cut them to the span they share."""
        found = read_candle_files(paths) or {symbol: load(symbol) for symbol in SYMBOLS}
        first = max(int(candles.open_time_ms[0]) for candles in found.values())
        stop = min(_end_ms(candles) for candles in found.values())
        if stop - first <= MS_PER_DAY:
            raise Refused("the candles of all symbols must share at least a day", reason="DATA_TOO_SHORT", field="data")
        return cls({symbol: _cut(candles, first, stop) for symbol, candles in found.items()})

    @cached_property
    def fingerprint(self) -> str:
        """Return a hash of every candle."""
        digest = hashlib.sha256()
        for symbol, candles in sorted(self.candles.items()):
            digest.update(symbol.encode())
            for name in COLUMNS:
                digest.update(getattr(candles, name).tobytes())
        return digest.hexdigest()[:32]

    def originate(self, seed: int, start_ms: int | None, now_ms: int) -> Origin:
        """Begin at now's time of day, some days into the data, moved by whole days to now."""
        data_start = max(int(each.open_time_ms[0]) for each in self.candles.values())
        span_ms = min(_end_ms(each) for each in self.candles.values()) - data_start
        default_ms = min(LEAD_MS, max(span_ms // 2, MS_PER_DAY))
        lead_ms = default_ms if start_ms is None else max(start_ms - data_start, 0)
        position, shift_ms = first_position(now_ms, data_start, lead_ms)
        return Origin(seed, shift_ms, (position + shift_ms) // 1_000 * 1_000, self.fingerprint)

    def feeds(self, origin: Origin, rates: Rates) -> dict[str, SymbolFeed]:
        return {symbol: self._feed(symbol, origin, rates) for symbol in self.candles}

    def _feed(self, symbol: str, origin: Origin, rates: Rates) -> SymbolFeed:
        spec, seeds = spec_of(symbol), seeds_of(origin.seed)
        salt = seeds(f"minutes:{symbol}").randrange(1 << 48)
        recorded = _recorded(spec, self.candles[symbol], origin.shift_ms, salt)
        premium = Premium(seeds, symbol, moved(rates.get(symbol), origin.shift_ms))
        return SymbolFeed(spec, CandleSeries(recorded, Stitched(recorded, seeds)), premium, seeds)


def _recorded(spec: SymbolSpec, candles: CandleArrays, shift_ms: int, salt: int) -> Recorded:
    prices = [np.rint(column / float(spec.tick)) for column in (candles.open, candles.high, candles.low, candles.close)]
    rows = np.stack([*prices, np.rint(candles.volume / float(spec.step))], axis=1).astype(np.int64)
    rows = split(rows, candles.interval_ms // MS_PER_MINUTE, salt)
    return Recorded(rows, (int(candles.open_time_ms[0]) + shift_ms) // MS_PER_MINUTE)


def _end_ms(candles: CandleArrays) -> int:
    return int(candles.open_time_ms[-1]) + candles.interval_ms


def _cut(candles: CandleArrays, first: int, stop: int) -> CandleArrays:
    keep = (candles.open_time_ms >= first) & (candles.open_time_ms + candles.interval_ms <= stop)
    times, *columns = (getattr(candles, name)[keep] for name in COLUMNS)
    return CandleArrays(candles.symbol, candles.interval_ms, times, *columns)
