"""Random markets for the tests."""

import numpy as np

from perpmesh.features import Bars


def random_bars(seed: int, count: int, *, interval_ms: int = 900_000, drift: float = 0.0, sigma: float = 0.002) -> Bars:
    chance = np.random.default_rng(seed)
    close = 50_000.0 * np.exp(np.cumsum(drift + sigma * chance.standard_normal(count)))
    opened = np.concatenate([[50_000.0], close[:-1]])
    above, below = (1.0 + sigma * np.abs(chance.standard_normal((2, count)))).tolist()
    high, low = np.maximum(opened, close) * np.asarray(above), np.minimum(opened, close) / np.asarray(below)
    times = 1_746_000_000_000 // interval_ms * interval_ms + interval_ms * np.arange(count, dtype=np.int64)
    return Bars(times, opened, high, low, close, chance.gamma(2.0, 100.0, count))
