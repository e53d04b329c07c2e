"""In a range, step in where the price has strayed, and out when it is back."""

from dataclasses import dataclass

from perpmesh.ai_engine.domain.market import MarketView
from perpmesh.ai_engine.domain.proposal import Direction, Proposal, abstain, leave
from perpmesh.features import Trend


@dataclass(frozen=True, slots=True)
class MeanReversion:
    """The distance from the mean of half a day in standard deviations, confirmed by relative strength; ranges only."""

    name: str = "mean_reversion"
    version: str = "mean_reversion-1"
    enter_zscore: float = 1.0
    enter_oscillator: float = 0.05
    horizon_bars: int = 16  # four hours

    def propose(self, view: MarketView, holding: Direction) -> Proposal:
        below = view.zscore < 0.0
        if holding is not Direction.FLAT and below != (holding is Direction.LONG):
            return leave(f"the price is back at its mean (z {view.zscore:+.2f})")
        if view.regime.trend is not Trend.RANGE:
            return abstain(f"the market is in {view.regime.trend.value}, not in a range")
        if abs(view.zscore) < self.enter_zscore:
            return abstain(f"z {view.zscore:+.2f} is within {self.enter_zscore:g}")
        if abs(view.oscillator) < self.enter_oscillator or (view.oscillator < 0.0) != below:
            return abstain(f"relative strength {view.oscillator:+.2f} does not confirm z {view.zscore:+.2f}")
        return Proposal(
            direction=Direction.LONG if below else Direction.SHORT,
            confidence=min(0.55 + 0.1 * (abs(view.zscore) - self.enter_zscore), 0.7),
            expected_move=abs(view.stretch),
            horizon_bars=self.horizon_bars,
            reasons=(f"z {view.zscore:+.2f}", f"relative strength {view.oscillator:+.2f}"),
        )
