"""Lift a trip, or change the stage: two different people must sign, and the cause must be gone."""

from dataclasses import dataclass

from perpmesh.kernel.errors import Forbidden, Refused
from perpmesh.kernel.time import Clock
from perpmesh.risk_safety.application.ess import Ess
from perpmesh.risk_safety.application.losses import LossWatch
from perpmesh.risk_safety.application.ports import EssStore, ResetRecord, Signatory, Signatures
from perpmesh.risk_safety.application.stages import Stages
from perpmesh.risk_safety.application.watch import Watch
from perpmesh.risk_safety.domain.ess import Latch, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetOrder:
    """What is asked for, with both tokens."""

    reason: str
    stage: Stage | None  # None: the lowest that the way up begins with
    operator_token: str
    approver_token: str


class Reset:
    """The only way out of a trip."""

    def __init__(
        self,
        *,
        ess: Ess,
        store: EssStore,
        losses: LossWatch,
        watch: Watch,
        stages: Stages,
        signatures: Signatures,
        clock: Clock,
    ) -> None:
        self._ess = ess
        self._store = store
        self._losses = losses
        self._watch = watch
        self._stages = stages
        self._signatures = signatures
        self._clock = clock

    async def __call__(self, order: ResetOrder) -> ResetRecord:
        """Arm the latch in `order.stage`. What tripped on a loss limit is measured from here on.

        Raises:
            Unauthenticated: a token does not hold.
            Forbidden: a token is of the wrong role, or both are of one identity.
            Refused: the trip is still being made (ESS_TRIPPING), its cause persists (CAUSE_PERSISTS), or the stage is
                not earned (STAGE_GATE). Its metadata name who signed.
        """
        operator, approver = self._signed(order)
        try:
            return await self._arm(order, operator.subject, approver.subject)
        except Refused as refused:
            refused.metadata.update(operator=operator.subject, approver=approver.subject)
            raise

    async def _arm(self, order: ResetOrder, operator: str, approver: str) -> ResetRecord:
        if cause := self._watch.persisting(self._ess.latch.trip):
            raise Refused(f"the cause persists: {cause}", reason="CAUSE_PERSISTS")
        stage = self._stages.chosen(order.stage)
        written: list[ResetRecord] = []

        def make(latch: Latch) -> Latch:
            self._stages.must_allow(stage)
            return latch.reset(stage)

        async def write(latch: Latch) -> None:
            record = ResetRecord(
                epoch=latch.epoch, stage=latch.stage, operator=operator, approver=approver, reason=order.reason,
                at_ms=self._clock.now_ms(),
            )  # fmt: skip
            await self._store.reset(latch, record, self._losses.forgiven)
            self._losses.forgive()
            written.append(record)

        await self._ess.change(make, write)
        return written[0]

    def _signed(self, order: ResetOrder) -> tuple[Signatory, Signatory]:
        operator = self._of_role(order.operator_token, "operator")
        approver = self._of_role(order.approver_token, "approver")
        if operator.subject == approver.subject:
            raise Forbidden(
                "operator and approver must be two different identities", reason="SAME_IDENTITY", field="approver_token"
            )
        return operator, approver

    def _of_role(self, token: str, role: str) -> Signatory:
        field = f"{role}_token"
        who = self._signatures.verify(token, field=field)
        if who.role != role:
            raise Forbidden(f"{field} is of role {who.role}, not {role}", reason="ROLE", field=field)
        return who
