"""The use cases of the safety core, put together once: the process and the tests run the same."""

from perpmesh.kernel.time import Clock
from perpmesh.risk_safety.application.ess import Ess
from perpmesh.risk_safety.application.lease_desk import LeaseDesk
from perpmesh.risk_safety.application.losses import LossWatch
from perpmesh.risk_safety.application.operators import Operators
from perpmesh.risk_safety.application.policies import PolicyBook
from perpmesh.risk_safety.application.ports import Alarm, EssStore, LossStore, PolicyStore, Signatures
from perpmesh.risk_safety.application.reset import Reset
from perpmesh.risk_safety.application.stages import Stages
from perpmesh.risk_safety.application.watch import Watch
from perpmesh.risk_safety.domain.ess import Latch


class SafetyCore:
    """One life of the safety core over its stores. Call `open` first; keep `watch.keep` and `stages.keep` running.

    `gated` and `live` say how the way up through the stages is bound: see `Stages`.
    """

    def __init__(
        self,
        *,
        policy_store: PolicyStore,
        ess_store: EssStore,
        loss_store: LossStore,
        signatures: Signatures,
        clock: Clock,
        alarm: Alarm,
        gated: bool = False,
        live: bool = False,
    ) -> None:
        self.policies = PolicyBook(policy_store, clock)
        self.losses = LossWatch(loss_store, self.policies)
        self.ess = Ess(ess_store, clock, alarm)
        self.operators = Operators(ess_store, self.policies, clock)
        self.watch = Watch(
            ess=self.ess, losses=self.losses, policies=self.policies, operators=self.operators, clock=clock, alarm=alarm
        )
        self.desk = LeaseDesk(
            ess=self.ess, losses=self.losses, watch=self.watch, policies=self.policies, operators=self.operators,
            clock=clock,
        )  # fmt: skip
        self.stages = Stages(
            ess=self.ess, watch=self.watch, policies=self.policies, store=ess_store, clock=clock, alarm=alarm,
            gated=gated, live=live,
        )  # fmt: skip
        self.reset = Reset(
            ess=self.ess, store=ess_store, losses=self.losses, watch=self.watch, stages=self.stages,
            signatures=signatures, clock=clock,
        )  # fmt: skip

    async def open(self, fresh: Latch) -> None:
        """Recall everything; `fresh` is the latch of an empty state folder."""
        await self.policies.open()
        await self.losses.open()
        await self.ess.open(fresh)
        await self.stages.open()
        await self.operators.open()
