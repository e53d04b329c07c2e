"""What is at stake: every position and every entry in flight, and the sums that limits are set on."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from perpmesh.execution.domain.words import Side
from perpmesh.kernel.money import ZERO


@dataclass(frozen=True, slots=True)
class Stake:
    """One position, or one entry in flight. Amounts in USDT, never negative."""

    symbol: str
    side: Side
    quantity: Decimal
    notional: Decimal
    risk: Decimal  # what is lost if its stop is hit


@dataclass(frozen=True, slots=True)
class Exposure:
    """All stakes together. Positions and entries in flight count alike: what may fill, counts as filled."""

    stakes: tuple[Stake, ...] = ()

    @property
    def gross(self) -> Decimal:
        return sum((stake.notional for stake in self.stakes), ZERO)

    @property
    def net(self) -> Decimal:
        """Return longs minus shorts."""
        return sum((stake.notional * stake.side.sign for stake in self.stakes), ZERO)

    @property
    def risk(self) -> Decimal:
        return sum((stake.risk for stake in self.stakes), ZERO)

    def of(self, symbol: str) -> Decimal:
        """Return the notional on one symbol."""
        return sum((stake.notional for stake in self.stakes if stake.symbol == symbol), ZERO)

    def one_way(self, symbols: Iterable[str], side: Side) -> Decimal:
        """Return the notional of one direction on a group of symbols that move together."""
        group = frozenset(symbols)
        return sum((s.notional for s in self.stakes if s.symbol in group and s.side is side), ZERO)

    def with_one_more(self, stake: Stake) -> "Exposure":
        return Exposure((*self.stakes, stake))


def read_groups(written: str) -> tuple[frozenset[str], ...]:
    """Read groups of symbols: commas between symbols, semicolons between groups; "" is none."""
    groups = (frozenset(name.strip() for name in group.split(",") if name.strip()) for group in written.split(";"))
    return tuple(group for group in groups if group)
