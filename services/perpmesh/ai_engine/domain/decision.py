"""A decision and everything it rests on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

from perpmesh.kernel.money import ZERO


class Action(Enum):
    """What a decision asks for. To abstain is a decision too."""

    HOLD = "HOLD"
    LONG = "LONG"
    SHORT = "SHORT"
    CLOSE = "CLOSE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is to be done, before it has an id and a time."""

    action: Action
    reasons: tuple[str, ...]
    strategy: str = ""
    confidence: float = 0.0
    propensity: float = 1.0
    quantity: Decimal = ZERO
    stop_price: Decimal = ZERO
    take_profit_price: Decimal = ZERO
    amplification: bool = False
    sizing: str = ""

    @property
    def actionable(self) -> bool:
        return self.action is not Action.HOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A verdict on one symbol at one bar, with its inputs and its time to live."""

    decision_id: str
    symbol: str
    verdict: Verdict
    reference_price: Decimal
    regime: str
    features: Mapping[str, float] = field(default_factory=dict)
    feature_hash: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    market_time_ms: int = 0
    decided_at_ms: int
    expires_at_ms: int
    policy_revision: int
    executed: bool
    trade_id: str = ""  # the open trade it was made about
