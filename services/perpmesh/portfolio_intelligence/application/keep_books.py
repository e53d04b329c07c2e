"""Keep the books: follow the account, its income and the trades, and put one summary together from them."""

import asyncio
import contextlib
from collections.abc import Callable

from perpmesh.kernel.errors import Unavailable
from perpmesh.kernel.time import MS_PER_MINUTE, Clock
from perpmesh.portfolio_intelligence.application.ports import Exchange, Prices, Store, Transaction
from perpmesh.portfolio_intelligence.domain.account import Account
from perpmesh.portfolio_intelligence.domain.books import Books, Trade
from perpmesh.portfolio_intelligence.domain.equity import EquityPoint, Peak
from perpmesh.portfolio_intelligence.domain.summary import Summary, summarize

POLL_SECONDS = 2.0  # weighs 10 of the 2,400 a minute that the whole machine shares with execution
INCOME_EVERY_MS = 30_000  # income weighs 30: it is asked for when the wallet moved, and now and then anyway
INCOME_OVERLAP_MS = MS_PER_MINUTE  # the exchange may book a row a little late


class KeepBooks:
    """Holds the newest summary. `load` first, then run `forever` beside the handlers of trade events."""

    def __init__(self, *, exchange: Exchange, prices: Prices, store: Store, clock: Clock) -> None:
        self._exchange = exchange
        self._prices = prices
        self._store = store
        self._clock = clock
        self._books = Books()
        self._peak = Peak()
        self._account: Account | None = None
        self._market_ms = 0
        self._minute = -1
        self._agree = True
        self._trade_events = 0
        self._income_due = True
        self._income_read_ms = 0
        self._wake = asyncio.Event()
        self._listeners: list[Callable[[Summary], None]] = []

    def on_change(self, listener: Callable[[Summary], None]) -> None:
        """Call `listener` with every new summary."""
        self._listeners.append(listener)

    async def load(self) -> None:
        """Take up the books where an earlier life left them."""
        kept = await self._store.load()
        for trade in kept.trades:
            self._books.enter(trade)
        for row in kept.income:
            self._books.book(row)
        self._peak = kept.peak
        if kept.newest_point is not None:
            self._minute = kept.newest_point.minute
            self._market_ms = kept.newest_point.market_time_ms

    async def record(self, tx: Transaction, trade: Trade) -> Callable[[], None]:
        """Keep a trade that was opened or closed; return what is to be done once that is committed."""
        await self._store.put_trade(tx, trade)

        def committed() -> None:
            self._books.enter(trade)
            self._trade_events += 1
            self._income_due = True
            self._wake.set()

        return committed

    async def forever(self) -> None:
        """Read the account about once a second, and at once after a trade."""
        while True:
            self._wake.clear()
            await self.refresh()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)

    async def refresh(self) -> None:
        """Read the account, the income when it may have changed, and the market's time; then say how things stand."""
        trade_events = self._trade_events
        account = await self._exchange.account()
        if self._income_may_have_changed(account):
            await self._read_income()
        self._account = account
        self._market_ms = max(self._market_ms, self._books.newest_ms, await self._prices.market_time_ms())
        if trade_events == self._trade_events:  # else the income may be older than the trade: the next turn tells
            self._agree = self._books.agree(account.symbols)
        await self._mark(account)
        for listener in self._listeners:
            listener(self.summary())

    def summary(self) -> Summary:
        """Return how things stand; raise Unavailable before the exchange has answered for the first time."""
        if self._account is None:
            raise Unavailable("the exchange has not told the account yet")
        return summarize(self._account, self._books, self._peak, self._market_ms, books_agree=self._agree)

    def age_ms(self, summary: Summary) -> int:
        return self._clock.now_ms() - summary.account.read_at_ms

    def _income_may_have_changed(self, account: Account) -> bool:
        before = self._account
        moved = before is None or before.wallet_balance != account.wallet_balance
        return moved or self._income_due or self._clock.now_ms() - self._income_read_ms >= INCOME_EVERY_MS

    async def _read_income(self) -> None:
        newest = self._books.newest_income_ms
        rows = await self._exchange.income(newest - INCOME_OVERLAP_MS if newest else None)
        for row in await self._store.add_income(rows):
            self._books.book(row)
        self._income_due = False
        self._income_read_ms = self._clock.now_ms()

    async def _mark(self, account: Account) -> None:
        """Keep the peak when it rose, and a point of the curve when a market minute began."""
        peak = self._peak.seen(account.equity)
        point = EquityPoint(self._market_ms, account.equity)
        begun = self._market_ms > 0 and point.minute > self._minute
        if begun or peak != self._peak:
            await self._store.mark(peak, point if begun else None)
            self._peak = peak
            self._minute = max(self._minute, point.minute) if begun else self._minute
