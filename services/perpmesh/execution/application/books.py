"""Prices open trades and books closed ones, from the exchange's own fills and income."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from perpmesh.execution.application.tools import Tools
from perpmesh.execution.domain.booking import (
    average_price,
    books_of,
    flat_to_flat,
    is_complete,
    newest_run,
    opening_of,
    turned_without_a_stop,
)
from perpmesh.execution.domain.facts import Fill, PositionFact
from perpmesh.execution.domain.trade import Trade, closed, priced, risk_at
from perpmesh.execution.domain.words import CloseReason, Leg
from perpmesh.kernel.money import text

PAGE = 1_000
SURELY_FLAT_MS = 10_000
FIRST_FILL = 1
FORCED = {"autoclose-": CloseReason.LIQUIDATION, "adl_autoclose": CloseReason.ADL}  # by how the exchange names them
REASON_OF_LEG = {
    Leg.STOP: CloseReason.STOP,
    Leg.TAKE_PROFIT: CloseReason.TAKE_PROFIT,
    Leg.EXIT: CloseReason.EXIT,
    Leg.FLATTEN: CloseReason.FLATTEN,
}
ALSO_SAID = (CloseReason.TIME_STOP.value, CloseReason.TAKE_PROFIT.value)  # an exit at market that says why


class Books:
    """Asks the exchange what a trade paid and earned; what it does not yet tell is asked again later."""

    def __init__(self, tools: Tools) -> None:
        self._venue = tools.venue
        self._ledger = tools.ledger
        self._desk = tools.desk
        self._diary = tools.diary
        self._clock = tools.desk.clock
        self._booked_to: dict[str, int] = {}  # the last fill of the newest booked trade: what follows is not looked at

    async def priced(self, trade: Trade) -> Trade:
        """Return the trade with its entry price and first fill, when the exchange tells them now."""
        return self.of_fills(trade, [fill for fill in await self._entry_fills(trade) if fill.side is trade.side])

    def of_fills(self, trade: Trade, fills: Sequence[Fill]) -> Trade:
        """Return the trade as these fills opened it."""
        if not fills:
            return trade
        found = priced(trade, average_price(fills), self._clock.now_ms())
        return replace(found, first_fill_id=fills[0].trade_id, opened_ms=fills[0].time_ms)

    async def newest_run(self, symbol: str) -> list[Fill]:
        """Return the fills of the newest trade of a symbol that is flat now."""
        return newest_run(await self._venue.fills(symbol))

    async def missed(self, symbol: str) -> list[Fill]:
        """Return, once, the fills of a trade that came and went behind the newest booked one, unseen."""
        if symbol not in self._booked_to:
            return []
        later = await self._venue.fills(symbol, from_id=self._booked_to[symbol] + 1)
        del self._booked_to[symbol]
        return flat_to_flat(later) or []

    async def _with_others(self, trade: Trade) -> list[Fill]:
        """Our entry came on top of a position that we did not see: the run in which it lies is the trade."""
        if self._clock.now_ms() - trade.updated_ms < SURELY_FLAT_MS:
            return []  # the list of positions may lag behind an entry
        run = await self.newest_run(trade.symbol)
        return run if any(fill.trade_id == trade.first_fill_id for fill in run) else []

    async def _priced_by_others(self, trade: Trade) -> Trade:
        """A position that came while our entry was on its way, which never arrived: the newest run of fills is it."""
        if trade.first_fill_id or any(o.leg is Leg.ENTRY for o in self._ledger.unsettled(trade.symbol)):
            return trade
        run = await self.newest_run(trade.symbol)
        return self.of_fills(trade, [fill for fill in run if fill.side is trade.side])

    async def _entry_fills(self, trade: Trade) -> Sequence[Fill]:
        entries = [o for o in await self._ledger.orders_of(trade.trade_id) if o.leg is Leg.ENTRY and o.exchange_id]
        found: list[Fill] = []
        for order in entries:
            found += await self._venue.fills(trade.symbol, order_id=order.exchange_id)
        return sorted(found, key=lambda fill: fill.trade_id)

    async def book(self, trade: Trade) -> bool:
        """Close a trade whose position is gone; return False while the exchange has not told all of it."""
        if not trade.first_fill_id:
            trade = await self._priced_by_others(await self.priced(trade))
            if not trade.first_fill_id:
                return False
        fills = flat_to_flat(await self._fills_since(trade)) or await self._with_others(trade)
        if not fills:
            return False
        income = await self._venue.income(trade.symbol, fills[0].time_ms)
        if not is_complete(fills, income):
            return False
        books = books_of(trade.side, fills, income)
        reason = await self._reason(trade, books.last_order_id)
        risk = trade.initial_risk or risk_at(books.entry_price, trade.stop_wish, books.quantity, trade.side)
        trade = priced(trade, books.entry_price, self._clock.now_ms())
        done = closed(
            trade, reason, self._clock.now_ms(), quantity=books.quantity, exit_price=books.exit_price,
            realized=books.realized, commission=books.commission, funding=books.funding, initial_risk=risk,
            first_fill_id=books.first_fill_id, opened_ms=books.opened_ms, closed_ms=books.closed_ms,
        )  # fmt: skip
        account = await self._venue.account()
        await self._ledger.keep(trades=[done], equity=text(account.equity))
        self._desk.account = account
        self._desk.closed(trade.symbol)
        self._booked_to[trade.symbol] = fills[-1].trade_id
        self._desk.mismatch = f"{trade.symbol}: {books.mismatch}" if books.mismatch else ""
        self._diary.info("trade closed", trade_id=trade.trade_id, symbol=trade.symbol, reason=reason.value,
                         net_pnl=text(done.net_pnl), mismatch=books.mismatch)  # fmt: skip
        return True

    async def turned(self, trade: Trade, signed: Decimal) -> bool:
        """Whether the trade's own fills lead to a position on the other side without having been flat."""
        return turned_without_a_stop(await self._fills_since(trade), signed)

    async def opening(self, position: PositionFact) -> list[Fill]:
        """Return the fills that made a position; none when the exchange does not tell them all.

        The newest fills may begin after it was opened (Binance shows seven days of them): then all are read.
        """
        newest = opening_of(await self._venue.fills(position.symbol), position.signed)
        return newest or opening_of(await self._pages(position.symbol, FIRST_FILL), position.signed)

    async def _fills_since(self, trade: Trade) -> list[Fill]:
        return await self._pages(trade.symbol, trade.first_fill_id, enough=lambda f: flat_to_flat(f) is not None)

    async def _pages(
        self, symbol: str, start: int, enough: Callable[[list[Fill]], bool] = lambda _: False
    ) -> list[Fill]:
        found: list[Fill] = []
        while True:
            page = await self._venue.fills(symbol, from_id=start)
            found += page
            if len(page) < PAGE or enough(found):
                return found
            start = page[-1].trade_id + 1

    async def _reason(self, trade: Trade, order_id: str) -> CloseReason:
        """Ask which order closed it; what the position's own last fill says is what happened."""
        report = await self._venue.order(trade.symbol, exchange_id=order_id)
        if report is None:
            return CloseReason.EXTERNAL
        for prefix, reason in FORCED.items():
            if report.client_id.startswith(prefix):
                return reason
        order = await self._ledger.order(report.client_id)
        if order is None:
            return CloseReason.EXTERNAL
        return CloseReason(order.reasons) if order.reasons in ALSO_SAID else REASON_OF_LEG[order.leg]
