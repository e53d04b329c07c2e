"""What policy allows the engine, as one value, so that a decision is made under one revision."""

from dataclasses import dataclass
from decimal import Decimal

TAKER_FEE = Decimal("0.0005")  # of notional, a side: Binance's USDⓈ-M taker fee without discounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Policy in the engine's words; fractions, never percentages."""

    revision: int
    decision_ttl_ms: int
    target_volatility: Decimal
    max_position_weight: Decimal
    max_risk_per_trade: Decimal
    max_stop_distance: Decimal
    min_confidence: Decimal
    stop_atr_multiple: Decimal
    take_profit_atr_multiple: Decimal
    min_hold_bars: int
    min_edge_cost_ratio: Decimal
    amplification_enabled: bool
    use_model: bool
