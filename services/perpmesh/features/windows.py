"""Sums over fixed windows whose bits do not depend on how much history lies before the window.

A recursive average remembers everything, so serving (short history) and training (long history) would differ in their
last bits. Here every average sees a fixed number of bars, and adds them lag by lag, oldest first: elementwise
operations, whose result for a row is the same whatever other rows there are. (numpy's own sums choose their order of
addition by shape and memory layout.)
"""

import numpy as np

from perpmesh.features.bars import Floats


def weighted(values: Floats, weights: Floats) -> Floats:
    """Return Σ weights[k] × values of the last len(weights) bars, oldest first; NaN until there are that many."""
    size, rows = weights.size, values.size - weights.size + 1
    out = np.full(values.size, np.nan)
    if rows <= 0:
        return out
    total = weights[0] * values[:rows]
    for lag in range(1, size):
        total += weights[lag] * values[lag : lag + rows]
    out[size - 1 :] = total
    return out


def mean(values: Floats, size: int) -> Floats:
    return weighted(values, np.full(size, 1.0 / size))


def exponential(values: Floats, alpha: float, size: int) -> Floats:
    """Return the exponential average of the last `size` bars; the weights add up to one."""
    weights = (1.0 - alpha) ** np.arange(size - 1, -1, -1, dtype=np.float64)
    return weighted(values, weights / weights.sum())


def deviation(values: Floats, size: int) -> Floats:
    """Return the standard deviation of the last `size` bars around their own mean."""
    rows = values.size - size + 1
    out = np.full(values.size, np.nan)
    if rows <= 0:
        return out
    centre = mean(values, size)[size - 1 :]
    total = np.zeros(rows)
    for lag in range(size):
        away = values[lag : lag + rows] - centre
        total += away * away
    out[size - 1 :] = np.sqrt(total / size)
    return out


def highest(values: Floats, size: int) -> Floats:
    rows = values.size - size + 1
    out = np.full(values.size, np.nan)
    if rows <= 0:
        return out
    top = values[:rows].copy()
    for lag in range(1, size):
        np.maximum(top, values[lag : lag + rows], out=top)
    out[size - 1 :] = top
    return out


def lowest(values: Floats, size: int) -> Floats:
    return -highest(-values, size)


def lagged(values: Floats, lag: int) -> Floats:
    """Return the values of `lag` bars ago; NaN where there was no bar."""
    out = np.full(values.size, np.nan)
    if lag < values.size:
        out[lag:] = values[: values.size - lag]
    return out


def ratio(above: Floats, below: Floats) -> Floats:
    """Divide; 0 where the denominator is 0 (a market that does not move says nothing)."""
    out = np.zeros(above.size)
    np.divide(above, below, out=out, where=below != 0.0)
    return out
