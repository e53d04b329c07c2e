"""The strategies the selector chooses among."""

from perpmesh.ai_engine.domain.proposal import Strategy
from perpmesh.ai_engine.domain.strategies.mean_reversion import MeanReversion
from perpmesh.ai_engine.domain.strategies.trend_following import TrendFollowing


def all_strategies() -> tuple[Strategy, ...]:
    """Return every strategy, in the order in which the selector counts them."""
    return (TrendFollowing(), MeanReversion())
