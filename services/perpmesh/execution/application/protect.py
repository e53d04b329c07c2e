"""Keeps a stop under every position: placed at once, moved without a gap; where none can stand, the position goes."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from perpmesh.execution.application.conditionals import Conditionals
from perpmesh.execution.application.following import Follower
from perpmesh.execution.application.ports import VenueRefused
from perpmesh.execution.application.sender import Sender
from perpmesh.execution.application.tools import Tools
from perpmesh.execution.domain.facts import AlgoReport, PositionFact
from perpmesh.execution.domain.order import Order
from perpmesh.execution.domain.protection import (
    Alignment,
    align,
    covers,
    default_stop,
    is_through,
    stops_of,
    targets_of,
)
from perpmesh.execution.domain.remedies import PASSING, pause_seconds
from perpmesh.execution.domain.trade import Trade, moved, protected
from perpmesh.execution.domain.words import Leg, OrderStatus, Side, TradeStatus
from perpmesh.kernel.money import ZERO

TRIES = 4
ALREADY_THERE = -4130
PASSED = -2021  # it would trigger at once
MOVE_AGAIN_MS = 10_000  # a move that was refused while the old stop stands


class Unprotectable(Exception):
    """No stop can stand under this position now: close it."""

    def __init__(self, reason: str, code: int = 0) -> None:
        super().__init__(reason)
        self.code = code


class Protector:
    """Places, moves and clears stops and take-profits."""

    def __init__(self, tools: Tools, *, sender: Sender, conditionals: Conditionals, follower: Follower) -> None:
        self._ledger = tools.ledger
        self._desk = tools.desk
        self._sender = sender
        self._conditionals = conditionals
        self._follower = follower
        self._policies = tools.policies
        self._sleep = tools.sleep
        self._diary = tools.diary
        self._clock = tools.desk.clock
        self._move_after: dict[str, int] = {}

    def stop_order(self, trade: Trade, *, step: int, quantity: Decimal = ZERO) -> Order:
        """Return a stop for a trade, not yet sent: for the whole position, or for a quantity."""
        trigger = self._on_tick(trade)
        return self._conditionals.order(trade, Leg.STOP, trigger, step=step, quantity=quantity)

    def _on_tick(self, trade: Trade) -> Decimal:
        """Return the wished stop on the tick of now, which may have grown since it was wished: never further away."""
        instrument = self._desk.instruments.get(trade.symbol)
        if instrument is None:
            return trade.stop_wish
        return instrument.round_stop_tighter(trade.stop_wish, long=trade.side is Side.BUY)

    async def first_stop(self, trade: Trade, order: Order) -> Order:
        """Send the first stop, whose order is in the log already; return it as it stands.

        Raises:
            Unprotectable: the exchange will not have it, or its answer does not come.
        """
        for step in range(TRIES):
            if step:
                order = self.stop_order(trade, step=step)
                await self._sender.record(order)
            order = await self._conditionals.send(order)
            if order.status is OrderStatus.WORKING:
                return order
            await self._sender.keep(order)
            if order.error_code == ALREADY_THERE:
                return order  # something closes this side already; reconciliation looks at what
            if self._is_hopeless(trade, order):
                break
            await self._sleep(pause_seconds(step + 1))
        raise Unprotectable(order.reason)

    def _is_hopeless(self, trade: Trade, order: Order) -> bool:
        """Whether to stop trying: the price is through the stop, or the time is up."""
        late = trade.filled_boot_ms and self._clock.boot_ms() - trade.filled_boot_ms > self._deadline_ms() / 2
        if order.status is not OrderStatus.REJECTED:
            return bool(late)
        return bool(late) or not _passes(order)

    def _deadline_ms(self) -> int:
        return self._policies.integer("execution.protection_deadline_ms")

    def _stands(self, trade: Trade, stop: Decimal) -> Trade:
        self._desk.protected.add(trade.symbol)
        return protected(trade, stop, self._clock.now_ms(), self._clock.boot_ms())

    # Level-triggered: whatever is found on the exchange becomes one closePosition stop at the wished price.

    async def cover(self, trade: Trade, position: PositionFact, algos: Sequence[AlgoReport]) -> Trade:
        """Bring the standing stops to what the trade wishes; return the trade as it then is.

        Raises:
            Unprotectable: the position cannot be covered, or the market has passed the stop it is to have.
        """
        stops = stops_of(algos, position)
        trade = await self._with_wish(trade, position, stops)
        if covers(stops, position):
            return await self._moved(await self._follower.moved_on(trade), position, stops)
        self._desk.protected.discard(trade.symbol)
        if is_through(trade.stop_wish, self._desk.mark(trade.symbol), trade.side):
            raise Unprotectable("the price is through the stop already")
        return await self._aligned(trade, position, align(stops, trade.stop_wish, position))

    async def _moved(self, trade: Trade, position: PositionFact, stops: Sequence[AlgoReport]) -> Trade:
        """Move a stop that covers; where the exchange will not have the new one, the old one stands and serves."""
        plan = align(stops, trade.stop_wish, position)
        if plan.closing and self._clock.boot_ms() < self._move_after.get(trade.symbol, 0):
            return trade
        try:
            return await self._aligned(trade, position, plan)
        except Unprotectable as refused:
            if refused.code == PASSED:
                raise
            self._diary.warning("stop not moved", symbol=trade.symbol, trade_id=trade.trade_id, why=str(refused))
            self._move_after[trade.symbol] = self._clock.boot_ms() + MOVE_AGAIN_MS
            self._desk.protected.add(trade.symbol)
            return trade

    async def _aligned(self, trade: Trade, position: PositionFact, plan: Alignment) -> Trade:
        rest = list(plan.cancel_rest)
        if plan.interim:
            rest.append(await self._place_new(trade, quantity=position.size))
        for client_id in plan.cancel_closing:
            await self._conditionals.cancel(client_id)
        if plan.closing:
            await self._place_new(trade)
        for client_id in rest:
            await self._conditionals.cancel(client_id)
        if trade.status is TradeStatus.PROTECTED and trade.stop_price == trade.stop_wish:
            self._desk.protected.add(trade.symbol)
            return trade
        trade = self._stands(trade, trade.stop_wish)
        await self._ledger.keep(trades=[trade])
        return self._ledger.trade(trade.symbol) or trade

    async def observe(self, trade: Trade, position: PositionFact, algos: Sequence[AlgoReport]) -> None:
        """Write down whether somebody else's stop covers a position that is not ours to protect."""
        stops = stops_of(algos, position)
        if not covers(stops, position):
            await self.exposed(trade)
            return
        stop = stops[0].trigger_price
        if (trade.status, trade.stop_price) != (TradeStatus.PROTECTED, stop):
            await self._ledger.keep(trades=[self._stands(trade, stop)])
        self._desk.protected.add(trade.symbol)

    async def _with_wish(self, trade: Trade, position: PositionFact, stops: Sequence[AlgoReport]) -> Trade:
        """A trade that nobody here opened has no wish: keep the stop it has, else the default one."""
        if trade.stop_wish:
            return replace(trade, stop_wish=self._on_tick(trade))
        closing = [stop.trigger_price for stop in stops if stop.close_position]
        instrument = self._desk.instruments.get(trade.symbol)
        if not closing and instrument is None:
            raise Unprotectable("the symbol's filters are not known")
        distance = self._policies.decimal("execution.default_stop_pct")
        wish = closing[0] if closing or instrument is None else default_stop(
            instrument, self._desk.mark(trade.symbol) or position.entry, trade.side, distance
        )  # fmt: skip
        trade = replace(trade, stop_wish=wish)
        await self._ledger.keep(trades=[trade])
        return trade

    async def _place_new(self, trade: Trade, *, quantity: Decimal = ZERO) -> str:
        used = [o for o in await self._ledger.orders_of(trade.trade_id) if o.leg is Leg.STOP]
        for tries in range(TRIES):
            order = self.stop_order(trade, step=len(used) + tries, quantity=quantity)
            order = await self._conditionals.place(order)
            if order.status is OrderStatus.WORKING:
                return order.client_id
            if not _passes(order):
                break
            await self._sleep(pause_seconds(tries + 1))
        raise Unprotectable(order.reason or order.status.value, order.error_code)

    # The take-profit: welcome, not vital.

    async def take_profit(self, trade: Trade, position: PositionFact, algos: Sequence[AlgoReport]) -> Trade:
        """Place the take-profit once; without it the stop still stands."""
        standing = targets_of(algos, position)
        if not trade.take_profit_wish or standing:
            price = standing[0].trigger_price if standing else ZERO
            return await self._with_take_profit(trade, price)
        tried = await self._targets_tried(trade)
        if any(o.status in (OrderStatus.REJECTED, OrderStatus.FILLED) for o in tried) or len(tried) >= TRIES:
            return trade
        order = await self._conditionals.place(
            self._conditionals.order(trade, Leg.TAKE_PROFIT, trade.take_profit_wish, step=len(tried))
        )
        return await self._with_take_profit(trade, order.trigger_price if order.status is OrderStatus.WORKING else ZERO)

    async def _targets_tried(self, trade: Trade) -> list[Order]:
        """Return the take-profits for whatever is left; the ladder's go by quantity."""
        orders = await self._ledger.orders_of(trade.trade_id)
        return [order for order in orders if order.leg is Leg.TAKE_PROFIT and not order.quantity]

    async def _with_take_profit(self, trade: Trade, price: Decimal) -> Trade:
        if trade.take_profit_price == price:
            return trade
        await self._ledger.keep(trades=[replace(trade, take_profit_price=price)])
        return self._ledger.trade(trade.symbol) or trade

    async def clear(self, symbol: str, algos: Sequence[AlgoReport]) -> None:
        """The symbol is flat: take away what only served its position, of whomever."""
        for algo in algos:
            if algo.stands and algo.only_reduces:
                await self._conditionals.cancel(algo.client_id)
        self._desk.protected.discard(symbol)

    async def exposed(self, trade: Trade) -> Trade:
        """Say that the trade has no stop (any more)."""
        self._desk.protected.discard(trade.symbol)
        if trade.status is not TradeStatus.PROTECTED:
            return trade
        await self._ledger.keep(trades=[moved(trade, TradeStatus.OPEN, self._clock.now_ms(), stop_price=ZERO)])
        return self._ledger.trade(trade.symbol) or trade


def _passes(order: Order) -> bool:
    """Whether a stop that does not stand may stand on another try."""
    if order.status is not OrderStatus.REJECTED:
        return True
    return VenueRefused(order.error_code, order.reason).remedy in PASSING
