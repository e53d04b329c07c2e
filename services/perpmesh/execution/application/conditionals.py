"""Conditional orders, one at a time: made, recorded, sent, and taken away again."""

from dataclasses import replace
from decimal import Decimal

from perpmesh.execution.application.ports import VenueRefused, VenueSilent
from perpmesh.execution.application.sender import Sender
from perpmesh.execution.application.tools import Tools
from perpmesh.execution.domain.order import Order
from perpmesh.execution.domain.remedies import Remedy
from perpmesh.execution.domain.trade import Trade
from perpmesh.execution.domain.words import Leg, OrderStatus
from perpmesh.kernel.ids import client_order_id
from perpmesh.kernel.money import ZERO

KINDS = {Leg.STOP: "STOP_MARKET", Leg.TAKE_PROFIT: "TAKE_PROFIT_MARKET"}  # never a limit: triggered means filled


class Conditionals:
    """Stops and take-profits of trades. All of them only reduce, and watch the mark price."""

    def __init__(self, tools: Tools, sender: Sender) -> None:
        self._venue = tools.venue
        self._ledger = tools.ledger
        self._sender = sender
        self._clock = tools.desk.clock

    def order(
        self, trade: Trade, leg: Leg, trigger: Decimal, *, step: int, quantity: Decimal = ZERO, origin: str = ""
    ) -> Order:
        """Return an order not yet sent: for the whole position, or for a quantity. Its id derives from `origin`."""
        now = self._clock.now_ms()
        return Order(
            client_id=client_order_id(origin or trade.trade_id, leg, step), symbol=trade.symbol,
            side=trade.side.other, leg=leg, type=KINDS[leg], quantity=quantity, trigger_price=trigger,
            trade_id=trade.trade_id, decision_id=trade.decision_id, request_id=trade.request_id, created_ms=now,
            updated_ms=now, traceparent=trade.traceparent,
        )  # fmt: skip

    async def place(self, order: Order) -> Order:
        """Record an order, send it and write what became of it; what is not answered is asked for once."""
        await self._sender.record(order)
        order = await self.send(order)
        await self._sender.keep(order)
        return order

    async def send(self, order: Order) -> Order:
        """Send a recorded order; return it as it stands, or unknown."""
        order = await self._sender.send_conditional(order)
        if order.status is not OrderStatus.UNKNOWN:
            return order
        try:
            return await self._sender.resolve(order)
        except (VenueSilent, VenueRefused) as error:
            return replace(order, reason=str(error))

    async def cancel(self, client_id: str) -> bool:
        """Take an order away; False when it was gone already: triggered, perhaps."""
        gone = False
        try:
            await self._venue.cancel_conditional(client_id)
        except VenueRefused as refused:
            if refused.remedy is not Remedy.GONE:
                raise
            gone = True
        known = await self._ledger.order(client_id)
        if known is not None and not known.status.is_final:
            await self._sender.keep(await self._sender.resolve(known))
        return not gone
