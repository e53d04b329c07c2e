"""Strategies: what they see, when they abstain, and that up and down are the same to them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.ai_engine.builders import a_view, bars_of, in_range, mirrored, rising, view_of

from perpmesh.ai_engine.domain.market import VIEW_BARS, view
from perpmesh.ai_engine.domain.proposal import Direction
from perpmesh.ai_engine.domain.strategies import all_strategies
from perpmesh.ai_engine.domain.strategies.mean_reversion import MeanReversion
from perpmesh.ai_engine.domain.strategies.trend_following import TrendFollowing
from perpmesh.features import Regime, Trend, Volatility


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), drift=st.floats(-0.002, 0.002))
def test_t16_a_market_turned_upside_down_is_traded_upside_down(seed, drift):
    steps = np.random.default_rng(seed).normal(drift, 0.003, 260)
    bars = bars_of(100_000.0 * (1.0 + np.cumsum(steps) * 0.5))
    seen, turned = view("X", bars), view("X", mirrored(bars, float(bars.close[-1])))
    for strategy in all_strategies():
        for holding in Direction:
            up, down = strategy.propose(seen, holding), strategy.propose(turned, holding.opposite)
            expected = up.direction.opposite if up.direction is not None else None
            assert down.direction is expected
            assert down.confidence == pytest.approx(up.confidence)
            assert down.expected_move == pytest.approx(up.expected_move)


def test_too_few_bars_make_no_view():
    assert view("X", bars_of(rising(VIEW_BARS - 1))) is None
    assert view("X", bars_of(rising(VIEW_BARS))) is not None


def test_a_longer_past_changes_no_number_of_the_view():
    closes = rising(500) + np.random.default_rng(3).normal(0, 200, 500)
    bars = bars_of(closes)
    short, long = view("X", bars.tail(300)), view("X", bars)
    assert short.measures() == long.measures()


def test_a_steady_rise_is_followed_for_as_long_as_it_lasts():
    seen = view_of(rising())
    proposal = TrendFollowing().propose(seen, Direction.FLAT)
    assert proposal.direction is Direction.LONG
    assert TrendFollowing().propose(seen, Direction.LONG).direction is Direction.LONG
    assert proposal.reasons


def test_a_trend_that_turned_is_left_even_when_nothing_else_is_clear():
    turned = a_view(trend=-0.01, strength=5.0)
    assert TrendFollowing().propose(turned, Direction.LONG).direction is Direction.FLAT
    assert TrendFollowing().propose(turned, Direction.FLAT).direction is None


@pytest.mark.parametrize("doubt", [{"trend": 0.5}, {"strength": 15.0}, {"direction": -3.0}])
def test_a_trend_in_doubt_is_abstained_from(doubt):
    proposal = TrendFollowing().propose(a_view(**doubt), Direction.FLAT)
    assert proposal.direction is None
    assert proposal.reasons


def test_a_price_under_its_mean_in_a_range_is_bought_and_sold_at_the_mean():
    assert MeanReversion().propose(in_range(), Direction.FLAT).direction is Direction.LONG
    assert MeanReversion().propose(in_range(zscore=0.1), Direction.LONG).direction is Direction.FLAT


def test_a_falling_knife_is_not_caught():
    falling = in_range(regime=Regime(Trend.DOWN, Volatility.NORMAL))
    assert MeanReversion().propose(falling, Direction.FLAT).direction is None


def test_surer_means_further_over_the_threshold():
    weak, strong = a_view(trend=0.8, strength=21.0), a_view(trend=3.0, strength=60.0)
    sure = [TrendFollowing().propose(seen, Direction.FLAT).confidence for seen in (weak, strong)]
    assert 0.55 <= sure[0] < sure[1] <= 0.75
