"""Acts on decisions: each once, in time, and never twice after a restart."""

from decimal import Decimal

from perpmesh.execution.application.attend import Attendant
from perpmesh.execution.application.enter import Enter
from perpmesh.execution.application.exits import Exits
from perpmesh.execution.application.ports import DecisionWork
from perpmesh.execution.application.tools import Tools
from perpmesh.execution.domain.admission import EntryWish
from perpmesh.execution.domain.protection import default_stop
from perpmesh.execution.domain.words import Action, Leg, Side
from perpmesh.kernel.errors import Refused, Unavailable
from perpmesh.kernel.money import ZERO

SIDES = {Action.LONG: Side.BUY, Action.SHORT: Side.SELL}


class Decide:
    """The use case behind ai.decision.made."""

    def __init__(self, tools: Tools, *, enter: Enter, exits: Exits, attendant: Attendant) -> None:
        self._desk = tools.desk
        self._clock = tools.desk.clock
        self._enter = enter
        self._exits = exits
        self._attendant = attendant
        self._policies = tools.policies
        self._diary = tools.diary

    async def act(self, work: DecisionWork) -> None:
        """Do what was decided; what is refused has been said in an event, and is done with.

        Raises:
            Unavailable: the outcome of its order is not known yet; reconciliation finds out.
        """
        if work.action in SIDES:
            await self._enter_on(work)
        elif work.action is Action.CLOSE and self._clock.now_ms() < work.expires_at_ms:
            await self._close_on(work)
        elif work.action is Action.CLOSE:  # what it meant may long be closed, and something else be open
            self._diary.info("decision expired", decision_id=work.decision_id)

    async def _enter_on(self, work: DecisionWork) -> None:
        side = SIDES[work.action]
        wish = EntryWish(
            origin=work.decision_id, symbol=work.symbol, side=side, quantity=work.quantity,
            stop_price=self._stop(work, side), take_profit_price=self._take_profit(work),
            reference_price=work.reference_price, expires_at_ms=work.expires_at_ms, decision_id=work.decision_id,
            strategy=work.strategy, amplification=work.amplification, traceparent=work.traceparent,
        )  # fmt: skip
        try:
            outcome = await self._enter.enter(wish)
        except Refused as refused:
            self._diary.info(
                "decision refused", decision_id=work.decision_id, reasons=refused.metadata, why=str(refused)
            )
        except Unavailable as unknown:
            self._diary.warning("decision's outcome open", decision_id=work.decision_id, why=str(unknown))
        else:
            self._diary.info("decision done", decision_id=work.decision_id, order=outcome.order.status.value)

    def _stop(self, work: DecisionWork, side: Side) -> Decimal:
        """Round the decided stop towards the entry; without one, policy's default distance."""
        instrument, mark = self._desk.instruments.get(work.symbol), self._desk.mark(work.symbol)
        if instrument is None or not (work.stop_price or mark):
            return work.stop_price
        if work.stop_price:
            return instrument.round_stop_tighter(work.stop_price, long=side is Side.BUY)
        return default_stop(instrument, mark, side, self._policies.decimal("execution.default_stop_pct"))

    def _take_profit(self, work: DecisionWork) -> Decimal:
        instrument = self._desk.instruments.get(work.symbol)
        if instrument is None or not work.take_profit_price:
            return ZERO
        return instrument.round_price_nearest(work.take_profit_price)

    async def _close_on(self, work: DecisionWork) -> None:
        async with self._desk.locks[work.symbol]:
            marks = {"decision_id": work.decision_id, "traceparent": work.traceparent, "reason": "decided to close"}
            await self._exits.close(work.symbol, Leg.EXIT, origin=work.decision_id, **marks)
            await self._attendant.attend_locked(work.symbol)
