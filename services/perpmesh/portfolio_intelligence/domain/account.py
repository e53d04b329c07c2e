"""The account as the exchange last told it: balances, positions, and what they add up to."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from perpmesh.kernel.money import ZERO, to_eight_places


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One open position, at the exchange's mark."""

    symbol: str
    signed_quantity: Decimal  # negative when short
    entry_price: Decimal
    mark_price: Decimal
    unrealized_pnl: Decimal

    @property
    def signed_notional(self) -> Decimal:
        return to_eight_places(self.signed_quantity * self.mark_price)

    def weight(self, equity: Decimal) -> Decimal:
        """Return the share of equity, negative when short; 0 when there is no equity to share."""
        return to_eight_places(self.signed_notional / equity) if equity > 0 else ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One snapshot. `equity` is the exchange's own margin balance: wallet and unrealised PnL of one moment."""

    wallet_balance: Decimal
    equity: Decimal
    available_balance: Decimal
    unrealized_pnl: Decimal
    holdings: Sequence[Holding]
    read_at_ms: int  # wall clock

    @property
    def gross_exposure(self) -> Decimal:
        return sum((abs(held.signed_notional) for held in self.holdings), ZERO)

    @property
    def net_exposure(self) -> Decimal:
        return sum((held.signed_notional for held in self.holdings), ZERO)

    @property
    def symbols(self) -> frozenset[str]:
        return frozenset(held.symbol for held in self.holdings)
