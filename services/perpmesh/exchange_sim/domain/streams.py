"""The names of market streams, read: `btcusdt@kline_1m`, `!ticker@arr`, `ethusdt@depth@100ms`."""

import re
from dataclasses import dataclass
from enum import Enum

from perpmesh.exchange_sim.domain.klines import INTERVALS

EVERY_SYMBOL = ""
DEPTHS = (5, 10, 20)
IMMEDIATELY = 0


class Kind(Enum):
    """What a stream carries."""

    AGG_TRADE = "aggTrade"
    TRADE = "trade"
    KLINE = "kline"
    CONTINUOUS_KLINE = "continuousKline"
    MARK_PRICE = "markPrice"
    BOOK_TICKER = "bookTicker"
    DEPTH_DIFF = "depth"
    DEPTH_TOP = "depthTop"
    TICKER = "ticker"
    MINI_TICKER = "miniTicker"
    FORCE_ORDER = "forceOrder"
    CONTRACT_INFO = "contractInfo"
    ASSET_INDEX = "assetIndex"

    @property
    def is_public(self) -> bool:
        """Whether it belongs on the /public route; the others belong on /market."""
        return self in (Kind.BOOK_TICKER, Kind.DEPTH_DIFF, Kind.DEPTH_TOP, Kind.TRADE)


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream. `cadence_ms` is wall time between messages; 0 is at once."""

    name: str
    kind: Kind
    symbol: str  # EVERY_SYMBOL for the streams that begin with "!"
    cadence_ms: int
    interval: str = ""
    levels: int = 0

    @property
    def minutes(self) -> int:
        return INTERVALS[self.interval]


AT_ONCE = {
    "aggTrade": Kind.AGG_TRADE,
    "trade": Kind.TRADE,
    "bookTicker": Kind.BOOK_TICKER,
}
TIMED = {"ticker": 2_000, "miniTicker": 2_000, "forceOrder": 1_000, "assetIndex": 1_000}
EVERYWHERE = {
    "!bookTicker": (Kind.BOOK_TICKER, 5_000),
    "!forceOrder@arr": (Kind.FORCE_ORDER, 1_000),
    "!assetIndex@arr": (Kind.ASSET_INDEX, 1_000),
    "!contractInfo": (Kind.CONTRACT_INFO, IMMEDIATELY),
    "!ticker@arr": (Kind.TICKER, 1_000),
    "!miniTicker@arr": (Kind.MINI_TICKER, 1_000),
    "!markPrice@arr": (Kind.MARK_PRICE, 3_000),
    "!markPrice@arr@1s": (Kind.MARK_PRICE, 1_000),
}
DEPTH = re.compile(r"depth(5|10|20)?(?:@(0|100|250|500)ms)?")


def parse_stream(name: str) -> Stream | None:
    """Read a stream's name; None when there is no such stream, which the venue does not mind."""
    if name in EVERYWHERE:
        kind, cadence = EVERYWHERE[name]
        return Stream(name, kind, EVERY_SYMBOL, cadence)
    symbol, at, rest = name.partition("@")
    if not at or not symbol:
        return None
    if symbol.endswith("_perpetual") and rest.startswith("continuousKline_"):
        return _kline(name, Kind.CONTINUOUS_KLINE, symbol.removesuffix("_perpetual"), rest)
    if rest.startswith("kline_"):
        return _kline(name, Kind.KLINE, symbol, rest)
    return _plain(name, symbol.upper(), rest)


def _plain(name: str, symbol: str, rest: str) -> Stream | None:
    if rest in AT_ONCE:
        return Stream(name, AT_ONCE[rest], symbol, IMMEDIATELY)
    if rest in ("markPrice", "markPrice@1s"):
        return Stream(name, Kind.MARK_PRICE, symbol, 1_000 if rest.endswith("1s") else 3_000)
    if rest in TIMED:
        return Stream(name, Kind(rest), symbol, TIMED[rest])
    if rest == "rpiDepth@500ms":  # orders of that kind are not simulated: the book with them is the book
        return Stream(name, Kind.DEPTH_DIFF, symbol, 500)
    match = DEPTH.fullmatch(rest)
    if match is None:
        return None
    cadence = int(match[2] or 250)
    if match[1]:
        return Stream(name, Kind.DEPTH_TOP, symbol, cadence, levels=int(match[1]))
    return Stream(name, Kind.DEPTH_DIFF, symbol, cadence)


def _kline(name: str, kind: Kind, symbol: str, rest: str) -> Stream | None:
    interval = rest.partition("_")[2]
    if interval not in INTERVALS:
        return None
    return Stream(name, kind, symbol.upper(), 250, interval=interval)
