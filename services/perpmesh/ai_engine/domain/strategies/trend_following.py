"""Be where a strong, established move goes, until the averages cross back."""

from dataclasses import dataclass

from perpmesh.ai_engine.domain.market import MarketView
from perpmesh.ai_engine.domain.proposal import Direction, Proposal, abstain, leave

AVERAGES_APART_BARS = 18  # in a steady move EMA12 lags it by 5.5 bars and EMA48 by 23.5: they are 18 bars of it apart


@dataclass(frozen=True, slots=True)
class TrendFollowing:
    """EMA12 against EMA48 in ATR, confirmed by the directional index."""

    name: str = "trend_following"
    version: str = "trend_following-1"
    enter_trend: float = 0.75  # ATR between the averages
    enter_strength: float = 20.0  # directional index
    horizon_bars: int = 16  # four hours

    def propose(self, view: MarketView, holding: Direction) -> Proposal:
        rising = view.trend > 0.0
        if holding is not Direction.FLAT and rising != (holding is Direction.LONG):
            return leave(f"the averages crossed back (trend {view.trend:+.2f} ATR)")
        if abs(view.trend) < self.enter_trend:
            return abstain(f"trend {view.trend:+.2f} ATR is under {self.enter_trend:g}")
        if view.strength < self.enter_strength:
            return abstain(f"directional index {view.strength:.0f} is under {self.enter_strength:g}")
        if (view.direction > 0.0) != rising:
            return abstain(f"direction {view.direction:+.0f} speaks against trend {view.trend:+.2f} ATR")
        return Proposal(
            direction=Direction.LONG if rising else Direction.SHORT,
            confidence=self._confidence(view),
            expected_move=abs(view.trend) * self.horizon_bars / AVERAGES_APART_BARS,
            horizon_bars=self.horizon_bars,
            reasons=(f"trend {view.trend:+.2f} ATR", f"directional index {view.strength:.0f}"),
        )

    def _confidence(self, view: MarketView) -> float:
        """0.55 on the threshold, at most 0.75: surer the further apart the averages and the stronger the move."""
        apart = min((abs(view.trend) - self.enter_trend) / 2.0, 1.0)
        strong = min((view.strength - self.enter_strength) / 40.0, 1.0)
        return 0.55 + 0.1 * apart + 0.1 * strong
