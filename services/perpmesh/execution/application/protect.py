"""Keeps a stop under every position: placed at once, moved without a gap; where none can stand, the position goes."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from perpmesh.execution.application.ports import VenueRefused, VenueSilent
from perpmesh.execution.application.sender import Sender
from perpmesh.execution.application.tools import Tools
from perpmesh.execution.domain.facts import AlgoReport, PositionFact
from perpmesh.execution.domain.order import Order
from perpmesh.execution.domain.protection import (
    align,
    covers,
    default_stop,
    is_through,
    stops_of,
    take_profits_of,
)
from perpmesh.execution.domain.remedies import PASSING, Remedy, pause_seconds
from perpmesh.execution.domain.trade import Trade, moved, protected
from perpmesh.execution.domain.words import Leg, OrderStatus, Side, TradeStatus
from perpmesh.kernel.ids import client_order_id
from perpmesh.kernel.money import ZERO

TRIES = 4
ALREADY_THERE = -4130


class Unprotectable(Exception):
    """No stop can stand under this position now: close it."""


class Protector:
    """Places, moves and clears stops and take-profits."""

    def __init__(self, tools: Tools, sender: Sender) -> None:
        self._venue = tools.venue
        self._ledger = tools.ledger
        self._desk = tools.desk
        self._sender = sender
        self._policies = tools.policies
        self._sleep = tools.sleep
        self._diary = tools.diary
        self._clock = tools.desk.clock

    def stop_order(self, trade: Trade, *, step: int, quantity: Decimal = ZERO) -> Order:
        """Return a stop for a trade, not yet sent: for the whole position, or for a quantity."""
        trigger = self._on_tick(trade)
        return self._conditional(trade, Leg.STOP, "STOP_MARKET", trigger, step=step, quantity=quantity)

    def _on_tick(self, trade: Trade) -> Decimal:
        """Return the wished stop on the tick of now, which may have grown since it was wished: never further away."""
        instrument = self._desk.instruments.get(trade.symbol)
        if instrument is None or trade.stop_wish % instrument.tick == 0:
            return trade.stop_wish
        return instrument.round_stop_tighter(trade.stop_wish, long=trade.side is Side.BUY)

    def _conditional(
        self, trade: Trade, leg: Leg, kind: str, trigger: Decimal, *, step: int, quantity: Decimal = ZERO
    ) -> Order:
        now = self._clock.now_ms()
        return Order(
            client_id=client_order_id(trade.trade_id, leg, step), symbol=trade.symbol, side=trade.side.other, leg=leg,
            type=kind, quantity=quantity, trigger_price=trigger, trade_id=trade.trade_id,
            decision_id=trade.decision_id, request_id=trade.request_id, created_ms=now, updated_ms=now,
            traceparent=trade.traceparent,
        )  # fmt: skip

    async def first_stop(self, trade: Trade, order: Order) -> Order:
        """Send the first stop, whose order is in the log already; return it as it stands.

        Raises:
            Unprotectable: the exchange will not have it, or its answer does not come.
        """
        for step in range(TRIES):
            if step:
                order = self.stop_order(trade, step=step)
                await self._sender.record(order)
            order = await self._sender.send_conditional(order)
            if order.status is OrderStatus.UNKNOWN:
                order = await self._asked(order)
            if order.status is OrderStatus.WORKING:
                return order
            await self._sender.keep(order)
            if order.error_code == ALREADY_THERE:
                return order  # something closes this side already; reconciliation looks at what
            if self._is_hopeless(trade, order):
                break
            await self._sleep(pause_seconds(step + 1))
        raise Unprotectable(order.reason)

    async def _asked(self, order: Order) -> Order:
        try:
            return await self._sender.resolve(order)
        except (VenueSilent, VenueRefused) as error:
            return replace(order, reason=str(error))

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
            Unprotectable: the position cannot be covered.
        """
        stops = stops_of(algos, position)
        trade = await self._with_wish(trade, position, stops)
        if not covers(stops, position):
            self._desk.protected.discard(trade.symbol)
            if is_through(trade.stop_wish, self._desk.mark(trade.symbol), trade.side):
                raise Unprotectable("the price is through the stop already")
        plan = align(stops, trade.stop_wish, position)
        rest = list(plan.cancel_rest)
        if plan.interim:
            rest.append(await self._place_new(trade, quantity=position.size))
        for client_id in plan.cancel_closing:
            await self._cancel(client_id)
        if plan.closing:
            await self._place_new(trade)
        for client_id in rest:
            await self._cancel(client_id)
        if trade.status is TradeStatus.PROTECTED and trade.stop_price == trade.stop_wish:
            self._desk.protected.add(trade.symbol)
            return trade
        trade = self._stands(trade, trade.stop_wish)
        await self._ledger.commit(trades=[trade])
        return self._ledger.trade(trade.symbol) or trade

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
        await self._ledger.commit(trades=[trade])
        return trade

    async def _place_new(self, trade: Trade, *, quantity: Decimal = ZERO) -> str:
        used = [o for o in await self._ledger.log.orders_of(trade.trade_id) if o.leg is Leg.STOP]
        for tries in range(TRIES):
            order = self.stop_order(trade, step=len(used) + tries, quantity=quantity)
            await self._sender.record(order)
            order = await self._sender.send_conditional(order)
            if order.status is OrderStatus.UNKNOWN:
                order = await self._asked(order)
            await self._sender.keep(order)
            if order.status is OrderStatus.WORKING:
                return order.client_id
            if not _passes(order):
                break
            await self._sleep(pause_seconds(tries + 1))
        raise Unprotectable(order.reason or order.status.value)

    async def _cancel(self, client_id: str) -> None:
        try:
            await self._venue.cancel_conditional(client_id)
        except VenueRefused as refused:
            if refused.remedy is not Remedy.GONE:
                raise
        known = await self._ledger.order(client_id)
        if known is not None and not known.status.is_final:
            await self._sender.keep(await self._sender.resolve(known))

    # The take-profit: welcome, not vital.

    async def take_profit(self, trade: Trade, position: PositionFact, algos: Sequence[AlgoReport]) -> Trade:
        """Place the take-profit once; without it the stop still stands."""
        standing = take_profits_of(algos, position)
        if not trade.take_profit_wish or standing:
            price = standing[0].trigger_price if standing else ZERO
            return await self._with_take_profit(trade, price)
        tried = [o for o in await self._ledger.log.orders_of(trade.trade_id) if o.leg is Leg.TAKE_PROFIT]
        if any(o.status in (OrderStatus.REJECTED, OrderStatus.FILLED) for o in tried) or len(tried) >= TRIES:
            return trade
        order = self._conditional(trade, Leg.TAKE_PROFIT, "TAKE_PROFIT_MARKET", trade.take_profit_wish, step=len(tried))
        await self._sender.record(order)
        order = await self._sender.send_conditional(order)
        await self._sender.keep(order)
        return await self._with_take_profit(trade, order.trigger_price if order.status is OrderStatus.WORKING else ZERO)

    async def _with_take_profit(self, trade: Trade, price: Decimal) -> Trade:
        if trade.take_profit_price == price:
            return trade
        await self._ledger.commit(trades=[replace(trade, take_profit_price=price)])
        return self._ledger.trade(trade.symbol) or trade

    async def clear(self, symbol: str, algos: Sequence[AlgoReport]) -> None:
        """The symbol is flat: take away what only served its position, of whomever."""
        for algo in algos:
            if algo.stands and algo.only_reduces:
                await self._cancel(algo.client_id)
        self._desk.protected.discard(symbol)

    async def exposed(self, trade: Trade) -> Trade:
        """Say that the trade has no stop (any more)."""
        self._desk.protected.discard(trade.symbol)
        if trade.status is not TradeStatus.PROTECTED:
            return trade
        await self._ledger.commit(trades=[moved(trade, TradeStatus.OPEN, self._clock.now_ms(), stop_price=ZERO)])
        return self._ledger.trade(trade.symbol) or trade


def _passes(order: Order) -> bool:
    """Whether a stop that does not stand may stand on another try."""
    if order.status is not OrderStatus.REJECTED:
        return True
    return VenueRefused(order.error_code, order.reason).remedy in PASSING
