"""The way back after a stop: a stage at a time, each gate met by time, by clean trades, and by nothing being wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from perpmesh.kernel.errors import Refused
from perpmesh.kernel.time import MS_PER_MINUTE
from perpmesh.risk_safety.domain.ess import EssState, Latch, Stage
from perpmesh.risk_safety.domain.report import Report
from perpmesh.risk_safety.domain.vigil import Patience, seen_wrong

LADDER = tuple(Stage)  # from no risk to all of it
# A trade that was closed by its own plan. These were not: by hand, by the exchange, or by somebody else.
UNPLANNED = frozenset({"FLATTEN", "LIQUIDATION", "EXTERNAL"})
NAKED_MS = 2_000  # how soon after its first fill a position must be covered


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What has been earned in the stage that began with `epoch`."""

    epoch: int
    healthy_ms: int = 0
    clean_trades: int = 0

    def closed(self, *, clean: bool) -> "Standing":
        """Take in a closed trade. One that is not clean begins the run anew."""
        return replace(self, clean_trades=self.clean_trades + 1 if clean else 0)

    def lived(self, ms: int) -> "Standing":
        """Take in time in which nothing was wrong."""
        return replace(self, healthy_ms=self.healthy_ms + ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What a stage asks for before the next one up."""

    binding: bool
    healthy_ms: int
    clean_trades: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GateState:
    """The gate above a stage, as it is now."""

    gate: Gate
    standing: Standing
    next: Stage | None
    unmet: tuple[str, ...]


def is_clean(*, close_reason: str, unprotected_ms: int, result_known: bool) -> bool:
    """Whether a closed trade speaks for the mesh: by its own plan, covered in time. A loss may be clean."""
    return result_known and close_reason not in UNPLANNED and unprotected_ms <= NAKED_MS


def above(stage: Stage) -> Stage | None:
    """Return the next stage up; None above FULL."""
    rung = LADDER.index(stage) + 1
    return LADDER[rung] if rung < len(LADDER) else None


def trades_needed(stage: Stage, gate: Gate) -> int:
    """Return how many clean trades a stage asks for: none where nothing is traded."""
    return 0 if stage is Stage.SHADOW else gate.clean_trades


def gate_state(stage: Stage, standing: Standing, gate: Gate, troubles: Sequence[str]) -> GateState:
    """Say what is still missing for the next stage up."""
    needed, trades = trades_needed(stage, gate), standing.clean_trades
    served, wanted = standing.healthy_ms // MS_PER_MINUTE, gate.healthy_ms // MS_PER_MINUTE
    checks = (
        (standing.healthy_ms < gate.healthy_ms, f"{served} of {wanted} healthy minutes in {stage.name}"),
        (trades < needed, f"{trades} of {needed} clean trades in a row in {stage.name}"),
    )
    unmet = tuple(words for missing, words in checks if missing) + tuple(troubles)
    return GateState(gate=gate, standing=standing, next=above(stage), unmet=unmet)


def must_allow(latch: Latch, wanted: Stage, state: GateState) -> None:
    """Raise Refused (STAGE_GATE) unless the gates let the latch go to `wanted`."""
    if not state.gate.binding:
        return
    if latch.state is not EssState.ARMED:
        if wanted is not Stage.SHADOW:
            raise _shut(f"after a trip the way up begins in SHADOW, not {wanted.name}", Stage.SHADOW)
        return
    if LADDER.index(wanted) <= LADDER.index(latch.stage):
        return
    if wanted is not state.next:
        raise _shut(f"from {latch.stage.name} there is no way to {wanted.name} but by the stages between", state.next)
    if state.unmet:
        raise _shut(f"{wanted.name} is not earned yet: {'; '.join(state.unmet)}", latch.stage)


def _shut(sentence: str, allowed: Stage | None) -> Refused:
    return Refused(
        sentence, reason="STAGE_GATE", field="stage", metadata={"allowed": allowed.name if allowed else "NONE"}
    )


def troubles_of(report: Report | None, patience: Patience) -> list[str]:
    """Return what is wrong in the newest report; None: execution reports nothing."""
    if report is None:
        return ["execution reports nothing"]
    wrong = [trigger.value for trigger, is_wrong in seen_wrong(report, patience).items() if is_wrong]
    return wrong if report.reconciled else [*wrong, "the books are not reconciled"]
