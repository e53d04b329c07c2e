"""What a strategy answers: a direction with its confidence, its stop and its target, or that it abstains."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from perpmesh.ai_engine.domain.market import MarketView


class Direction(Enum):
    """Where a strategy wants to be."""

    LONG = 1
    SHORT = -1
    FLAT = 0  # out: what is held is no longer wanted

    @property
    def opposite(self) -> "Direction":
        return Direction(-self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A direction, and how sure. `direction` None abstains: no view, nothing to do."""

    direction: Direction | None
    confidence: float = 0.0  # 0 to 1: how sure the strategy is to be right
    expected_move: float = 0.0  # in ATR, towards the direction: what is there to earn, if it is right
    horizon_bars: int = 1  # the stop stands so many ATR of a move of this many bars away
    reasons: tuple[str, ...] = ()


class Strategy(Protocol):
    """One way to trade. Knows nothing of money: the same view and holding give the same proposal."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def propose(self, view: MarketView, holding: Direction) -> Proposal:
        """Say where to be, given where we are because of this strategy (FLAT when nowhere)."""
        ...


def abstain(*reasons: str) -> Proposal:
    return Proposal(direction=None, reasons=reasons)


def leave(*reasons: str) -> Proposal:
    return Proposal(direction=Direction.FLAT, confidence=1.0, reasons=reasons)
