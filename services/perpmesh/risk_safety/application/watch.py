"""Pull the stop without being asked: when a loss limit is reached, or something has lasted too long."""

from perpmesh.kernel.time import Clock
from perpmesh.risk_safety.application.ess import Ess
from perpmesh.risk_safety.application.losses import LossWatch
from perpmesh.risk_safety.application.operators import SERVICE, Operators
from perpmesh.risk_safety.application.policies import PolicyBook
from perpmesh.risk_safety.application.ports import Alarm
from perpmesh.risk_safety.domain import policy_catalogue as keys
from perpmesh.risk_safety.domain.attempts import Attempt
from perpmesh.risk_safety.domain.breach import Breach
from perpmesh.risk_safety.domain.ess import EssState, Trip, TripOrder
from perpmesh.risk_safety.domain.report import Report
from perpmesh.risk_safety.domain.staging import troubles_of
from perpmesh.risk_safety.domain.vigil import Patience, Vigil

TICK_MS = 250
MISMATCH_ROUNDS = 3  # reconciliations a ledger mismatch may outlive: fills in flight look like one
ACTOR = "risk_safety"


class Watch:
    """Looks at every report, every closed trade, and at the clock."""

    def __init__(
        self, *, ess: Ess, losses: LossWatch, policies: PolicyBook, operators: Operators, clock: Clock, alarm: Alarm
    ) -> None:
        self._ess = ess
        self._losses = losses
        self._policies = policies
        self._operators = operators
        self._clock = clock
        self._alarm = alarm
        self._vigil = Vigil()

    @property
    def patience(self) -> Patience:
        policy = self._policies.integer
        return Patience(
            unprotected_ms=policy(keys.MAX_UNPROTECTED_MS),
            mismatch_ms=MISMATCH_ROUNDS * policy(keys.RECONCILE_INTERVAL_MS),
            stale_price_ms=policy(keys.PRICE_STALE_MS),
            stale_data_ms=policy(keys.STALE_DATA_MS),
            execution_errors=policy(keys.MAX_EXECUTION_ERRORS),
        )

    def hear(self, report: Report) -> None:
        self._vigil.hear(report, self._clock.boot_ms(), self.patience)

    def lasting(self) -> Breach | None:
        """Return what has lasted too long and lasts still."""
        return self._vigil.breach(self._clock.boot_ms(), self.patience)

    def persisting(self, trip: Trip | None) -> str:
        """Return why what tripped, or would trip now, is not known to be over; "" when a reset may be."""
        if breach := self.lasting():
            return breach.reason
        return self._vigil.unhealed(trip.order.trigger, self._clock.boot_ms(), self.patience) if trip else ""

    def troubles(self) -> list[str]:
        """Return what is wrong now, in words, however briefly; silence is."""
        fresh = self._vigil.fresh(self._clock.boot_ms())
        return troubles_of(self._vigil.newest if fresh else None, self.patience)

    def look(self) -> bool:
        """Demand a trip when a limit is reached; return whether one is."""
        breach = self._losses.breach() or self.lasting()
        if breach is not None:
            self._ess.demand(
                TripOrder(
                    trigger=breach.trigger, reason=breach.reason, actor=ACTOR, evidence=breach.evidence,
                    market_time_ms=self._losses.equity.market_time_ms,
                )
            )  # fmt: skip
        return breach is not None

    async def keep(self) -> None:
        """Make demanded trips durable, finish those whose holders ran out, and look again at every tick; for ever."""
        while True:
            if self._ess.demanded is None:
                self._ess.wake.clear()
                await self._alarm.wait(self._ess.wake, TICK_MS)
            await self.tick()

    async def tick(self) -> None:
        """Do what is due now."""
        if self._ess.latch.state is EssState.ARMED:
            self.look()
        pulled = self._ess.demanded
        if pulled is not None:
            await self._ess.pull(pulled)  # when that fails nothing is granted, and we are run again
        await self._ess.settle()
        if pulled is not None and pulled.actor == ACTOR:
            await self._operators.attempted(_attempt(pulled))


def _attempt(order: TripOrder) -> Attempt:
    asked = {"reason": order.reason, "trigger": order.trigger.value}
    return Attempt(at_ms=0, action="Trip", actor=ACTOR, role=SERVICE, asked=asked)
