"""The minutes inside a coarser candle: a seeded bridge that opens, tops, bottoms, closes and trades as it says."""

import numpy as np

from perpmesh.exchange_sim.domain.candles import Columns
from perpmesh.exchange_sim.domain.draws import Floats, normals, uniforms
from perpmesh.exchange_sim.domain.path import CONTRARY

AT_ONCE = 1_000  # candles, to bound the memory
RANGE_OF_WALK = 1.6  # a random walk of n steps of 1 spans about 1.6 √n
WICK = 0.35  # of a minute's typical move


def split(rows: Columns, minutes: int, seed: int) -> Columns:
    """Return `minutes` rows for each row; each group adds up to its row exactly.

    Args:
        rows: (open, high, low, close, volume) in ticks and lots.
        minutes: how many a candle lasts.
        seed: the same seed, the same minutes.
    """
    if minutes == 1:
        return rows
    parts = [_split(rows[at : at + AT_ONCE], minutes, seed + at * 0x10001) for at in range(0, len(rows), AT_ONCE)]
    return np.concatenate(parts)


def _split(rows: Columns, minutes: int, seed: int) -> Columns:
    count = len(rows)
    open_, high, low, close, volume = (rows[:, each].astype(np.float64) for each in range(5))
    early = 1 + (uniforms(seed, count) * (minutes // 2)).astype(np.int64)
    late = minutes // 2 + 1 + (uniforms(seed + 1, count) * (minutes - minutes // 2)).astype(np.int64)
    rising = (close >= open_) ^ (uniforms(seed + 2, count) < CONTRARY)
    knots = (np.where(rising, low, high), np.where(rising, high, low))
    step = (high - low) / (RANGE_OF_WALK * np.sqrt(minutes))
    points = _bridge((open_, *knots, close), early, late, step[:, None] * _noise(seed + 3, count, minutes))
    points = np.rint(np.clip(points, low[:, None], high[:, None]))
    points[:, 0], points[:, -1] = open_, close
    begin, end = points[:, :-1], points[:, 1:]
    wick = step[:, None] * WICK
    top = np.minimum(np.maximum(begin, end) + np.rint(wick * np.abs(_noise(seed + 4, count, minutes))), high[:, None])
    bottom = np.maximum(np.minimum(begin, end) - np.rint(wick * np.abs(_noise(seed + 5, count, minutes))), low[:, None])
    every = np.arange(count)
    low_at, high_at = np.where(rising, early, late) - 1, np.where(rising, late, early) - 1
    top[every, high_at], bottom[every, low_at] = high, low
    weights = (
        0.2 + uniforms(seed + 6, count * minutes).reshape(count, minutes) + np.abs(end - begin) / (step[:, None] + 1)
    )
    shape = (begin, top, bottom, end, _shares(volume, weights))
    return np.stack([each.astype(np.int64).ravel() for each in shape], axis=1)


def _noise(seed: int, count: int, minutes: int) -> Floats:
    return normals(seed << 4, count * minutes).reshape(count, minutes)


def _bridge(values: tuple[Floats, Floats, Floats, Floats], early: Columns, late: Columns, steps: Floats) -> Floats:
    """Lay a random walk over the line through open, the two extremes and close, tied down at all four."""
    count, minutes = steps.shape
    walk = np.concatenate([np.zeros((count, 1)), np.cumsum(steps, axis=1)], axis=1)
    every, at = np.arange(count), np.arange(minutes + 1)[None, :]
    times = (np.zeros(count, dtype=np.int64), early, late, np.full(count, minutes))
    heights = [value - walk[every, time] for value, time in zip(values, times, strict=True)]
    line: Floats = np.empty_like(walk)
    for (left, right), (from_, to) in zip(
        ((times[0], times[1]), (times[1], times[2]), (times[2], times[3])),
        ((heights[0], heights[1]), (heights[1], heights[2]), (heights[2], heights[3])),
        strict=True,
    ):
        width = np.maximum(right - left, 1)[:, None]
        inside = (at >= left[:, None]) & (at <= right[:, None])
        slope = from_[:, None] + (to - from_)[:, None] * (at - left[:, None]) / width
        line = np.where(inside, slope, line)
    tied: Floats = walk + line
    return tied


def _shares(volume: Floats, weights: Floats) -> Floats:
    """Divide whole lots by weight; nothing is lost to rounding."""
    running = np.cumsum(weights, axis=1)
    until = np.floor(volume[:, None] * running / running[:, -1:])
    until[:, -1] = volume
    return np.diff(until, axis=1, prepend=0.0)
