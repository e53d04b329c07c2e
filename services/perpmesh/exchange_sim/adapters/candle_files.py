"""A user's candles and funding rates, in whatever shape they come."""

import itertools
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np

from perpmesh.exchange_sim.adapters.tables import Table, read_table, symbol_of
from perpmesh.kernel.errors import Invalid
from perpmesh.kernel.time import MS_PER_HOUR, MS_PER_MINUTE
from perpmesh.platform.shipped_candles import CandleArrays, Floats

TIMES = ("opentime", "timestamp", "time", "date", "datetime", "starttime", "ts", "t")
PRICES = (("open", "o"), ("high", "h"), ("low", "l"), ("close", "c"))
VOLUMES = ("volume", "vol", "v", "basevolume", "volumebtc", "volumeeth")
FUNDING_TIMES = ("fundingtime", "calctime", "timestamp", "time", "date")
FUNDING_RATES = ("fundingrate", "lastfundingrate", "rate", "open")
SHORT = ("open_time", "open", "high", "low", "close", "volume")
BINANCE = (*SHORT, "close_time", "quote_volume", "count", "taker_buy_volume", "taker_buy_quote_volume", "ignore")
RATES = ("funding_time", "funding_rate")
QUOTE_A_MINUTE = 1_000_000.0  # what a file without volumes, such as one of mark prices, is taken to trade
EIGHT_PLACES = Decimal("0.00000001")


def read_candle_files(paths: Iterable[Path]) -> dict[str, CandleArrays]:
    """Return the candles by symbol. Several files of one symbol must follow each other.

    Raises:
        Invalid: a file is not a candle file, or a candle is missing or is not one; the message says where.
    """
    parts: dict[str, list[CandleArrays]] = {}
    for path in paths:
        part = read_candles_of(path)
        parts.setdefault(part.symbol, []).append(part)
    return {symbol: _joined(found) for symbol, found in parts.items()}


def read_candles_of(path: Path) -> CandleArrays:
    """Read one file of candles, of any period of whole minutes."""
    table = read_table(path, headless={len(SHORT): SHORT, len(BINANCE): BINANCE}.get)
    times_in = _needed(table, TIMES)
    if len(table.columns[times_in]) == 0:
        raise table.refuse("there is no candle in it")
    times = table.times(times_in)
    names = [_needed(table, each) for each in PRICES]
    open_, high, low, close = (table.numbers(name) for name in names)
    period = _period(table, times)
    volume = _volume(table, close, period)
    _check(table, times, np.stack([open_, high, low, close, volume]), period)
    return _frozen(symbol_of(path), period, times, [open_, high, low, close, volume])


def read_funding_files(paths: Iterable[Path]) -> dict[str, dict[int, Decimal]]:
    """Return funding rates by symbol and settlement (UTC ms, to the hour)."""
    rates: dict[str, dict[int, Decimal]] = {}
    for path in paths:
        table = read_table(path, headless={len(RATES): RATES}.get)
        times = table.times(_needed(table, FUNDING_TIMES))
        numbers = table.numbers(_needed(table, FUNDING_RATES))
        column = table.find("symbol")
        symbols = table.columns[column] if column else np.full(len(times), symbol_of(path), dtype=object)
        for symbol, time, rate in zip(symbols.tolist(), times.tolist(), numbers.tolist(), strict=True):
            settles = round(time / MS_PER_HOUR) * MS_PER_HOUR
            rates.setdefault(str(symbol).upper(), {})[settles] = Decimal(repr(rate)).quantize(EIGHT_PLACES)
    return rates


def _needed(table: Table, names: Sequence[str]) -> str:
    found = table.find(*names)
    if found is None:
        raise table.refuse(f"no column {names[0]!r} (or {', '.join(names[1:])}) among {', '.join(table.columns)}")
    return found


def _period(table: Table, times: np.ndarray) -> int:
    """Return the length of a candle in ms: the shortest step between two."""
    steps = np.diff(times)
    if len(steps) == 0:
        return MS_PER_MINUTE
    if (row := np.flatnonzero(steps <= 0)).size:
        raise table.refuse("candles must be in order of time, none twice", row=int(row[0]) + 1)
    period = int(steps.min())
    if period % MS_PER_MINUTE:
        raise table.refuse(f"candles must last whole minutes, not {period} ms")
    if (row := np.flatnonzero(times % MS_PER_MINUTE)).size:
        raise table.refuse("a candle must open on a whole minute", row=int(row[0]))
    return period


def _volume(table: Table, close: Floats, period: int) -> Floats:
    name = table.find(*VOLUMES)
    if name is not None:
        return table.numbers(name)
    return QUOTE_A_MINUTE * (period / MS_PER_MINUTE) / np.maximum(close, 1e-12)


def _check(table: Table, times: np.ndarray, values: np.ndarray, period: int) -> None:
    open_, high, low, close, volume = values
    inside = (low <= np.minimum(open_, close)) & (high >= np.maximum(open_, close))
    follows = np.diff(times, prepend=times[0] - period) == period
    rules = (
        (low > 0, "prices must be positive"),
        (inside, "open and close must lie between low and high"),
        (volume >= 0, "volume must not be negative"),
        (follows, f"candles of {period // MS_PER_MINUTE}m must follow each other without a gap"),
    )
    for holds, rule in rules:
        bad = np.flatnonzero(~holds)
        if len(bad):
            raise table.refuse(rule, row=int(bad[0]))


def _joined(parts: Sequence[CandleArrays]) -> CandleArrays:
    ordered = sorted(parts, key=lambda part: int(part.open_time_ms[0]))
    first = ordered[0]
    for before, after in itertools.pairwise(ordered):
        if before.interval_ms != after.interval_ms:
            raise Invalid(f"the files of {first.symbol} differ in period", reason="DATA_MALFORMED", field="data")
        if int(after.open_time_ms[0]) != int(before.open_time_ms[-1]) + before.interval_ms:
            raise Invalid(
                f"the files of {first.symbol} do not follow each other", reason="DATA_MALFORMED", field="data"
            )
    columns = [np.concatenate([getattr(part, name) for part in ordered]) for name in SHORT[1:]]
    return _frozen(first.symbol, first.interval_ms, np.concatenate([part.open_time_ms for part in ordered]), columns)


def _frozen(symbol: str, period: int, times: np.ndarray, columns: Sequence[Floats]) -> CandleArrays:
    for column in (times, *columns):
        column.flags.writeable = False
    return CandleArrays(symbol, period, times, *columns)
