"""The MetaStrategySelector: a Gaussian Thompson bandit over (regime, strategy), pooled per strategy.

The mean reward of a strategy is believed to be normal around a prior; the mean of the strategy in one regime is
normal around that. So a cell that has seen little leans on what its strategy did elsewhere. Rewards are in R
(net PnL over the risk at the first stop), and old ones fade. Doing nothing is an arm too, worth exactly 0.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from perpmesh.kernel.chance import Chance

VERSION = "selector-1"
FLAT = "flat"
GRID = 200
SPAN_SIGMAS = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """What is believed before the first reward. Hopeful on purpose: what is never tried is never learned."""

    mean: float = 0.3
    sigma: float = 0.3  # of a strategy's mean
    regime_sigma: float = 0.15  # of the mean in one regime around the strategy's
    reward_sigma: float = 0.5  # of one reward
    discount: float = 0.98  # what a reward still weighs after the next one of its strategy
    reward_limit: float = 4.0  # one trade may not say more than this


@dataclass(frozen=True, slots=True)
class Cell:
    """What one strategy earned in one regime."""

    trades: int = 0  # rewards seen
    weight: float = 0.0  # rewards, discounted
    total: float = 0.0  # sum of rewards, discounted


@dataclass(frozen=True, slots=True)
class Belief:
    """A normal belief about a mean reward."""

    mean: float
    sigma: float


@dataclass(frozen=True, slots=True)
class Choice:
    """The arm that was chosen, and how likely that was."""

    arm: str
    propensity: float


Key = tuple[str, str]  # regime, strategy


@dataclass(frozen=True, slots=True)
class Selector:
    """What was learned. `rewarded` returns the next state; nothing here changes."""

    cells: Mapping[Key, Cell] = field(default_factory=dict)
    prior: Prior = field(default_factory=Prior)

    def rewarded(self, regime: str, strategy: str, reward: float) -> "Selector":
        """Return the selector after one more trade of `strategy`, entered in `regime`."""
        limit = self.prior.reward_limit
        cells = {
            key: replace(cell, weight=cell.weight * self.prior.discount, total=cell.total * self.prior.discount)
            if key[1] == strategy
            else cell
            for key, cell in self.cells.items()
        }
        cell = cells.get((regime, strategy), Cell())
        cells[regime, strategy] = Cell(cell.trades + 1, cell.weight + 1.0, cell.total + min(max(reward, -limit), limit))
        return replace(self, cells=cells)

    def trades(self, strategy: str) -> int:
        return sum(cell.trades for key, cell in self.cells.items() if key[1] == strategy)

    def belief(self, regime: str, strategy: str) -> Belief:
        """Return the posterior of the mean reward of `strategy` in `regime`."""
        pooled = self._pooled(strategy)
        cell = self.cells.get((regime, strategy), Cell())
        spread, noise = 1.0 / self.prior.regime_sigma**2, 1.0 / self.prior.reward_sigma**2
        precision = spread + cell.weight * noise
        lean = spread / precision
        mean = lean * pooled.mean + noise * cell.total / precision
        return Belief(mean, math.sqrt(1.0 / precision + (lean * pooled.sigma) ** 2))

    def choose(self, regime: str, arms: Sequence[str], every: Sequence[str], chance: Chance) -> Choice:
        """Return what `pick` picks, and how likely that was."""
        arm = self.pick(regime, arms, every, chance)
        return Choice(arm, self.probabilities(regime, arms)[arm])

    def pick(self, regime: str, arms: Sequence[str], every: Sequence[str], chance: Chance) -> str:
        """Draw a mean for each arm of `every`; return the best of `arms`, or FLAT when none is drawn above 0.

        Drawing for every arm keeps the draws of one arm independent of which others are available.
        """
        drawn = {arm: self._draw(regime, arm, chance) for arm in every}
        best = max(arms, key=lambda arm: drawn[arm], default=FLAT)
        return best if best != FLAT and drawn[best] > 0.0 else FLAT

    def probabilities(self, regime: str, arms: Sequence[str]) -> dict[str, float]:
        """Return how likely each arm, and FLAT, is to be chosen."""
        beliefs = {arm: self.belief(regime, arm) for arm in arms}
        chances = {arm: _best_and_positive(arm, beliefs) for arm in arms}
        none_positive = math.prod(_below(belief, 0.0) for belief in beliefs.values())
        total = sum(chances.values()) + none_positive
        return {arm: chance / total for arm, chance in {**chances, FLAT: none_positive}.items()}

    def _draw(self, regime: str, arm: str, chance: Chance) -> float:
        belief = self.belief(regime, arm)
        return chance.gauss(belief.mean, belief.sigma)

    def _pooled(self, strategy: str) -> Belief:
        """Return the posterior of the strategy's own mean: each regime is one noisy look at it."""
        precision = 1.0 / self.prior.sigma**2
        weighted = self.prior.mean * precision
        for key, cell in self.cells.items():
            if key[1] == strategy and cell.weight > 0.0:
                look = 1.0 / (self.prior.regime_sigma**2 + self.prior.reward_sigma**2 / cell.weight)
                precision += look
                weighted += look * cell.total / cell.weight
        return Belief(weighted / precision, math.sqrt(1.0 / precision))


def _below(belief: Belief, value: float) -> float:
    return 0.5 * math.erfc((belief.mean - value) / (belief.sigma * math.sqrt(2.0)))


def _best_and_positive(arm: str, beliefs: Mapping[str, Belief]) -> float:
    """Return P(this arm's mean is above 0 and above every other's), by the midpoint rule."""
    own = beliefs[arm]
    low = max(0.0, own.mean - SPAN_SIGMAS * own.sigma)
    high = own.mean + SPAN_SIGMAS * own.sigma
    if high <= low:
        return 0.0
    step = (high - low) / GRID
    others = [belief for name, belief in beliefs.items() if name != arm]
    return sum(
        _density(own, x) * math.prod(_below(other, x) for other in others) * step
        for x in (low + (i + 0.5) * step for i in range(GRID))
    )


def _density(belief: Belief, x: float) -> float:
    return math.exp(-0.5 * ((x - belief.mean) / belief.sigma) ** 2) / (belief.sigma * math.sqrt(2.0 * math.pi))
