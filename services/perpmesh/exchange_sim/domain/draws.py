"""Random numbers by the array that come out the same on every machine: integer mixing and exact float steps only."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]

GAMMA, FIRST, SECOND = (np.uint64(each) for each in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
SUMMED = 6  # uniforms in one normal
SQUARINGS = 12


def uniforms(seed: int, count: int) -> Floats:
    """Return `count` floats in [0, 1): splitmix64 from `seed` on."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed & 0xFFFFFFFFFFFFFFFF) + GAMMA * np.arange(1, count + 1, dtype=np.uint64)
        z = (z ^ (z >> np.uint64(30))) * FIRST
        z = (z ^ (z >> np.uint64(27))) * SECOND
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(np.float64) / float(1 << 53)


def normals(seed: int, count: int) -> Floats:
    """Return `count` floats of mean 0 and variance 1, nearly normal: sums of uniforms (Irwin-Hall)."""
    draws = uniforms(seed, count * SUMMED).reshape(SUMMED, count)
    total = draws[0].copy()
    for row in draws[1:]:
        total += row
    scaled: Floats = (total - SUMMED / 2) / np.sqrt(SUMMED / 12)
    return scaled


def exponential(x: Floats) -> Floats:
    """Return e^x by squaring: np.exp may differ in its last bit from one machine to the next. Meant for |x| < 20."""
    power: Floats = 1.0 + x / float(1 << SQUARINGS)
    for _ in range(SQUARINGS):
        power = power * power
    return power
