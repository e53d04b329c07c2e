"""The latch of the emergency stop: three states, one table of what may follow what, and the evidence of a trip."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from perpmesh.kernel.errors import Refused


class EssState(Enum):
    """Where the latch is."""

    ARMED = "armed"  # entries are allowed, as far as the stop is concerned
    TRIPPING = "tripping"  # durable; holders of the entry lease have still to let go
    TRIPPED = "tripped"  # no entry can reach the exchange


class Step(Enum):
    """What can happen to the latch."""

    TRIP = "trip"
    RELEASE = "release"  # the last holder let go
    RESET = "reset"


class Stage(Enum):
    """How much risk is allowed, from nothing to the policy's size."""

    SHADOW = "shadow"
    PAPER = "paper"
    QUARTER = "quarter"
    HALF = "half"
    FULL = "full"


class TripMode(Enum):
    """What a trip does beyond stopping entries."""

    BLOCK = "block"
    FLATTEN = "flatten"


class Trigger(Enum):
    """What pulled the stop."""

    MANUAL = "manual"
    DAILY_LOSS = "daily loss"
    WEEKLY_LOSS = "weekly loss"
    DRAWDOWN = "drawdown"
    CONSECUTIVE_LOSSES = "consecutive losses"
    EXECUTION_ERRORS = "execution errors"
    UNPROTECTED_POSITION = "unprotected position"
    LEDGER_MISMATCH = "ledger mismatch"
    STALE_DATA = "stale data"


# A reset of an armed latch changes the stage. A step that is not in the table is refused.
TRANSITIONS: Mapping[tuple[EssState, Step], EssState] = {
    (EssState.ARMED, Step.TRIP): EssState.TRIPPING,
    (EssState.ARMED, Step.RESET): EssState.ARMED,
    (EssState.TRIPPING, Step.RELEASE): EssState.TRIPPED,
    (EssState.TRIPPED, Step.RESET): EssState.ARMED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TripOrder:
    """Somebody, or a limit, wants the stop pulled."""

    trigger: Trigger
    reason: str
    actor: str
    mode: TripMode = TripMode.BLOCK
    market_time_ms: int = 0
    evidence: Mapping[str, str] = field(default_factory=dict)
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """The evidence of one trip."""

    trip_id: str
    order: TripOrder
    at_ms: int
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """How the holders let go, and what they left."""

    by: str = "none"  # "acknowledged", "expired", or "none" when nobody held
    canceled_orders: tuple[str, ...] = ()
    open_positions: tuple[str, ...] = ()
    protected_positions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Latch:
    """Everything about the stop that must survive the death of every process."""

    state: EssState = EssState.ARMED
    epoch: int = 1
    stage: Stage
    paused: bool = False
    trip: Trip | None = None
    trip_count: int = 0
    release: Release = Release()

    def tripped(self, trip: Trip) -> "Latch":
        return replace(
            self, state=self._after(Step.TRIP), epoch=trip.epoch, trip=trip, trip_count=self.trip_count + 1,
            release=Release(),
        )  # fmt: skip

    def escalated(self) -> "Latch":
        """Return the same trip, now also flattening; in an epoch of its own, so that holders honour it anew."""
        if self.trip is None:
            raise Refused("there is no trip to escalate", reason="NOT_TRIPPED")
        order = replace(self.trip.order, mode=TripMode.FLATTEN)
        epoch = self.epoch + 1
        return replace(self, epoch=epoch, trip=replace(self.trip, order=order, epoch=epoch))

    def released(self, release: Release) -> "Latch":
        return replace(self, state=self._after(Step.RELEASE), release=release)

    def reset(self, stage: Stage) -> "Latch":
        return replace(
            self, state=self._after(Step.RESET), epoch=self.epoch + 1, stage=stage, trip=None, release=Release()
        )

    def _after(self, step: Step) -> EssState:
        try:
            return TRANSITIONS[self.state, step]
        except KeyError:
            raise Refused(
                f"a latch that is {self.state.value} takes no {step.value}",
                reason=f"ESS_{self.state.name}",
                metadata={"state": self.state.name},
            ) from None
