"""Sends orders and finds out what became of them. An entry is sent once; what is unknown is asked for, not repeated."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from perpmesh.execution.application.entry_lease import EntryLease
from perpmesh.execution.application.ports import SignedEntry, VenueRefused, VenueSilent
from perpmesh.execution.application.tools import Tools
from perpmesh.execution.domain.facts import AlgoReport, OrderReport
from perpmesh.execution.domain.lease import Lease, entry_window_ms
from perpmesh.execution.domain.order import Order, moved, reported
from perpmesh.execution.domain.remedies import REASONS, Remedy
from perpmesh.execution.domain.trade import Trade
from perpmesh.execution.domain.words import Leg, OrderStatus
from perpmesh.kernel.errors import Refused, Unavailable

CONDITIONAL_LEGS = (Leg.STOP, Leg.TAKE_PROFIT)
LOOK_BACK_ORDERS = 10
ALGO_STATUS = {
    "NEW": OrderStatus.WORKING,
    "TRIGGERING": OrderStatus.WORKING,
    "TRIGGERED": OrderStatus.WORKING,
    "FINISHED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELED,
    "EXPIRED": OrderStatus.EXPIRED,
    "REJECTED": OrderStatus.REJECTED,
}


class Sender:
    """The only one who talks to the exchange's order endpoints."""

    def __init__(self, tools: Tools, lease: EntryLease) -> None:
        self._venue = tools.venue
        self._ledger = tools.ledger
        self._desk = tools.desk
        self._lease = lease
        self._diary = tools.diary
        self._clock = tools.desk.clock

    # Entries: signed first, the lease checked second, sent third.

    async def send_entry(self, order: Order, lease: Lease) -> Order:
        """Send a recorded entry under a lease; return it as answered, rejected or unknown.

        Raises:
            Refused: the lease does not hold any more; nothing was sent, and the log says so.
        """
        boot = self._clock.boot_ms()
        error = self._desk.exchange_clock.error_ms(boot)
        window = entry_window_ms(lease, boot, error)
        if not window:
            await self._stop_short(order, "LEASE_EXPIRED", "the entry lease ends too soon")
        stamp = self._desk.exchange_clock.now_ms(boot)
        signed = self._venue.sign_entry(
            symbol=order.symbol, side=order.side, quantity=order.quantity, client_id=order.client_id,
            timestamp_ms=stamp, window_ms=window,
        )  # fmt: skip
        sent = moved(order, OrderStatus.SENT, self._clock.now_ms(), sent_ms=stamp, window_ms=window)
        await self._ledger.commit(orders=[sent])
        if not self._lease.still_holds(lease):
            await self._stop_short(sent, "LEASE_EXPIRED", "the entry lease ended before the order went out")
        return await self._depart(sent, signed, window + error)

    async def _depart(self, order: Order, signed: SignedEntry, takeable_ms: int) -> Order:
        self._lease.departs(order.client_id, takeable_ms)
        try:
            report = await self._venue.send_entry(signed)
        except VenueSilent as silent:
            return self._unknown(order, str(silent))  # not landed: its window has to pass
        except VenueRefused as refused:
            if refused.remedy is not Remedy.QUERY:  # else the engine may have it, and do it yet
                self._lease.answered(order.client_id)
            return self._refused(order, refused)
        self._lease.answered(order.client_id)
        return reported(order, report, self._clock.now_ms())

    async def _stop_short(self, order: Order, word: str, sentence: str) -> None:
        dead = moved(order, OrderStatus.REFUSED, self._clock.now_ms(), reason=sentence, reasons=word)
        await self._ledger.keep(orders=[dead])
        raise Refused(sentence, reason=word)

    # Exits and protection: nothing of ours stands in their way.

    async def send_reduce(self, order: Order, position_side: str) -> Order:
        """Send a market order that only reduces; return it as answered, rejected or unknown."""
        order = moved(
            order, OrderStatus.SENT, self._clock.now_ms(), sent_ms=self._desk.exchange_now_ms(), window_ms=5_000
        )
        try:
            report = await self._venue.reduce(
                symbol=order.symbol, side=order.side, quantity=order.quantity, client_id=order.client_id,
                position_side=position_side,
            )  # fmt: skip
        except VenueSilent as silent:
            return self._unknown(order, str(silent))
        except VenueRefused as refused:
            return await self._refused_and_cured(order, refused)
        return reported(order, report, self._clock.now_ms())

    async def send_conditional(self, order: Order) -> Order:
        """Send a stop or take-profit; return it as working, rejected or unknown."""
        order = moved(
            order, OrderStatus.SENT, self._clock.now_ms(), sent_ms=self._desk.exchange_now_ms(), window_ms=5_000
        )
        try:
            report = await self._venue.place_conditional(
                symbol=order.symbol, side=order.side, kind=order.type, trigger=order.trigger_price,
                client_id=order.client_id, quantity=order.quantity or None,
            )  # fmt: skip
        except VenueSilent as silent:
            return self._unknown(order, str(silent))
        except VenueRefused as refused:
            return await self._refused_and_cured(order, refused)
        return self._as_conditional(order, report, None)

    async def record(self, order: Order) -> None:
        """Write a risk-reducing order before it goes out, if the store lets us: it goes out anyway."""
        await self.keep(order)

    async def keep(self, *orders: Order) -> None:
        """Write states that the exchange has made true."""
        await self.keep_all(orders, [])

    async def keep_all(self, orders: Sequence[Order], trades: Sequence[Trade]) -> None:
        """Write what is true already. A store that fails must not keep an exit or a stop from going out."""
        error = await self._ledger.keep(orders=orders, trades=trades)
        if error is not None:
            self._diary.error("order not recorded", orders=[one.client_id for one in orders], error=repr(error))
            self._desk.store_failed = True

    # Finding out.

    async def resolve(self, order: Order) -> Order:
        """Ask what became of an order whose end is not known. It may stay unknown: ask again later."""
        if order.status is OrderStatus.RECORDED:
            return moved(
                order,
                OrderStatus.REFUSED,
                self._clock.now_ms(),
                reason="stopped before it was sent",
                reasons="RESTARTED",
            )
        if order.leg in CONDITIONAL_LEGS:
            return await self._resolve_conditional(order)
        report = await self._venue.order(order.symbol, client_id=order.client_id)
        if report is None and self._desk.exchange_now_ms() > order.remaining_unknown_until_ms:
            report = await self._search(order)
            if report is None:
                self._diary.warning("order lost", client_id=order.client_id, symbol=order.symbol)
                return moved(order, OrderStatus.LOST, self._clock.now_ms(), reason="the exchange never had it")
        return await self._priced(self._answer(order, report))

    async def priced(self, order: Order) -> Order:
        """Return an executed order with its price, when the exchange tells it now."""
        return await self._priced(order)

    def _answer(self, order: Order, report: OrderReport | None) -> Order:
        if report is None:
            return self._unknown(order, order.reason or "not found yet")
        return reported(order, report, self._clock.now_ms())

    async def _search(self, order: Order) -> OrderReport | None:
        """Look where a lost order would have to show: among open orders, and behind the newest fills."""
        for resting in await self._venue.open_orders(order.symbol):
            if resting.client_id == order.client_id:
                return resting
        fills = await self._venue.fills(order.symbol)
        newest = list(dict.fromkeys(fill.order_id for fill in reversed(fills)))
        for exchange_id in newest[:LOOK_BACK_ORDERS]:
            found = await self._venue.order(order.symbol, exchange_id=exchange_id)
            if found is not None and found.client_id == order.client_id:
                return found
        return None

    async def _resolve_conditional(self, order: Order) -> Order:
        report = await self._venue.conditional(order.client_id)
        if report is None:
            if order.status in (OrderStatus.WORKING, OrderStatus.PARTIALLY_FILLED):
                return moved(order, OrderStatus.CANCELED, self._clock.now_ms(), reason="gone from the exchange")
            return moved(order, OrderStatus.LOST, self._clock.now_ms(), reason="the exchange does not have it")
        actual = None
        if report.actual_order_id:
            actual = await self._venue.order(order.symbol, exchange_id=report.actual_order_id)
        return await self._priced(self._as_conditional(order, report, actual))

    def _as_conditional(self, order: Order, report: AlgoReport, actual: OrderReport | None) -> Order:
        now = self._clock.now_ms()
        if actual is not None:
            return reported(order, replace(actual, exchange_id=order.exchange_id or report.exchange_id), now)
        status = ALGO_STATUS.get(report.status, OrderStatus.WORKING)
        return moved(
            order, status, now, exchange_id=report.exchange_id, reason=report.reject_reason or order.reason,
            executed=report.actual_quantity, average=report.actual_price if report.actual_quantity else Decimal(0),
        )  # fmt: skip

    async def _priced(self, order: Order) -> Order:
        if not order.executed or order.average or order.leg in CONDITIONAL_LEGS:
            return order
        report = await self._venue.order(order.symbol, client_id=order.client_id)
        return replace(order, average=report.average) if report is not None else order

    # What an answer means.

    def _unknown(self, order: Order, why: str) -> Order:
        if order.status is not OrderStatus.UNKNOWN:
            self._desk.count_error()
            self._diary.warning("order outcome unknown", client_id=order.client_id, symbol=order.symbol, why=why)
        return moved(order, OrderStatus.UNKNOWN, self._clock.now_ms(), reason=why)

    def _refused(self, order: Order, refused: VenueRefused) -> Order:
        self._diary.warning("order refused by the exchange", client_id=order.client_id, code=refused.code,
                            says=refused.message, remedy=refused.remedy.value,
                            why=REASONS.get(refused.code, "no row of ours"))  # fmt: skip
        if refused.remedy is Remedy.QUERY:
            return self._unknown(order, refused.message)
        self._desk.failed(refused, order.symbol)
        return moved(order, OrderStatus.REJECTED, self._clock.now_ms(), reason=refused.message, error_code=refused.code)

    async def _refused_and_cured(self, order: Order, refused: VenueRefused) -> Order:
        """Mend at once what stood in the way of an exit or a stop: its next try cannot wait for upkeep."""
        order = self._refused(order, refused)
        try:
            if refused.remedy is Remedy.RESYNC_CLOCK:
                self._desk.exchange_clock.add(await self._venue.clock_sample())
            elif refused.remedy is Remedy.REFRESH_FILTERS:
                self._desk.instruments = await self._venue.instruments()
        except (VenueSilent, VenueRefused) as error:
            self._diary.warning("not mended yet", remedy=refused.remedy.value, error=repr(error))
        return order


def unknown_message(order: Order) -> Unavailable:
    """Return what a caller hears while the outcome of their order is not known."""
    return Unavailable(
        f"the outcome of {order.client_id} is not known yet: {order.reason}; ask again with the same request_id"
    )
