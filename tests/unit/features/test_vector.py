import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.features.random_markets import random_bars

from perpmesh.features import FEATURE_NAMES, SCHEMA_HASH, WARMUP_BARS, Bars, compute, compute_all


def bits(values):
    return np.asarray(values, dtype=np.float64).tobytes()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 300), st.floats(1e-5, 0.05))
def test_i12_serving_sees_the_very_bits_that_training_saw(seed, more, sigma):
    bars = random_bars(seed, WARMUP_BARS + more, sigma=sigma)
    trained = compute_all(bars)
    for end in {WARMUP_BARS, WARMUP_BARS + more // 2, WARMUP_BARS + more}:
        assert bits(compute(bars.slice(0, end)).values) == bits(trained[end - 1])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 200))
def test_older_history_changes_no_bit(seed, more):
    bars = random_bars(seed, WARMUP_BARS + more)
    assert compute(bars).hash == compute(bars.tail(WARMUP_BARS)).hash


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 50))
def test_the_future_changes_no_past_value(seed, cut):
    bars = random_bars(seed, WARMUP_BARS + 60)
    wild = random_bars(seed + 1, len(bars))
    columns = {
        name: np.concatenate([getattr(bars, name)[:-cut], getattr(wild, name)[-cut:]])
        for name in ("open", "high", "low", "close", "volume")
    }
    other = Bars(bars.open_time_ms, **columns)
    assert bits(compute_all(bars)[:-cut]) == bits(compute_all(other)[:-cut])


def test_every_value_is_finite_after_the_warm_up_and_nan_before():
    table = compute_all(random_bars(1, WARMUP_BARS + 100))
    assert table.shape == (WARMUP_BARS + 100, len(FEATURE_NAMES))
    assert np.isnan(table[: WARMUP_BARS - 1]).all()
    assert np.isfinite(table[WARMUP_BARS - 1 :]).all()


def test_a_market_that_stands_still_has_finite_features():
    count = WARMUP_BARS + 3
    flat = np.full(count, 100.0)
    bars = Bars(900_000 * np.arange(count), flat, flat, flat, flat, np.zeros(count))
    vector = compute(bars)
    assert np.isfinite(vector.values).all()
    assert vector["return_96"] == 0.0
    assert vector["rsi"] == 0.0


def test_the_scale_of_the_price_does_not_matter():
    bars = random_bars(3, WARMUP_BARS)
    dear = Bars(bars.open_time_ms, bars.open * 1000, bars.high * 1000, bars.low * 1000, bars.close * 1000, bars.volume)
    assert np.allclose(compute(bars).values, compute(dear).values, atol=1e-9)


def test_a_rising_market_shows_in_every_trend_feature():
    vector = compute(random_bars(5, WARMUP_BARS, drift=0.003))
    for name in ("return_96", "ema_fast_distance", "ema_slow_distance", "zscore_96", "range_position_96", "rsi"):
        assert vector[name] > 0.3, name


def test_the_time_of_day_is_that_of_the_close():
    bars = random_bars(5, WARMUP_BARS)
    midnight = int((bars.open_time_ms[-1] + 900_000) // 86_400_000 * 86_400_000)
    moved = Bars(
        bars.open_time_ms - bars.open_time_ms[-1] + midnight - 900_000,
        bars.open, bars.high, bars.low, bars.close, bars.volume,
    )  # fmt: skip
    assert compute(moved)["hour_cos"] == 1.0


def test_too_few_bars_or_bars_of_another_length_are_refused():
    with pytest.raises(ValueError, match="400 bars are needed"):
        compute(random_bars(1, WARMUP_BARS - 1))
    with pytest.raises(ValueError, match="900000 ms"):
        compute_all(random_bars(1, 10, interval_ms=60_000))


def test_another_process_computes_the_same_hash_and_schema():
    code = (
        "from random_markets import random_bars; from perpmesh.features import *; "
        "print(SCHEMA_HASH, compute(random_bars(7, WARMUP_BARS)).hash)"
    )
    here = f"{SCHEMA_HASH} {compute(random_bars(7, WARMUP_BARS)).hash}"
    there = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=__file__.rpartition("/")[0]
    )
    assert there.stdout.strip() == here
