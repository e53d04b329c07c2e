"""Laws of the market that sizes are learnt on."""

from collections.abc import Callable

import numpy as np
import pytest

from perpmesh.features import INTERVAL_MS, WARMUP_BARS, Bars, compute_all
from perpmesh.rl_training.domain.market import (
    TREND,
    VOLATILITY,
    Market,
    Sizing,
    TooFewBars,
    base_weights,
    market_of,
    split,
)

Candles = Callable[..., Bars]


def test_a_decision_sees_nothing_later_than_its_own_close(random_bars: Candles) -> None:
    bars = random_bars(WARMUP_BARS + 40, seed=1)
    whole = market_of([bars], Sizing())
    cut = market_of([bars.slice(0, WARMUP_BARS + 20)], Sizing())
    assert np.array_equal(whole.observations[:, : len(cut)], cut.observations)
    assert np.array_equal(whole.base[:, : len(cut)], cut.base)


def test_a_row_earns_what_the_bar_after_its_close_brought(random_bars: Candles) -> None:
    bars = random_bars(WARMUP_BARS + 10, seed=2)
    market = market_of([bars], Sizing())
    assert len(market) == 10
    first = WARMUP_BARS - 1
    assert market.time_ms[0] == bars.open_time_ms[first] + INTERVAL_MS
    assert market.returns[0, 0] == pytest.approx(bars.close[first + 1] / bars.close[first] - 1.0)
    assert np.array_equal(market.observations[0, 0], compute_all(bars)[first])


def test_longs_pay_funding_every_eight_hours(random_bars: Candles) -> None:
    market = market_of([random_bars(WARMUP_BARS + 96, seed=3)], Sizing(), funding_rate=0.001)
    paying = market.time_ms[market.funding[0] > 0] + INTERVAL_MS
    assert len(paying) == 3
    assert all(moment % 28_800_000 == 0 for moment in paying)


def test_too_few_bars_make_no_market(random_bars: Candles) -> None:
    with pytest.raises(TooFewBars):
        market_of([random_bars(WARMUP_BARS, seed=4)], Sizing())


def test_what_is_judged_shares_no_bar_with_what_is_learnt(toy_market: Callable[..., Market]) -> None:
    market = toy_market(np.zeros(1000))
    learnt, judged = split(market, share=0.5, embargo=100)
    assert (len(learnt), len(judged)) == (450, 450)
    assert judged.time_ms[0] - learnt.time_ms[-1] == 101 * INTERVAL_MS


def test_a_market_shorter_than_its_embargo_cannot_be_split(toy_market: Callable[..., Market]) -> None:
    with pytest.raises(TooFewBars):
        split(toy_market(np.zeros(100)), embargo=100)


def test_the_base_position_follows_the_trend_and_shrinks_with_volatility() -> None:
    seen = np.zeros((4, 17))
    seen[:, TREND] = [2.0, -2.0, 0.1, 2.0]
    seen[:, VOLATILITY] = [1.0, 1.0, 1.0, 0.3]
    weights = base_weights(seen, Sizing(target_volatility=0.3, max_weight=0.5))
    assert weights.tolist() == pytest.approx([0.3, -0.3, 0.0, 0.5])
