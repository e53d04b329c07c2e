"""What somebody asks for by hand: an entry through the gate, or an exit past it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from perpmesh.execution.application.attend import Attendant
from perpmesh.execution.application.enter import Enter, Outcome
from perpmesh.execution.application.exits import Exits
from perpmesh.execution.application.tools import Tools
from perpmesh.execution.domain.admission import EntryWish
from perpmesh.execution.domain.order import Order
from perpmesh.execution.domain.protection import default_stop
from perpmesh.execution.domain.words import Leg, Side
from perpmesh.kernel.errors import Invalid, NotFound, Refused, Unavailable
from perpmesh.kernel.ids import client_order_id
from perpmesh.kernel.instrument import Instrument
from perpmesh.kernel.money import ZERO

MANUAL = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request for an order."""

    request_id: str
    symbol: str
    side: Side
    quantity: Decimal
    stop_price: Decimal
    take_profit_price: Decimal
    reason: str
    traceparent: str

    @property
    def origin(self) -> str:
        return f"request/{self.request_id}"


class Submit:
    """The use case behind SubmitOrder."""

    def __init__(self, tools: Tools, *, enter: Enter, exits: Exits, attendant: Attendant) -> None:
        self._ledger = tools.ledger
        self._desk = tools.desk
        self._enter = enter
        self._exits = exits
        self._attendant = attendant
        self._policies = tools.policies
        self._diary = tools.diary

    def instrument(self, symbol: str) -> Instrument:
        """Return what is known of a symbol; raise NotFound when the exchange has none of that name."""
        if not self._desk.instruments:
            raise Unavailable("the exchange's symbols are not known yet")
        if symbol not in self._desk.instruments:
            raise NotFound(f"{symbol} is not traded here", reason="UNKNOWN_SYMBOL", field="symbol")
        return self._desk.instruments[symbol]

    async def entry(self, request: Request) -> Outcome:
        """Enter as asked; without a stop, policy's default distance."""
        instrument = self.instrument(request.symbol)
        _check_steps(instrument, request.quantity)
        stop = request.stop_price or self._default_stop(instrument, request)
        wish = EntryWish(
            origin=request.origin, symbol=request.symbol, side=request.side, quantity=request.quantity,
            stop_price=stop, take_profit_price=request.take_profit_price, request_id=request.request_id,
            strategy=MANUAL, traceparent=request.traceparent,
        )  # fmt: skip
        return await self._enter.enter(wish)

    def _default_stop(self, instrument: Instrument, request: Request) -> Decimal:
        mark = self._desk.mark(request.symbol)
        if not mark:
            return ZERO  # the gate will say that no price is known
        distance = self._policies.decimal("execution.default_stop_pct")
        return default_stop(instrument, mark, request.side, distance)

    async def exit(self, request: Request) -> Outcome:
        """Reduce by as much as asked, at most the position; more than the position closes it.

        Raises:
            Refused: there is no position (NO_POSITION), or this side would add to it (NOT_REDUCING).
        """
        instrument = self._desk.instruments.get(request.symbol)
        async with self._desk.locks[request.symbol]:
            known = await self._known(request)
            if known is not None:
                return known
            position = await self._exits.position(request.symbol)
            if position is None:
                if instrument is None:
                    self.instrument(request.symbol)
                raise Refused(f"there is no position on {request.symbol}", reason="NO_POSITION", field="symbol")
            if request.side is position.side:
                raise Refused(
                    f"a {request.side.value} would add to the position on {request.symbol}",
                    reason="NOT_REDUCING", field="side",
                )  # fmt: skip
            marks = {"request_id": request.request_id, "reason": request.reason, "traceparent": request.traceparent}
            if request.quantity >= position.size:
                sent = await self._exits.close(request.symbol, Leg.EXIT, origin=request.origin, **marks)
                if not sent:
                    raise Refused(f"there is no position on {request.symbol}", reason="NO_POSITION", field="symbol")
                order = _telling(sent)
            else:
                if instrument is not None:
                    _check_steps(instrument, request.quantity)
                order = await self._exits.reduce(position, request.quantity, origin=request.origin, **marks)
            await self._put_right(request.symbol)
            return await self._enter.outcome(await self._ledger.order(order.client_id) or order)

    async def _known(self, request: Request) -> Outcome | None:
        sent: list[Order] = []
        while order := await self._ledger.order(client_order_id(request.origin, Leg.EXIT, len(sent))):
            sent.append(order)
        return await self._enter.outcome(_telling(sent)) if sent else None

    async def _put_right(self, symbol: str) -> None:
        try:
            await self._attendant.attend_locked(symbol)
        except Exception as error:  # noqa: BLE001 - the exit is done; reconciliation does the rest
            self._diary.warning("not put right yet", symbol=symbol, error=repr(error))


def _telling(sent: Sequence[Order]) -> Order:
    """Return the one of several tries that tells what came of them: the first that executed."""
    return next((order for order in sent if order.executed), sent[0])


def _check_steps(instrument: Instrument, quantity: Decimal) -> None:
    """A quantity that can never be right is the request's fault, not the moment's."""
    try:
        instrument.check_quantity(quantity)
    except Refused as refused:
        raise Invalid(str(refused), reason=refused.reason, field="quantity") from None
