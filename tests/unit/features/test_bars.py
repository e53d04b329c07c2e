import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.features.random_markets import random_bars

from perpmesh.features import Bars, resample

COLUMNS = ("open_time_ms", "open", "high", "low", "close", "volume")


def rows(bars):
    return list(zip(*(getattr(bars, name).tolist() for name in COLUMNS), strict=True))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 200), st.integers(0, 40), st.sampled_from([5, 15, 60]))
def test_longer_bars_are_what_their_minutes_were(count, skip, factor):
    minutes = random_bars(2, 240, interval_ms=60_000).slice(skip, skip + count)
    long = resample(minutes, factor)
    groups = {}
    for row in rows(minutes):
        groups.setdefault(row[0] // (factor * 60_000), []).append(row)
    whole = [g for g in groups.values() if len(g) == factor]
    assert [r[:5] for r in rows(long)] == [
        (g[0][0], g[0][1], max(r[2] for r in g), min(r[3] for r in g), g[-1][4]) for g in whole
    ]
    assert np.allclose(long.volume, [sum(r[5] for r in g) for g in whole])


def test_a_hole_a_repeat_and_a_wrong_order_are_refused():
    good = rows(random_bars(1, 6))
    for bad in (good[:2] + good[3:], [*good, good[-1]], good[::-1]):
        with pytest.raises(ValueError, match="evenly spaced"):
            Bars.from_rows(bad)


def test_columns_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match="volume"):
        Bars(np.arange(2), np.ones(2), np.ones(2), np.ones(2), np.ones(2), np.ones(3))


def test_no_bars_are_bars_too():
    assert len(Bars.from_rows([])) == 0
    assert len(resample(Bars.from_rows([]), 15)) == 0


def test_the_tail_is_the_newest():
    bars = random_bars(1, 10)
    assert rows(bars.tail(3)) == rows(bars)[-3:]
    assert rows(bars.tail(30)) == rows(bars)
