"""Markets made for a purpose."""

from collections.abc import Callable

import numpy as np
import pytest

from perpmesh.features import INTERVAL_MS, Bars
from perpmesh.rl_training.domain.market import Floats, Market

START_MS = 1_750_032_000_000  # a midnight, UTC


def make_bars(count: int, seed: int) -> Bars:
    generator = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(0.004 * generator.standard_normal(count)))
    open_ = np.concatenate([[100.0], close[:-1]])
    wick = 1.0 + 0.001 * np.abs(generator.standard_normal((2, count)))
    high, low = np.maximum(open_, close) * wick[0], np.minimum(open_, close) / wick[1]
    times = START_MS + INTERVAL_MS * np.arange(count, dtype=np.int64)
    return Bars(times, open_, high, low, close, np.exp(generator.standard_normal(count)))


def make_market(
    returns: Floats, *, base: float = 1.0, observations: Floats | None = None, funding: float = 0.0
) -> Market:
    returns = np.atleast_2d(returns)
    bars = returns.shape[1]
    seen = np.zeros((*returns.shape, 2)) if observations is None else observations
    return Market(
        START_MS + INTERVAL_MS * np.arange(bars, dtype=np.int64),
        seen,
        returns,
        np.full(returns.shape, base),
        np.full(returns.shape, funding),
    )


@pytest.fixture
def random_bars() -> Callable[..., Bars]:
    return make_bars


@pytest.fixture
def toy_market() -> Callable[..., Market]:
    return make_market
