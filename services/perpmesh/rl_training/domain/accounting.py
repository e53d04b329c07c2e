"""What a position earns over one bar after fees, spread and funding: one rule for learning and for judging."""

from dataclasses import dataclass

import numpy as np

from perpmesh.rl_training.domain.market import Floats

RUIN = 1e-6  # equity is never less than this share of what it was, so that a logarithm exists


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What changing a position costs, a fraction of the value traded."""

    fee: float = 0.0005  # taker
    half_spread: float = 0.0001

    @property
    def rate(self) -> float:
        return self.fee + self.half_spread


def net_return(held: Floats, wanted: Floats, returns: Floats, funding: Floats, costs: Costs) -> Floats:
    """Return what equity earns when the weight goes from `held` to `wanted` and then lives through one bar."""
    result: Floats = wanted * returns - costs.rate * np.abs(wanted - held) - wanted * funding
    return result


def drifted(weight: Floats, returns: Floats) -> Floats:
    """Return the weight after a bar: the position moved with the market, and so did equity."""
    result: Floats = weight * (1.0 + returns) / np.maximum(1.0 + weight * returns, RUIN)
    return result


def growth(net: Floats) -> Floats:
    """Return the logarithm of what equity is multiplied by."""
    result: Floats = np.log(np.maximum(1.0 + net, RUIN))
    return result
