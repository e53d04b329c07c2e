import dataclasses

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.features.random_markets import random_bars

from perpmesh.features import Liquidity, Measures, Regime, Trend, Volatility, classify, follow

CALM = Measures(atr_fraction=0.004, adx=10.0, direction=5.0, turnover=1e9, spread_fraction=0.0001)
NAN = float("nan")


def after(*steps, start=Regime()):  # noqa: B008 - frozen
    for changes in steps:
        start = classify(start, dataclasses.replace(CALM, **changes))
    return start


def test_a_trend_begins_at_25_and_lasts_until_20():
    assert after({"adx": 24.0}).trend is Trend.RANGE
    assert after({"adx": 26.0}).trend is Trend.UP
    assert after({"adx": 26.0}, {"adx": 21.0}).trend is Trend.UP
    assert after({"adx": 26.0}, {"adx": 19.0}).trend is Trend.RANGE
    assert after({"adx": 26.0}, {"adx": 19.0}, {"adx": 24.0}).trend is Trend.RANGE
    assert after({"adx": 26.0, "direction": -1.0}).trend is Trend.DOWN


def test_volatility_leaves_a_level_only_beyond_the_margin():
    assert after({}).volatility is Volatility.NORMAL
    assert after({}, {"atr_fraction": 0.0084}).volatility is Volatility.NORMAL
    assert after({}, {"atr_fraction": 0.0090}).volatility is Volatility.HIGH
    assert after({}, {"atr_fraction": 0.0090}, {"atr_fraction": 0.0076}).volatility is Volatility.HIGH
    assert after({}, {"atr_fraction": 0.0500}).volatility is Volatility.EXTREME
    assert after({}, {"atr_fraction": 0.0001}).volatility is Volatility.LOW


def test_one_bad_sign_makes_a_market_thin():
    assert after({}).liquidity is Liquidity.LIQUID
    assert after({"spread_fraction": 0.002}).liquidity is Liquidity.THIN
    assert after({"turnover": 1e6}).liquidity is Liquidity.THIN
    assert after({"spread_fraction": 0.002}, {"spread_fraction": 0.0008}).liquidity is Liquidity.THIN
    assert after({"spread_fraction": 0.002}, {"spread_fraction": 0.0006}).liquidity is Liquidity.LIQUID
    assert after({"spread_fraction": NAN}).liquidity is Liquidity.LIQUID


def test_what_is_not_known_is_said_to_be_unknown():
    unknown = Measures(atr_fraction=NAN, adx=NAN, direction=NAN, turnover=NAN, spread_fraction=NAN)
    assert classify(after({}), unknown) == Regime(Trend.UNKNOWN, Volatility.UNKNOWN, Liquidity.UNKNOWN)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_each_bar_has_a_regime_and_the_future_does_not_change_it(seed):
    bars = random_bars(seed, 260)
    assert follow(bars)[:240] == follow(bars.slice(0, 240))


def test_a_steady_rise_is_a_trend_up():
    assert follow(random_bars(1, 300, drift=0.004))[-1].trend is Trend.UP
    assert follow(random_bars(1, 300, drift=-0.004))[-1].trend is Trend.DOWN


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.0, 0.1), min_size=1), st.sampled_from(Volatility))
def test_a_repeated_measure_changes_nothing(fractions, before):
    regime = Regime(Trend.RANGE, before, Liquidity.LIQUID)
    for fraction in fractions:
        now = dataclasses.replace(CALM, atr_fraction=fraction)
        regime = classify(regime, now)
        assert classify(regime, now) == regime
        assert np.isfinite(now.atr_fraction)
