"""What differs between one engine and another: the policies it reads, and how."""

from decimal import Decimal
from typing import Protocol

from perpmesh.ai_engine.domain.limits import Limits

POLICY_KEYS = (
    "ai.decision_ttl_ms",
    "ai.target_volatility",
    "ai.max_position_weight",
    "ai.min_confidence",
    "ai.stop_atr_multiple",
    "ai.take_profit_atr_multiple",
    "ai.min_hold_bars",
    "ai.min_edge_cost_ratio",
    "ai.amplification_enabled",
    "ai.use_model",
    "risk.max_risk_per_trade_pct",
    "execution.max_stop_distance_pct",
)
INTERVAL = "15m"


class PolicyReader(Protocol):
    """The newest adopted policies."""

    @property
    def revision(self) -> int: ...

    def decimal(self, key: str) -> Decimal: ...

    def integer(self, key: str) -> int: ...

    def boolean(self, key: str) -> bool: ...


class PolicyLimits:
    """Policy in the engine's words."""

    def __init__(self, policy: PolicyReader) -> None:
        self._policy = policy

    def limits(self) -> Limits:
        """Return the limits under one revision."""
        policy = self._policy
        return Limits(
            revision=policy.revision,
            decision_ttl_ms=policy.integer("ai.decision_ttl_ms"),
            target_volatility=policy.decimal("ai.target_volatility"),
            max_position_weight=policy.decimal("ai.max_position_weight"),
            max_risk_per_trade=policy.decimal("risk.max_risk_per_trade_pct"),
            max_stop_distance=policy.decimal("execution.max_stop_distance_pct"),
            min_confidence=policy.decimal("ai.min_confidence"),
            stop_atr_multiple=policy.decimal("ai.stop_atr_multiple"),
            take_profit_atr_multiple=policy.decimal("ai.take_profit_atr_multiple"),
            min_hold_bars=policy.integer("ai.min_hold_bars"),
            min_edge_cost_ratio=policy.decimal("ai.min_edge_cost_ratio"),
            amplification_enabled=policy.boolean("ai.amplification_enabled"),
            use_model=policy.boolean("ai.use_model"),
        )
