"""Where we stand in one symbol: prices, equity, and the trade that is open there, as their owners last told."""

from dataclasses import dataclass
from decimal import Decimal

from perpmesh.ai_engine.domain.proposal import Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The newest prices of a symbol."""

    bid: Decimal
    ask: Decimal
    stale: bool

    @property
    def spread_fraction(self) -> Decimal:
        return (self.ask - self.bid) / self.ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """The open trade of a symbol. A position that nobody here opened has no trade id."""

    trade_id: str
    strategy: str
    direction: Direction
    quantity: Decimal
    entry_price: Decimal
    stop_price: Decimal | None
    initial_risk: Decimal  # USDT lost at the first stop: one R
    opened_at_ms: int  # market time
    protected: bool  # a stop stands on the exchange
    settled: bool  # neither the entry nor an exit is on its way
    amplified: bool = False  # PAL has added to it already

    def reward_at(self, price: Decimal) -> Decimal:
        """Return the unrealised PnL in R; 0 when the risk is not known."""
        if self.initial_risk <= 0:
            return Decimal(0)
        return (price - self.entry_price) * self.direction.value * self.quantity / self.initial_risk


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the account says."""

    equity: Decimal | None  # None: not known now; exits do not need it
    holding: Holding | None
