"""Equity over market time: one point per market minute, and the highest it ever was."""

from dataclasses import dataclass
from decimal import Decimal

from perpmesh.kernel.money import ZERO, to_eight_places
from perpmesh.kernel.time import MS_PER_MINUTE


@dataclass(frozen=True, slots=True)
class EquityPoint:
    """Equity at one moment of market time."""

    market_time_ms: int
    equity: Decimal

    @property
    def minute(self) -> int:
        return self.market_time_ms // MS_PER_MINUTE


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest equity so far. A withdrawal counts as a fall: the careful reading."""

    equity: Decimal = ZERO

    def seen(self, equity: Decimal) -> "Peak":
        return Peak(equity) if equity > self.equity else self

    def drawdown(self, equity: Decimal) -> Decimal:
        """Return the fall from the peak, as a fraction of it."""
        return to_eight_places((self.equity - equity) / self.equity) if self.equity > equity else ZERO
