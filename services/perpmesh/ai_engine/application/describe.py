"""Tells what the selector has learned, per symbol in the regime it is in."""

from dataclasses import dataclass

from perpmesh.ai_engine.application.mind import Mind
from perpmesh.ai_engine.application.ports import BarsKept, Instruments, Journal
from perpmesh.ai_engine.domain.market import view
from perpmesh.ai_engine.domain.selector import FLAT


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One arm of the selector, FLAT among them."""

    strategy: str
    trades: int
    mean: float
    sigma: float
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolState:
    """The selector's state for one symbol."""

    symbol: str
    active: str
    regime: str
    arms: tuple[Arm, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Describe:
    """Reads; changes nothing."""

    mind: Mind
    bars: BarsKept
    instruments: Instruments
    journal: Journal

    async def __call__(self, symbol: str) -> SymbolState:
        """Return the state of one symbol; raise NotFound for one we do not trade."""
        self.instruments.get(symbol)
        seen = view(symbol, self.bars.bars(symbol))
        trend = seen.regime.trend.value if seen else "UNKNOWN"
        newest = await self.journal.newest(symbol=symbol, limit=1)
        return SymbolState(
            symbol=symbol,
            active=newest[0].verdict.strategy if newest else "",
            regime=seen.regime_label if seen else "UNKNOWN",
            arms=self._arms(trend),
        )

    def _arms(self, regime: str) -> tuple[Arm, ...]:
        selector, names = self.mind.selector, self.mind.arms
        chances = selector.probabilities(regime, names)
        flat = Arm(strategy=FLAT, trades=0, mean=0.0, sigma=0.0, probability=chances[FLAT])
        return (*(self._arm(name, regime, chances[name]) for name in names), flat)

    def _arm(self, name: str, regime: str, probability: float) -> Arm:
        belief = self.mind.selector.belief(regime, name)
        trades = self.mind.selector.trades(name)
        return Arm(strategy=name, trades=trades, mean=belief.mean, sigma=belief.sigma, probability=probability)
