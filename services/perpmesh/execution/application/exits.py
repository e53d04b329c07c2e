"""Takes risk off: reduce-only, at most the position, past every gate, and again until it is done."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from decimal import Decimal
from itertools import count

from perpmesh.execution.application.ports import VenueRefused, VenueSilent
from perpmesh.execution.application.sender import Sender
from perpmesh.execution.application.tools import Tools
from perpmesh.execution.domain.facts import PositionFact
from perpmesh.execution.domain.order import Order
from perpmesh.execution.domain.remedies import Remedy, pause_seconds
from perpmesh.execution.domain.trade import moved
from perpmesh.execution.domain.words import Leg, OrderStatus, TradeStatus
from perpmesh.kernel.ids import client_order_id, derived_id


class Exits:
    """Closes positions. The caller holds the symbol's lock."""

    def __init__(self, tools: Tools, sender: Sender) -> None:
        self._venue = tools.venue
        self._ledger = tools.ledger
        self._desk = tools.desk
        self._sender = sender
        self._policies = tools.policies
        self._sleep = tools.sleep
        self._diary = tools.diary
        self._clock = tools.desk.clock

    async def position(self, symbol: str) -> PositionFact | None:
        """Return what the exchange says is open; when it does not answer, what it said last."""
        try:
            found = {position.symbol: position for position in await self._venue.positions(symbol)}
        except (VenueSilent, VenueRefused):
            return self._desk.positions.get(symbol)
        self._desk.note_position(symbol, found.get(symbol))
        return self._desk.positions.get(symbol)

    async def close(self, symbol: str, leg: Leg, *, origin: str = "", **marks: str) -> list[Order]:
        """Close the whole position; a full close may be repeated. Return the orders sent; none when it is flat.

        The client ids derive from `origin`, or from the moment when it is left out; `marks` are the orders'
        decision_id, request_id, reason and traceparent.
        """
        origin = origin or derived_id(leg.value, symbol, self._clock.boot_ms(), self._clock.now_ms())
        ends = self._clock.boot_ms() + self._policies.integer("execution.protection_deadline_ms")
        sent: list[Order] = []
        for step in count(await self._free_step(origin, leg)):
            position = await self.position(symbol)
            if position is None:
                break
            order = self._order(position, leg, origin, step, self._chunk(position), **marks)
            sent.append(await self._send(order, position.position_side))
            if not order.trade_id and sent[-1].executed:
                self._desk.closed_strangers[symbol] = sent[-1].exchange_id
            if self._clock.boot_ms() >= ends:
                self._diary.error("position still open", symbol=symbol, size=str(position.size))
                break
            if sent[-1].executed >= position.size and not position.is_hedge_leg:  # else the other leg is next
                self._desk.note_position(symbol, None)  # the exchange's list of positions may lag behind
                break
            if sent[-1].status is not OrderStatus.FILLED:
                await self._sleep(pause_seconds(len(sent)))
        return sent

    async def _free_step(self, origin: str, leg: Leg) -> int:
        """Return the first step of this origin that the log does not know: a repeat is a new order."""
        for step in count():
            try:
                if await self._ledger.order(client_order_id(origin, leg, step)) is None:
                    return step
            except Exception as error:  # noqa: BLE001 - exits never fail: a client id used twice is no harm
                self._diary.error("log not read", error=repr(error))
                return step
        return 0

    async def reduce(self, position: PositionFact, quantity: Decimal, *, origin: str, **marks: str) -> Order:
        """Take a part off. Its rule is that of an entry: sent once, and asked for when its outcome is unknown."""
        return await self._send(self._order(position, Leg.EXIT, origin, 0, quantity, **marks), position.position_side)

    def _chunk(self, position: PositionFact) -> Decimal:
        instrument = self._desk.instruments.get(position.symbol)
        if instrument is None:
            return position.size
        most = min(position.size, instrument.market_max_quantity)
        return instrument.round_quantity_down(most) or most  # a step may have grown under a position

    def _order(
        self, position: PositionFact, leg: Leg, origin: str, step: int, quantity: Decimal, **marks: str
    ) -> Order:
        trade = self._ledger.trade(position.symbol)
        now = self._clock.now_ms()
        return Order(
            client_id=client_order_id(origin, leg, step), symbol=position.symbol, side=position.side.other, leg=leg,
            type="MARKET", quantity=quantity, trade_id=trade.trade_id if trade else "", created_ms=now, updated_ms=now,
            **marks,  # type: ignore[arg-type]
        )  # fmt: skip

    async def _send(self, order: Order, position_side: str) -> Order:
        await self._sender.record(order)
        await self._mark_closing(order.symbol)
        order = await self._sender.send_reduce(order, position_side)
        try:
            if order.status is OrderStatus.UNKNOWN:
                order = await self._sender.resolve(order)
            order = await self._sender.priced(order)
        except (VenueSilent, VenueRefused) as error:
            order = replace(order, reason=str(error))
        await self._sender.keep(order)
        return order

    async def _mark_closing(self, symbol: str) -> None:
        trade = self._ledger.trade(symbol)
        if trade is None or trade.status not in (TradeStatus.OPEN, TradeStatus.PROTECTED):
            return
        await self._ledger.keep(trades=[moved(trade, TradeStatus.CLOSING, self._clock.now_ms())])

    async def cancel_entries(self, symbol: str) -> list[str]:
        """Cancel everything on a symbol that could add risk; protection stays. Return the client ids."""
        resting, waiting = await asyncio.gather(self._venue.open_orders(symbol), self._venue.open_conditionals(symbol))
        orders = [o.client_id for o in resting if not o.reduce_only]
        conditionals = [o.client_id for o in waiting if not o.only_reduces]
        went = [await self._went(self._venue.cancel_order(symbol, client_id)) for client_id in orders]
        went += [await self._went(self._venue.cancel_conditional(client_id)) for client_id in conditionals]
        return [client_id for client_id, gone in zip(orders + conditionals, went, strict=True) if gone]

    async def _went(self, cancel: Awaitable[None]) -> bool:
        """Wait for a cancellation; False when the order was gone already."""
        try:
            await cancel
        except VenueRefused as refused:
            if refused.remedy is not Remedy.GONE:
                raise
            return False
        return True
