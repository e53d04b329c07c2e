"""Looks after one symbol: what the exchange says is true, and whatever it says ends protected or flat, and booked."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from perpmesh.execution.application.books import Books
from perpmesh.execution.application.exits import Exits
from perpmesh.execution.application.following import Follower
from perpmesh.execution.application.ladder import Ladder
from perpmesh.execution.application.ports import VenueRefused, VenueSilent
from perpmesh.execution.application.protect import Protector, Unprotectable
from perpmesh.execution.application.sender import CONDITIONAL_LEGS, Sender
from perpmesh.execution.application.tools import Tools
from perpmesh.execution.domain.facts import AlgoReport, Fill, PositionFact
from perpmesh.execution.domain.follow import tighter
from perpmesh.execution.domain.order import Order, reported
from perpmesh.execution.domain.trade import EXTERNAL, Trade, moved, opened, trade_id_of, turned
from perpmesh.execution.domain.words import CloseReason, Leg, OrderStatus, TradeStatus
from perpmesh.kernel.ids import CLIENT_ORDER_PREFIX, derived_id
from perpmesh.kernel.money import ZERO

BOOKING_PATIENCE_MS = 60_000
HAND_OVER, FLATTEN = "hand_over", "flatten"  # else: protect
TIME_STOP = CloseReason.TIME_STOP.value


class Attendant:
    """One way to put things right, at start, on a timer, after every event, and at the end of every saga."""

    def __init__(
        self,
        tools: Tools,
        *,
        sender: Sender,
        protector: Protector,
        exits: Exits,
        books: Books,
        follower: Follower,
        ladder: Ladder,
    ) -> None:
        self._venue = tools.venue
        self._ledger = tools.ledger
        self._desk = tools.desk
        self._sender = sender
        self._protector = protector
        self._exits = exits
        self._books = books
        self._follower = follower
        self._ladder = ladder
        self._policies = tools.policies
        self._diary = tools.diary
        self._clock = tools.desk.clock
        self._naked_since: dict[str, int] = {}

    async def attend(self, symbol: str) -> None:
        """Put one symbol right, alone with it."""
        async with self._desk.locks[symbol]:
            await self.attend_locked(symbol)

    async def attend_locked(self, symbol: str) -> None:
        """The same, for a caller that holds the symbol's lock."""
        try:
            algos = await self._venue.open_conditionals(symbol)
            await self._settle(symbol, algos)
            found = {position.symbol: position for position in await self._venue.positions(symbol)}
        except (VenueSilent, VenueRefused) as error:
            await self._unseen(symbol, error)
            raise
        position = found.get(symbol)
        self._desk.note_position(symbol, position)
        trade = self._ledger.trade(symbol)
        if position is None:
            await self._flat(symbol, trade, algos)
        elif not position.is_hedge_leg:  # a hedged account is not ours to manage: it is only flattened on request
            await self._held(trade, position, algos)
        self._note_unsettled(symbol)

    def _note_unsettled(self, symbol: str) -> None:
        unknown = [o for o in self._ledger.unsettled(symbol) if o.leg not in CONDITIONAL_LEGS and not o.executed]
        (self._desk.unsettled_symbols.add if unknown else self._desk.unsettled_symbols.discard)(symbol)

    # Orders whose end is not known.

    async def _settle(self, symbol: str, algos: Sequence[AlgoReport]) -> None:
        standing = {algo.client_id for algo in algos if algo.stands}
        for order in self._ledger.unsettled(symbol):
            if order.status is OrderStatus.WORKING and order.client_id in standing:
                continue
            settled = await self._sender.resolve(order)
            if settled != order:
                await self.take_in(order, settled)

    async def take_in(self, before: Order, after: Order) -> None:
        """Write what became of an order, and what that makes of its trade, in one transaction."""
        trades = []
        if after.leg is Leg.ENTRY:
            trade = await self._trade_after(before, after)
            trades = [trade] if trade is not None else []
        await self._ledger.keep(orders=[after], trades=trades)

    async def _trade_after(self, before: Order, after: Order) -> Trade | None:
        trade = await self._ledger.any_trade(after.trade_id)
        more = after.executed - before.executed
        if trade is None:
            return None
        now = self._clock.now_ms()
        if more > ZERO and trade.status in (TradeStatus.OPENING, TradeStatus.FAILED):
            return opened(trade, after.executed, now, self._clock.boot_ms())
        if more > ZERO and trade.is_open:
            return _grown(trade, after, more)
        if after.status.is_final and not after.executed and trade.status is TradeStatus.OPENING:
            return moved(trade, TradeStatus.FAILED, now)
        return None

    # No position.

    async def _flat(self, symbol: str, trade: Trade | None, algos: Sequence[AlgoReport]) -> None:
        self._naked_since.pop(symbol, None)
        self._desk.handed_over.discard(symbol)
        trade = trade or await self._closed_stranger(symbol)
        if trade is None:
            await self._clear(symbol, algos)
            return
        if trade.status is TradeStatus.OPENING:
            entries = [o for o in self._ledger.unsettled(symbol) if o.trade_id == trade.trade_id]
            if not entries:  # it was never sent, or it ended unfilled
                await self._ledger.keep(trades=[moved(trade, TradeStatus.FAILED, self._clock.now_ms())])
            return
        if await self._books.book(trade):  # only now: the list of positions may lag behind an entry
            await self._clear(symbol, algos)
            return
        if self._clock.now_ms() - trade.updated_ms > BOOKING_PATIENCE_MS:
            self._desk.mismatch = f"{symbol}: trade {trade.trade_id} is flat and cannot be booked"

    async def _clear(self, symbol: str, algos: Sequence[AlgoReport]) -> None:
        await self._protector.clear(symbol, [a for a in algos if a.client_id.startswith(CLIENT_ORDER_PREFIX)])

    # A position.

    async def _held(self, trade: Trade | None, position: PositionFact, algos: Sequence[AlgoReport]) -> None:
        if trade is not None and trade.side is not position.side and trade.status is not TradeStatus.OPENING:
            self._desk.protected.discard(trade.symbol)
            if await self._books.book(trade):  # somebody turned it around
                self._desk.forget_closing(position.symbol)
                trade = None
            elif await self._books.turned(trade, position.signed):
                trade = await self._turned(trade, position)
            else:
                return
            await self._clear(position.symbol, [algo for algo in algos if algo.side is position.side])
        trade = await self._owned(trade, position)
        if trade is None:
            return
        if not trade.entry_price or not trade.first_fill_id:
            await self._ledger.keep(trades=[await self._priced(trade, position)])
            trade = self._ledger.trade(trade.symbol) or trade
        if trade.strategy == EXTERNAL and await self._is_elsewhere(trade, position, algos):
            return
        await self._covered(trade, position, algos)

    async def _turned(self, trade: Trade, position: PositionFact) -> Trade | None:
        self._diary.warning("position turned by somebody else", symbol=trade.symbol, size=str(position.signed))
        await self._ledger.keep(trades=[turned(trade, position.size, position.entry, self._clock.now_ms())])
        return self._ledger.trade(trade.symbol)

    async def _is_elsewhere(self, trade: Trade, position: PositionFact, algos: Sequence[AlgoReport]) -> bool:
        """Whether policy has us leave, or end, what nobody here opened, rather than protect it."""
        policy = self._policies.text("execution.external_positions")
        (self._desk.handed_over.add if policy == HAND_OVER else self._desk.handed_over.discard)(trade.symbol)
        if policy == HAND_OVER:
            await self._protector.observe(trade, position, algos)
        elif policy == FLATTEN:
            await self._close(trade, Leg.FLATTEN, reason="nobody here opened it")
        return policy in (HAND_OVER, FLATTEN)

    async def _priced(self, trade: Trade, position: PositionFact) -> Trade:
        """Return the trade with what was paid for it: by its own entry, or, where that never arrived, by others."""
        trade = await self._books.priced(trade)
        if trade.first_fill_id or any(o.leg is Leg.ENTRY for o in self._ledger.unsettled(trade.symbol)):
            return trade
        fills = await self._books.opening(position)
        return self._books.of_fills(trade, [fill for fill in fills if fill.side is trade.side])

    async def _covered(self, trade: Trade, position: PositionFact, algos: Sequence[AlgoReport]) -> None:
        try:
            trade = await self._protector.cover(trade, position, algos)
        except Unprotectable as reason:
            await self.give_up(trade, str(reason))
            return
        except (VenueSilent, VenueRefused) as error:
            await self._maybe_give_up(trade, error)
            raise
        self._naked_since.pop(trade.symbol, None)
        if self._follower.is_overdue(trade):
            await self._close(trade, Leg.EXIT, reason="older than policy lets it get", reasons=TIME_STOP)
            return
        trade = await self._protector.take_profit(trade, position, algos)
        await self._ladder.put_up(trade, position, algos)

    async def _unseen(self, symbol: str, error: Exception) -> None:
        """The exchange answers no questions, under a ban perhaps; orders that reduce may go through all the same."""
        trade = self._ledger.trade(symbol)
        if trade is not None and symbol in self._desk.positions and trade.status is not TradeStatus.OPENING:
            await self._maybe_give_up(trade, error)

    async def _maybe_give_up(self, trade: Trade, error: Exception) -> None:
        """A position that cannot be covered in time is closed."""
        if trade.symbol in self._desk.protected:
            return
        since = self._naked_since.setdefault(trade.symbol, self._clock.boot_ms())
        if self._clock.boot_ms() - since > self._policies.integer("execution.protection_deadline_ms"):
            await self.give_up(trade, f"no stop within time: {error}")

    async def give_up(self, trade: Trade, why: str) -> None:
        """Close a position that no stop can cover, and book it."""
        self._diary.warning("position given up", symbol=trade.symbol, trade_id=trade.trade_id, why=why)
        self._desk.count_error()
        self._naked_since.setdefault(trade.symbol, self._clock.boot_ms())
        await self._protector.exposed(trade)
        await self._close(trade, Leg.FLATTEN, reason=f"no stop can stand: {why}"[:200])

    async def _close(self, trade: Trade, leg: Leg, **marks: str) -> None:
        sent = await self._exits.close(trade.symbol, leg, traceparent=trade.traceparent, **marks)
        if not sent or self._desk.positions.get(trade.symbol) is None:
            await self._after_close(trade.symbol)

    async def _after_close(self, symbol: str) -> None:
        algos = await self._venue.open_conditionals(symbol)
        await self._settle(symbol, algos)
        await self._flat(symbol, self._ledger.trade(symbol), algos)

    # Whose position it is.

    async def _owned(self, trade: Trade | None, position: PositionFact) -> Trade | None:
        """Return the trade that the position belongs to: the one we know, one we had given up, or a new one."""
        now, boot = self._clock.now_ms(), self._clock.boot_ms()
        if trade is not None and trade.status is not TradeStatus.OPENING:
            return trade
        if trade is not None:  # its entry is not answered yet, and yet here it is
            trade = opened(trade, position.size, now, boot)
        elif self._desk.just_closed(position.symbol):
            return None
        else:
            trade = await self._found(position)
        await self._ledger.keep(trades=[trade])
        return self._ledger.trade(position.symbol)

    async def _found(self, position: PositionFact) -> Trade:
        fills = await self._books.opening(position)
        now, boot = self._clock.now_ms(), self._clock.boot_ms()
        if fills:
            report = await self._venue.order(position.symbol, exchange_id=fills[0].order_id)
            order = await self._ledger.order(report.client_id) if report else None
            known = await self._ledger.any_trade(order.trade_id) if order else None
            if report and order and known is not None and known.status is TradeStatus.FAILED:
                await self._ledger.keep(orders=[reported(order, report, now)])  # given up, and it filled after all
                return opened(known, position.size, now, boot)
        return self._stranger(position, fills[0] if fills else None)

    async def _closed_stranger(self, symbol: str) -> Trade | None:
        """Return, once, the trade of a position that came and went before anybody had seen whose it was."""
        run = await self._books.missed(symbol) or await self._closed_by_us(symbol)
        if not run:
            return None
        first = run[0]
        position = PositionFact(symbol=symbol, signed=first.quantity * first.side.sign, entry=first.price)
        await self._ledger.keep(trades=[self._stranger(position, first)])
        self._desk.closed_strangers.pop(symbol, None)
        return self._ledger.trade(symbol)

    async def _closed_by_us(self, symbol: str) -> list[Fill]:
        exit_id = self._desk.closed_strangers.get(symbol)
        run = await self._books.newest_run(symbol) if exit_id else []
        return run if run and run[-1].order_id == exit_id else []  # else the exchange does not tell it yet

    def _stranger(self, position: PositionFact, first: Fill | None) -> Trade:
        now, boot = self._clock.now_ms(), self._clock.boot_ms()
        self._diary.warning("position that nobody here opened", symbol=position.symbol, size=str(position.signed))
        return Trade(
            trade_id=derived_id(EXTERNAL, position.symbol, first.trade_id if first else now), symbol=position.symbol,
            side=position.side, status=TradeStatus.OPEN, quantity=position.size, entry_price=position.entry,
            strategy=EXTERNAL, first_fill_id=first.trade_id if first else 0,
            opened_ms=first.time_ms if first else self._desk.market_time_ms(), created_ms=now, updated_ms=now,
            filled_boot_ms=boot,
        )  # fmt: skip


def _grown(trade: Trade, entry: Order, more: Decimal) -> Trade:
    """The trade's own entry tells its size; a further one adds to it, and brings its stop."""
    if trade.trade_id == trade_id_of(entry.client_id):
        return replace(trade, quantity=max(trade.quantity, entry.executed))
    stop = tighter(entry.trigger_price, trade.stop_wish, trade.side) if entry.trigger_price else trade.stop_wish
    return replace(trade, quantity=trade.quantity + more, stop_wish=stop)
