"""The candles of one symbol: closed ones in unbroken order, longer ones made of minutes, and what is forming."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from perpmesh.market_data.domain.candle import INTERVALS, LONGER, MINUTE, Candle, fold, in_order, opening_of

CAPACITY = 1_500


class CandleGap(Exception):
    """A minute is missing between the newest one we have and the one that came."""


class CandleBook:
    """The newest closed candles of each interval of one symbol."""

    def __init__(self, symbol: str, capacity: int = CAPACITY) -> None:
        self.symbol = symbol
        self._closed: dict[str, deque[Candle]] = {name: deque(maxlen=capacity) for name in INTERVALS}
        self._forming: Candle | None = None

    def begin(self, history: Mapping[str, Sequence[Candle]]) -> None:
        """Start over from the exchange's own history, each series oldest first."""
        for interval, series in self._closed.items():
            series.clear()
            series.extend(history.get(interval, ()))

    def newest(self, interval: str) -> Candle | None:
        series = self._closed[interval]
        return series[-1] if series else None

    def closed(self, interval: str, limit: int = CAPACITY) -> list[Candle]:
        """Return the newest closed candles, oldest first."""
        series = self._closed[interval]
        return list(islice(series, max(len(series) - limit, 0), None))

    def after(self, interval: str, open_time_ms: int) -> list[Candle]:
        """Return the closed candles that opened after a moment, oldest first."""
        found: list[Candle] = []
        for candle in reversed(self._closed[interval]):
            if candle.open_time_ms <= open_time_ms:
                break
            found.append(candle)
        return found[::-1]

    def closing(self, minute: Candle) -> list[Candle]:
        """Return what would close with a closed minute: itself and the longer candles it completes, shortest first.

        Nothing when we have it already. `add` what is returned once it is recorded.

        Raises:
            CandleGap: the minute does not follow the newest one.
        """
        newest = self.newest(MINUTE)
        if newest is not None and minute.open_time_ms <= newest.open_time_ms:
            return []
        if newest is None or minute.open_time_ms != newest.next_open_ms:
            raise CandleGap(f"{self.symbol}: {minute.open_time_ms} does not follow {newest and newest.open_time_ms}")
        longer = (self._completed(interval, minute) for interval in LONGER)
        return [minute, *(candle for candle in longer if candle is not None)]

    def add(self, candles: Iterable[Candle]) -> None:
        """Keep closed candles that follow the newest of their series."""
        for candle in in_order(list(candles)):
            newest = self.newest(candle.interval)
            if newest is None or candle.open_time_ms > newest.open_time_ms:
                self._closed[candle.interval].append(candle)

    def form(self, minute: Candle) -> None:
        """Note the minute in progress."""
        self._forming = minute

    def forming(self, interval: str) -> Candle | None:
        """Return the candle in progress, or None when it is not known."""
        now, newest = self._forming, self.newest(MINUTE)
        if now is None or (newest is not None and now.open_time_ms != newest.next_open_ms):
            return None
        if interval == MINUTE:
            return now
        return fold(interval, [*self._minutes_since(opening_of(interval, now.open_time_ms)), now], closed=False)

    def _completed(self, interval: str, last: Candle) -> Candle | None:
        """Return the longer candle that ends with the minute `last`, unless we have it or lack a part of it."""
        if last.next_open_ms % INTERVALS[interval]:
            return None
        opening = opening_of(interval, last.open_time_ms)
        newest = self.newest(interval)
        if newest is not None and newest.open_time_ms >= opening:
            return None
        minutes = [*self._minutes_since(opening), last]
        if minutes[0].open_time_ms != opening:
            return None
        return fold(interval, minutes, closed=True)

    def _minutes_since(self, opening: int) -> list[Candle]:
        return self.after(MINUTE, opening - 1)
