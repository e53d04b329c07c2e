"""Builds the replayed market from candle files: shift to the present, ticks and lots, seeds."""

import csv
import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

from perpmesh.exchange.symbols import SymbolSpec, default_symbols
from perpmesh.exchange_sim.domain.candles import CandleSeries, Recorded, Seeds
from perpmesh.exchange_sim.domain.feed import SymbolFeed
from perpmesh.exchange_sim.domain.premium import Premium
from perpmesh.exchange_sim.domain.replay_clock import first_position
from perpmesh.kernel.chance import Chance
from perpmesh.kernel.errors import Refused
from perpmesh.kernel.time import MS_PER_DAY
from perpmesh.platform.shipped_candles import SYMBOLS, CandleArrays, load, load_file

FORMAT = 2  # of a kept state: 1 counted market time in seconds
LEAD_MS = 5 * MS_PER_DAY  # the past a new market has: models need four days of it before they can say anything


@dataclass(frozen=True, slots=True)
class Origin:
    """What a state folder's market was made from: data, seed and shift. It may not change under a kept state."""

    seed: int
    shift_ms: int
    first_ms: int
    fingerprint: str

    def to_json(self) -> str:
        return json.dumps({"format": FORMAT, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> "Origin":
        kept = json.loads(text)
        if not isinstance(kept, dict) or kept.pop("format", None) != FORMAT:
            raise Refused(
                "the state folder was written by an older perpmesh, whose market time had whole seconds: "
                "move it away and begin anew",
                reason="OLD_STATE",
                field="state_dir",
            )
        return cls(**kept)


def read_candles(paths: Sequence[Path]) -> dict[str, CandleArrays]:
    """Return the candles by symbol, cut to the span they share."""
    found = {symbol: load_file(path, symbol) for path in paths for symbol in [_symbol_of(path)]}
    found = found or {symbol: load(symbol) for symbol in SYMBOLS}
    first = max(int(candles.open_time_ms[0]) for candles in found.values())
    last = min(int(candles.open_time_ms[-1]) for candles in found.values())
    if last - first < MS_PER_DAY:
        raise Refused("the candles of all symbols must share at least a day", reason="DATA_TOO_SHORT", field="data")
    return {symbol: _cut(candles, first, last) for symbol, candles in found.items()}


def originate(candles: Mapping[str, CandleArrays], seed: int, start_ms: int | None, now_ms: int) -> Origin:
    """Decide where a new replay begins: at now's time of day, some days into the data, moved by whole days to now."""
    data_start = max(int(each.open_time_ms[0]) for each in candles.values())
    span_ms = min(int(each.open_time_ms[-1]) for each in candles.values()) - data_start
    default_ms = min(LEAD_MS, max(span_ms // 2, MS_PER_DAY))
    lead_ms = default_ms if start_ms is None else max(start_ms - data_start, 0)
    position, shift_ms = first_position(now_ms, data_start, lead_ms)
    return Origin(seed, shift_ms, (position + shift_ms) // 1_000 * 1_000, fingerprint(candles))


def fingerprint(candles: Mapping[str, CandleArrays]) -> str:
    """Return a hash of every candle."""
    digest = hashlib.sha256()
    for symbol in sorted(candles):
        each = candles[symbol]
        digest.update(symbol.encode())
        for column in (each.open_time_ms, each.open, each.high, each.low, each.close, each.volume):
            digest.update(column.tobytes())
    return digest.hexdigest()[:32]


def build_feeds(candles: Mapping[str, CandleArrays], origin: Origin, funding: Path | None) -> dict[str, SymbolFeed]:
    """Return the market of each symbol."""
    specs = {spec.symbol: spec for spec in default_symbols()}
    rates = _funding_rates(funding, origin.shift_ms) if funding else {}
    seeds = seeds_of(origin.seed)
    feeds = {}
    for symbol, each in candles.items():
        spec = specs.get(symbol)
        if spec is None:
            raise Refused(f"no contract {symbol} is known here", reason="UNKNOWN_SYMBOL", field="data")
        series = CandleSeries(_recorded(spec, each, origin.shift_ms), seeds)
        feeds[symbol] = SymbolFeed(spec, series, Premium(seeds, symbol, rates.get(symbol)), seeds)
    return feeds


def seeds_of(seed: int) -> Seeds:
    """Return where every seeded draw of a replay comes from."""

    def seeded(name: str) -> Chance:
        return random.Random(f"{seed}:{name}")  # noqa: S311 - a market to replay, not a secret

    return seeded


def _recorded(spec: SymbolSpec, candles: CandleArrays, shift_ms: int) -> Recorded:
    prices = [np.rint(column / float(spec.tick)) for column in (candles.open, candles.high, candles.low, candles.close)]
    rows = np.stack([*prices, np.rint(candles.volume / float(spec.step))], axis=1).astype(np.int64)
    return Recorded(rows, (int(candles.open_time_ms[0]) + shift_ms) // 60_000)


def _cut(candles: CandleArrays, first: int, last: int) -> CandleArrays:
    keep = (candles.open_time_ms >= first) & (candles.open_time_ms <= last)
    columns = (candles.open, candles.high, candles.low, candles.close, candles.volume)
    open_, high, low, close, volume = (column[keep] for column in columns)
    times = candles.open_time_ms[keep]
    return CandleArrays(candles.symbol, candles.interval_ms, times, open_, high, low, close, volume)


def _symbol_of(path: Path) -> str:
    """Read the symbol from a name such as BTCUSDT_1m.csv.gz."""
    return path.name.split(".")[0].split("_")[0].split("-")[0].upper()


def _funding_rates(path: Path, shift_ms: int) -> dict[str, dict[int, Decimal]]:
    """Read symbol,funding_time,funding_rate (ms) and move it with the candles."""
    rates: dict[str, dict[int, Decimal]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            second = (int(row["funding_time"]) + shift_ms) // 1_000
            rates.setdefault(row["symbol"], {})[second] = Decimal(row["funding_rate"])
    return rates
