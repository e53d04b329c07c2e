"""What the background does at one moment of market time, as commands to the exchange: prints, book, mark, funding."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from perpmesh.exchange.commands import Command, MarketTrade, SetDepth, SetMark, SettleFunding
from perpmesh.exchange.symbols import SymbolSpec
from perpmesh.exchange.words import Side
from perpmesh.exchange_sim.domain.background import background
from perpmesh.exchange_sim.domain.candles import Candle, CandleSeries, Seeds
from perpmesh.exchange_sim.domain.path import ANCHORS, CandlePath, walk
from perpmesh.exchange_sim.domain.premium import FUNDING_SECONDS, Premium, next_funding_second
from perpmesh.exchange_sim.domain.tape import MEDIAN_WORTH, sizes

MARK_SECONDS = (0, 5, 10)  # the mark is the mean of the price now and a little before: a wick moves it less
PATHS_KEPT = 8
TOUCH_WORTH = 60_000  # USDT, of a typical level at the touch
EIGHT_PLACES = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class Forming:
    """The newest candle as far as it has come."""

    minute: int
    candle: Candle


class SymbolFeed:
    """One symbol's market: a function of (candles, seed, second) and of nothing that happened before."""

    def __init__(self, spec: SymbolSpec, series: CandleSeries, premium: Premium, seeds: Seeds) -> None:
        self.spec = spec
        self.series = series
        self.premium = premium
        self._seeds = seeds
        self._paths: OrderedDict[int, CandlePath] = OrderedDict()
        worth = series.candle(series.first_minute).close * spec.tick * spec.step  # of a lot
        self._touch_lots = max(int(TOUCH_WORTH / worth), 1)
        self._median_lots = float(MEDIAN_WORTH / worth)

    def next_ms(self, after_ms: int, *, fine: bool) -> int:
        """Return the next moment at which something happens here: each second, or at the anchors of a minute."""
        return next_second(after_ms // 1_000, fine=fine) * 1_000

    def is_recorded(self, market_ms: int) -> bool:  # noqa: ARG002 - RecordedFeed asks
        """Return whether every message of the market is given at this moment, numbers of the book included."""
        return False

    def update_id(self, market_ms: int) -> int:  # noqa: ARG002 - RecordedFeed asks
        """Return the recorded number of the book as it stands at a moment; 0 when there is none."""
        return 0

    def next_first_id(self, market_ms: int) -> int:  # noqa: ARG002 - RecordedFeed asks
        """Return the first number within the next recorded change of the book; 0 when there is none."""
        return 0

    def commands(self, now_ms: int, before_ms: int) -> Iterator[Command]:
        """Yield what happens when market time moves from `before_ms` to `now_ms`; in the order to apply it."""
        second, previous = now_ms // 1_000, before_ms // 1_000
        if second == previous:
            return
        symbol = self.spec.symbol
        if second % FUNDING_SECONDS == 0:
            yield SettleFunding(symbol, self.premium.funding_rate(second))
        price = self.price(second)
        buying = self._buying(second, price)
        lots = self._lots_between(previous, second)
        side = Side.BUY if buying else Side.SELL
        for size in sizes(lots, self._median_lots, second) if second == previous + 1 else (lots,) if lots else ():
            yield MarketTrade(symbol, self.spec.price(price), self.spec.quantity(size), side)
        book = background(price, buying=buying, salt=second, touch_lots=self._touch_lots)
        yield SetDepth(symbol, book.bids, book.asks)
        yield self.mark(second)

    def price(self, second: int) -> int:
        return self._path(second // 60).price_at(second % 60)

    def mark(self, second: int) -> SetMark:
        """Return mark and index: the mark trails the price, the index is the mark less the premium."""
        ticks = [self.price(max(second - back, self.series.first_minute * 60)) for back in MARK_SECONDS]
        mark = (sum(ticks) * self.spec.tick / len(ticks)).quantize(EIGHT_PLACES)
        index = (mark / (1 + Decimal(self.premium.at(second)))).quantize(EIGHT_PLACES)
        return SetMark(self.spec.symbol, mark, index, self.premium.funding_rate(next_funding_second(second)))

    def forming(self, second: int) -> Forming:
        """Return the candle of `second`'s minute as it stands at `second`."""
        path, inside = self._path(second // 60), second % 60
        prices = [price for at, price in zip(ANCHORS, path.prices, strict=True) if at <= inside]
        prices.append(path.price_at(inside))
        candle = Candle(prices[0], max(prices), min(prices), prices[-1], path.traded_until(inside))
        return Forming(second // 60, candle)

    def _buying(self, second: int, price: int) -> bool:
        before = self.price(max(second - 5, self.series.first_minute * 60))
        return price > before or (price == before and second % 2 == 0)

    def _lots_between(self, previous: int, second: int) -> int:
        """Return the lots traded after `previous` up to and including `second`; at most an hour of them."""
        previous = max(previous, second - 3_600, self.series.first_minute * 60)
        before, now = previous // 60, second // 60
        inside = self._path(now).traded_until(second % 60)
        if before == now:
            return inside - self._path(now).traded_until(previous % 60)
        rest = self.series.candle(before).volume - self._path(before).traded_until(previous % 60)
        return rest + int(self.series.rows(before + 1, now)[:, 4].sum()) + inside

    def _path(self, minute: int) -> CandlePath:
        path = self._paths.get(minute)
        if path is None:
            path = walk(self.series.candle(minute), self._seeds(f"path:{self.spec.symbol}:{minute}"))
            self._paths[minute] = path
            if len(self._paths) > PATHS_KEPT:
                self._paths.popitem(last=False)
        return path


def next_second(after: int, *, fine: bool) -> int:
    """Return the next second of market time at which something happens."""
    if fine:
        return after + 1
    minute, inside = divmod(after, 60)
    for anchor in ANCHORS:
        if anchor > inside:
            return minute * 60 + anchor
    return (minute + 1) * 60
