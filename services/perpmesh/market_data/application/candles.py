"""Keeps every symbol's candles whole: history by request, minutes from the stream, gaps filled, each told once."""

from collections.abc import AsyncIterator, Callable, Sequence

from perpmesh.features import Regime
from perpmesh.market_data.application.bell import Bell
from perpmesh.market_data.application.ports import Journal, Venue
from perpmesh.market_data.domain.book import CAPACITY, CandleBook, CandleGap
from perpmesh.market_data.domain.candle import INTERVALS, MINUTE, QUARTER, Candle, in_order
from perpmesh.market_data.domain.conditions import Conditions, conditions

PAGE = 1_500
PAGES_MAX = 20  # a hole longer than this many pages of minutes (three weeks) is not filled: history begins anew
REGIME_CANDLES = 400
CHUNK = 200  # candles recorded in one transaction while catching up


class Candles:
    """The candles and conditions of all symbols. One task feeds it; anybody may read."""

    def __init__(
        self, symbols: Sequence[str], venue: Venue, journal: Journal, spread_of: Callable[[str], float]
    ) -> None:
        self._books = {symbol: CandleBook(symbol) for symbol in symbols}
        self._venue = venue
        self._journal = journal
        self._spread_of = spread_of
        self._marks: dict[tuple[str, str], int] = {}
        self._regimes: dict[str, Regime] = {}
        self._conditions = {symbol: Conditions(symbol=symbol) for symbol in symbols}
        self._bell = Bell()

    # Feeding.

    async def catch_up(self) -> None:
        """Fetch what closed while we were not listening, at the start and after every interruption.

        Raises:
            Unavailable: the exchange does not answer.
        """
        if not self._marks:
            self._marks, self._regimes = await self._journal.marks(), await self._journal.regimes()
        for symbol, book in self._books.items():
            if book.newest(MINUTE) is None:
                await self._begin(symbol)
            else:
                await self._fill(book)

    async def receive(self, minute: Candle) -> None:
        """Take in a minute of the stream, closed or in progress; fill the gap before it, if there is one."""
        book = self._books[minute.symbol]
        if not minute.closed:
            book.form(minute)
            return
        try:
            closing = book.closing(minute)
        except CandleGap:
            await self._fill(book)
        else:
            await self._close(book, closing)

    async def _begin(self, symbol: str) -> None:
        """Load a symbol's history, and tell what closed since it was last told."""
        history = {interval: await self._history(symbol, interval) for interval in INTERVALS}
        book = self._books[symbol]
        missed = [each for series in history.values() for each in series if self._is_news(each)]
        known = [series[-1] for interval, series in history.items() if series and (symbol, interval) not in self._marks]
        for start in range(0, len(missed), CHUNK):
            await self._journal.record(in_order(missed)[start : start + CHUNK])
        if known:
            await self._journal.set_marks(known)
        self._mark([*known, *missed])
        book.begin(history)
        await self._assess(book, self._regimes.get(symbol))
        self._bell.ring()

    async def _history(self, symbol: str, interval: str) -> list[Candle]:
        """Return the newest closed candles, and before them all that were never told."""
        newest = await self._venue.closed_candles(symbol, interval, limit=CAPACITY)
        mark, step = self._marks.get((symbol, interval)), INTERVALS[interval]
        if mark is None or not newest:
            return newest
        older: list[Candle] = []
        at, until = mark + step, newest[0].open_time_ms
        while at < until and (until - at) // step < PAGE * PAGES_MAX:
            page = await self._venue.closed_candles(symbol, interval, since_ms=at, limit=PAGE)
            page = [each for each in page if at <= each.open_time_ms < until]
            if not page:
                break
            older.extend(page)
            at = page[-1].next_open_ms
        return older + newest

    async def _fill(self, book: CandleBook) -> None:
        """Fetch the minutes that closed after the newest one we have, until there are no more."""
        for _ in range(PAGES_MAX):
            newest = book.newest(MINUTE)
            since = newest.next_open_ms if newest else None
            page = await self._venue.closed_candles(book.symbol, MINUTE, since_ms=since, limit=PAGE)
            for minute in page:
                try:
                    await self._close(book, book.closing(minute))
                except CandleGap:  # the exchange itself has no candle there
                    await self._begin(book.symbol)
                    return
            if not page:
                return
        await self._begin(book.symbol)

    async def _close(self, book: CandleBook, closing: Sequence[Candle]) -> None:
        """Record what closes, then let everybody see it."""
        if not closing:
            return
        quarter = next((each for each in closing if each.interval == QUARTER), None)
        changed = None
        if quarter is not None:
            quarters = [*book.closed(QUARTER, REGIME_CANDLES), quarter]
            before = self._conditions[book.symbol].regime
            now = conditions(book.symbol, quarters, self._spread_of(book.symbol), before)
            changed = now if now.regime != self._regimes.get(book.symbol) else None
        news = [each for each in closing if self._is_news(each)]
        if news or changed:
            await self._journal.record(news, changed)
        self._mark(news)
        book.add(closing)
        if quarter is not None:
            self._adopt(now)
        self._bell.ring()

    async def _assess(self, book: CandleBook, before: Regime | None) -> None:
        """Work out the conditions from history, and tell when they are not what was last told."""
        now = conditions(book.symbol, book.closed(QUARTER), self._spread_of(book.symbol), before)
        if now.market_ms and now.regime != self._regimes.get(book.symbol):
            await self._journal.record([], now)
        self._adopt(now)

    def _adopt(self, now: Conditions) -> None:
        self._conditions[now.symbol] = now
        if now.market_ms:
            self._regimes[now.symbol] = now.regime

    def _is_news(self, candle: Candle) -> bool:
        """Whether a closed candle was never told. A series without a mark is new here: its past is no news."""
        mark = self._marks.get((candle.symbol, candle.interval))
        return mark is not None and candle.open_time_ms > mark

    def _mark(self, candles: Sequence[Candle]) -> None:
        for each in candles:
            key = (each.symbol, each.interval)
            self._marks[key] = max(self._marks.get(key, 0), each.open_time_ms)

    # Reading.

    def listed(self, symbol: str, interval: str, limit: int, *, include_open: bool = False) -> list[Candle]:
        """Return the newest closed candles, oldest first, and the one in progress as the last one when asked."""
        book = self._books[symbol]
        forming = book.forming(interval) if include_open else None
        return [*book.closed(interval, limit), *([forming] if forming else [])]

    def conditions(self, symbol: str) -> Conditions:
        return self._conditions[symbol]

    async def watch(self, symbols: Sequence[str], intervals: Sequence[str], history: int) -> AsyncIterator[Candle]:
        """Yield so many closed candles of each series, then each one as it closes, none twice, none left out."""
        series = [(symbol, interval) for symbol in symbols for interval in intervals]
        told: dict[tuple[str, str], int] = {}
        with self._bell.listening() as news:
            while True:
                news.clear()
                found = [each for key in series for each in self._since(key, told, history)]
                for candle in in_order(found):
                    told[candle.symbol, candle.interval] = candle.open_time_ms
                    yield candle
                await news.wait()

    def _since(self, key: tuple[str, str], told: dict[tuple[str, str], int], history: int) -> list[Candle]:
        symbol, interval = key
        book = self._books[symbol]
        if key in told:
            return book.after(interval, told[key])
        newest = book.newest(interval)
        if newest is not None:
            told[key] = newest.open_time_ms
        return book.closed(interval, history)
