"""Keep what each stage has earned, and open the gates between the stages by it."""

import asyncio
from dataclasses import replace

from perpmesh.kernel.time import MS_PER_MINUTE, Clock
from perpmesh.risk_safety.application.ess import Ess
from perpmesh.risk_safety.application.policies import PolicyBook
from perpmesh.risk_safety.application.ports import Alarm, StageStore
from perpmesh.risk_safety.application.watch import Watch
from perpmesh.risk_safety.domain import policy_catalogue as keys
from perpmesh.risk_safety.domain.ess import EssState, Stage
from perpmesh.risk_safety.domain.staging import Gate, GateState, Standing, gate_state, must_allow

TICK_MS = 1_000
TICK_MAX_MS = 2_000  # a longer pause was no time in which anybody looked
SAVE_EVERY_MS = 10_000  # what a crash may take from a stage's time
ON, OFF = "on", "off"


class Stages:
    """Counts healthy time and clean trades in the stage that holds. Call `open` first, and keep `keep` running.

    `gated` says whether the gates bind when policy leaves it open ("auto"); `live` that they always do.
    """

    def __init__(
        self,
        *,
        ess: Ess,
        watch: Watch,
        policies: PolicyBook,
        store: StageStore,
        clock: Clock,
        alarm: Alarm,
        gated: bool,
        live: bool,
    ) -> None:
        self._ess, self._watch, self._policies = ess, watch, policies
        self._store, self._clock, self._alarm = store, clock, alarm
        self._gated, self._live = gated, live
        self._standing = Standing(epoch=0)
        self._saved_ms = 0
        self._looked_at = clock.boot_ms()
        self.alerts: dict[str, str] = {}  # the critical alerts that are open, by id, in words

    async def open(self) -> None:
        """Recall what was earned, and which alerts were open."""
        self._standing, alerts = await self._store.load_standing()
        self._saved_ms = self._standing.healthy_ms
        self.alerts = dict(alerts)

    @property
    def standing(self) -> Standing:
        """What the stage that holds has earned: nothing yet, when it has just begun."""
        epoch = self._ess.latch.epoch
        return self._standing if self._standing.epoch == epoch else Standing(epoch=epoch)

    def gate(self) -> Gate:
        return Gate(
            binding=self._binding(),
            healthy_ms=self._policies.integer(keys.MIN_STAGE_MINUTES) * MS_PER_MINUTE,
            clean_trades=self._policies.integer(keys.MIN_STAGE_TRADES),
        )

    def _binding(self) -> bool:
        wish = self._policies.text(keys.STAGED_RESET)
        return self._live or wish == ON or (wish != OFF and self._gated)

    def state(self) -> GateState:
        """Return the gate above the stage that holds; after a trip, what stands between us and the way up."""
        latch, gate = self._ess.latch, self.gate()
        if latch.state is EssState.ARMED:
            return gate_state(latch.stage, self.standing, gate, self._troubles())
        cause = self._watch.persisting(latch.trip)
        unmet = (f"the cause persists: {cause}",) if cause else ()
        return GateState(gate=gate, standing=self.standing, next=self.chosen(None), unmet=unmet)

    def _troubles(self) -> list[str]:
        alerts = [f"open alert {alert}: {words}" for alert, words in sorted(self.alerts.items())]
        return [*self._watch.troubles(), *alerts]

    def chosen(self, wanted: Stage | None) -> Stage:
        """Return the stage that a reset means when it names none."""
        return wanted or (Stage.SHADOW if self._binding() else Stage.PAPER)

    def must_allow(self, wanted: Stage) -> None:
        """Raise Refused (STAGE_GATE) unless the gates let us go to `wanted` now."""
        must_allow(self._ess.latch, wanted, self.state())

    def adopt(self, standing: Standing) -> None:
        """Adopt the clean trades that have just been made durable; time has gone on meanwhile."""
        if standing.epoch == self._ess.latch.epoch:
            self._standing = replace(self.standing, clean_trades=standing.clean_trades)

    async def keep(self) -> None:
        """Count the time, for ever."""
        never = asyncio.Event()
        while True:
            await self._alarm.wait(never, TICK_MS)
            await self.tick()

    async def tick(self) -> None:
        """Count the time since the last look, if nothing was wrong in it."""
        now = self._clock.boot_ms()
        lived, self._looked_at = min(now - self._looked_at, TICK_MAX_MS), now
        if self._ess.latch.state is not EssState.ARMED or self._troubles():
            return
        before, self._standing = self._standing, self.standing.lived(lived)
        if before.epoch != self._standing.epoch:
            self._saved_ms = 0
        if self._standing.healthy_ms - self._saved_ms >= SAVE_EVERY_MS:
            self._saved_ms = self._standing.healthy_ms
            await self._store.save_healthy_ms(self._standing.epoch, self._saved_ms)
