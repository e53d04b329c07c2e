"""A market that was recorded message by message: it is shown again as it was, then goes on by chance."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from perpmesh.exchange.commands import ChangeBook, Command, MarketTrade, SettleFunding
from perpmesh.exchange.symbols import SymbolSpec
from perpmesh.exchange_sim.domain.candles import Candle, CandleSeries, Columns, Seeds
from perpmesh.exchange_sim.domain.feed import Forming, SymbolFeed
from perpmesh.exchange_sim.domain.premium import FUNDING_SECONDS, Premium

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Recording:
    """The messages of one symbol as commands, with the ms at which each happened, in order; the book comes first."""

    frames: Sequence[Command]
    times: Sequence[int]
    first_id: int  # the number of the book that comes first

    @property
    def begin_ms(self) -> int:
        return self.times[0]

    @property
    def end_ms(self) -> int:
        return self.times[-1]

    def moved(self, shift_ms: int) -> "Recording":
        return Recording(self.frames, [time + shift_ms for time in self.times], self.first_id)


@dataclass(frozen=True, slots=True)
class _Trades:
    """When, at which price and how much, in ms, ticks and lots."""

    times: Sequence[int]
    rows: Columns

    @classmethod
    def of(cls, spec: SymbolSpec, recording: Recording) -> "_Trades":
        found = [
            (time, spec.to_ticks(frame.price), spec.to_lots(frame.quantity))
            for time, frame in zip(recording.times, recording.frames, strict=True)
            if isinstance(frame, MarketTrade)
        ]
        return cls([time for time, *_ in found], np.array([row for _, *row in found], dtype=np.int64).reshape(-1, 2))

    def candle(self, begin_ms: int, end_ms: int, before: int) -> Candle:
        """Return the candle of the trades within [begin_ms, end_ms]; without any, of the price `before`."""
        rows = self.rows[bisect_left(self.times, begin_ms) : bisect_right(self.times, end_ms)]
        if not len(rows):
            return Candle(before, before, before, before, 0)
        prices = rows[:, 0]
        return Candle(*map(int, (prices[0], prices.max(), prices.min(), prices[-1], rows[:, 1].sum())))


def minutes_of(spec: SymbolSpec, recording: Recording) -> Columns:
    """Return the candles of the recorded minutes, the first and last of which may have been cut."""
    trades, rows = _Trades.of(spec, recording), []
    last = int(trades.rows[0, 0])
    for minute in range(recording.begin_ms // MINUTE_MS, recording.end_ms // MINUTE_MS + 1):
        rows.append(trades.candle(minute * MINUTE_MS, (minute + 1) * MINUTE_MS - 1, last))
        last = rows[-1].close
    return np.array(rows, dtype=np.int64)


class RecordedFeed(SymbolFeed):
    """One symbol's market: every recorded message at its own millisecond; before and after it, minutes by chance.

    From its last message to the next full minute nothing happens.
    """

    def __init__(
        self, spec: SymbolSpec, series: CandleSeries, premium: Premium, seeds: Seeds, recording: Recording
    ) -> None:
        super().__init__(spec, series, premium, seeds)
        self.recording = recording
        self._trades = _Trades.of(spec, recording)
        self._goes_on_ms = (recording.end_ms // MINUTE_MS + 1) * MINUTE_MS
        changes = [
            (frame.last_id, frame.first_id, time)
            for time, frame in zip(recording.times, recording.frames, strict=True)
            if isinstance(frame, ChangeBook)
        ]
        self._change_times = [time for *_, time in changes]
        self._ids = [(last, first) for last, first, _ in changes]

    def is_recorded(self, market_ms: int) -> bool:
        return self.recording.begin_ms <= market_ms < self._goes_on_ms

    def update_id(self, market_ms: int) -> int:
        """Return the recorded number of the book as it stands at a moment."""
        passed = bisect_right(self._change_times, market_ms)
        return self._ids[passed - 1][0] if passed else self.recording.first_id

    def next_first_id(self, market_ms: int) -> int:
        """Return the first number within the next recorded change; 0 when there is none."""
        passed = bisect_right(self._change_times, market_ms)
        return self._ids[passed][1] if passed < len(self._ids) else 0

    def next_ms(self, after_ms: int, *, fine: bool) -> int:
        if after_ms >= self.recording.end_ms:
            return max(self._goes_on_ms, super().next_ms(after_ms, fine=fine))
        recorded = self.recording.times[bisect_right(self.recording.times, after_ms)]
        if after_ms < self.recording.begin_ms:
            return min(recorded, super().next_ms(after_ms, fine=fine))
        return recorded

    def commands(self, now_ms: int, before_ms: int) -> Iterator[Command]:
        if not self.is_recorded(now_ms):
            yield from super().commands(now_ms, before_ms)
            return
        second, times = now_ms // 1_000, self.recording.times
        if second // FUNDING_SECONDS != before_ms // 1_000 // FUNDING_SECONDS:
            settles = second // FUNDING_SECONDS * FUNDING_SECONDS
            yield SettleFunding(self.spec.symbol, self.premium.funding_rate(settles))
        yield from self.recording.frames[bisect_right(times, before_ms) : bisect_right(times, now_ms)]
        if second != before_ms // 1_000:
            yield self.mark(second)

    def price(self, second: int) -> int:
        if not self.is_recorded(second * 1_000):
            return super().price(second)
        passed = bisect_right(self._trades.times, second * 1_000)
        return int(self._trades.rows[max(passed - 1, 0), 0])

    def forming(self, second: int) -> Forming:
        minute = second // 60
        if not self.is_recorded(second * 1_000):
            return super().forming(second)
        return Forming(minute, self._trades.candle(minute * MINUTE_MS, second * 1_000, self.price(second)))
