"""What the holder of the entry lease says, and what it is answered."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from perpmesh.risk_safety.domain.ess import Stage, TripMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """The holder has let go: every entry in flight is answered, or can no longer arrive."""

    epoch: int  # which revocation it honoured
    canceled_orders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A request for the lease, with what its holder knows, and the newest revocation it has honoured."""

    holder_id: str
    request_sequence: int
    newest_trade_sequence: int
    equity: Decimal | None
    unprotected_positions: int
    reconciled: bool
    market_time_ms: int
    price_age_ms: int
    execution_errors: int
    ledger_mismatch: str
    open_positions: tuple[str, ...] = ()
    protected_positions: tuple[str, ...] = ()
    acknowledged: Acknowledgement | None = None


class Verdict(Enum):
    """The answer to a request for the lease."""

    GRANTED = "granted"
    WITHHELD = "withheld"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One word to the holder. `request_sequence` is 0 when it answers no request."""

    verdict: Verdict
    epoch: int
    stage: Stage
    policy_revision: int
    request_sequence: int = 0
    valid_for_ms: int = 0
    reason: str = ""
    mode: TripMode = TripMode.BLOCK
