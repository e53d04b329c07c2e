"""Named sets of values: the whole appetite for risk, changed at once. Each profile sets the same policies."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from perpmesh.risk_safety.domain.policy import PolicyValue
from perpmesh.risk_safety.domain.policy_catalogue import CATALOGUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A named set of values."""

    name: str
    description: str
    values: Mapping[str, PolicyValue]


# fmt: off
# The middle column, "balanced", is the catalogue's own defaults; only what departs from them is written here.
_ROWS: tuple[tuple[str, PolicyValue, PolicyValue], ...] = (
    # policy                             conservative       aggressive
    ("risk.max_risk_per_trade_pct",      Decimal("0.0025"), Decimal("0.01")),
    ("risk.max_open_risk_pct",           Decimal("0.01"),   Decimal("0.04")),
    ("risk.max_gross_exposure",          Decimal(1),        Decimal(4)),
    ("risk.max_position_exposure",       Decimal("0.5"),    Decimal(2)),
    ("risk.max_net_exposure",            Decimal(1),        Decimal(20)),
    ("risk.max_group_exposure",          Decimal(1),        Decimal(20)),
    ("risk.cool_off_losses",             3,                 100),
    ("execution.leverage",               3,                 7),
    ("execution.max_slippage_pct",       Decimal("0.005"),  Decimal("0.02")),
    ("execution.max_stop_distance_pct",  Decimal("0.05"),   Decimal("0.15")),
    ("execution.orders_per_minute",      20,                120),
    ("ess.max_daily_loss_pct",           Decimal("0.015"),  Decimal("0.05")),
    ("ess.max_weekly_loss_pct",          Decimal("0.03"),   Decimal("0.1")),
    ("ess.max_drawdown_pct",             Decimal("0.05"),   Decimal("0.2")),
    ("ess.max_consecutive_losses",       5,                 12),
    ("ai.target_volatility",             Decimal("0.15"),   Decimal("0.6")),
    ("ai.max_position_weight",           Decimal("0.25"),   Decimal(1)),
    ("ai.min_confidence",                Decimal("0.65"),   Decimal("0.5")),
    ("ai.min_edge_cost_ratio",           Decimal(2),        Decimal("1.2")),
    ("ai.amplification_enabled",         False,             True),
)
# fmt: on

_PROFILES = (
    Profile(
        name="conservative",
        description="About half the risk of the defaults, surer decisions only, and nothing is ever enlarged.",
        values={key: careful for key, careful, _ in _ROWS},
    ),
    Profile(
        name="balanced",
        description="The defaults.",
        values={key: CATALOGUE[key].default for key, _, _ in _ROWS},
    ),
    Profile(
        name="aggressive",
        description="About twice the risk of the defaults: expect losses to match before the stop is pulled.",
        values={key: bold for key, _, bold in _ROWS},
    ),
)
PROFILES: Mapping[str, Profile] = {profile.name: profile for profile in _PROFILES}
