"""The sizing environment: many episodes at once, each choosing how much of the base position to hold."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perpmesh.rl_training.domain.accounting import Costs, drifted, growth, net_return
from perpmesh.rl_training.domain.market import Floats, Market

EPISODE_BARS = 96  # a day


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """What one action brought, per environment."""

    rewards: Floats
    exposures: Floats  # what the whole base position earned before costs, whatever the action was
    ended: NDArray[np.bool_]


class SizingEnv:
    """`count` environments on one market. Each starts flat at a random bar, and pays for closing at its end."""

    def __init__(
        self,
        market: Market,
        costs: Costs,
        generator: np.random.Generator,
        *,
        count: int,
        episode_bars: int = EPISODE_BARS,
    ) -> None:
        self._market = market
        self._costs = costs
        self._generator = generator
        self._length = min(episode_bars, len(market))
        self._symbol = np.zeros(count, dtype=np.int64)
        self._at = np.zeros(count, dtype=np.int64)
        self._left = np.zeros(count, dtype=np.int64)
        self.weight = np.zeros(count)
        self._begin(np.ones(count, dtype=bool))
        # The first episodes are cut at random, so that not all environments end in the same step.
        self._left = 1 + generator.integers(self._length, size=count)

    @property
    def observations(self) -> Floats:
        """Return what each environment sees now, [count, features]."""
        result: Floats = self._market.observations[self._symbol, self._at]
        return result

    def step(self, multipliers: Floats) -> Step:
        """Hold `multipliers` (0 to 1) of the base position through the next bar."""
        here = (self._symbol, self._at)
        returns = self._market.returns[here]
        wanted = np.clip(multipliers, 0.0, 1.0) * self._market.base[here]
        net = net_return(self.weight, wanted, returns, self._market.funding[here], self._costs)
        exposures = self._market.base[here] * returns
        self.weight = drifted(wanted, returns)
        self._at += 1
        self._left -= 1
        ended = self._left == 0
        net = np.where(ended, net - self._costs.rate * np.abs(self.weight), net)
        self._begin(ended)
        return Step(growth(net), exposures, ended)

    def _begin(self, which: NDArray[np.bool_]) -> None:
        count = int(which.sum())
        symbols, bars = self._market.returns.shape
        self._symbol[which] = self._generator.integers(symbols, size=count)
        self._at[which] = self._generator.integers(bars - self._length + 1, size=count)
        self._left[which] = self._length
        self.weight[which] = 0.0
