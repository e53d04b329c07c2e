"""A verdict: what is unknown adds no risk, what is held is managed by its owner, what is new must pay its costs."""

import random
from dataclasses import replace
from decimal import Decimal

import pytest
from tests.unit.ai_engine.builders import LIMITS, a_holding, a_situation, a_view, in_range

from perpmesh.ai_engine.domain.decide import decide
from perpmesh.ai_engine.domain.decision import Action
from perpmesh.ai_engine.domain.proposal import Direction
from perpmesh.ai_engine.domain.selector import FLAT, Prior, Selector
from perpmesh.ai_engine.domain.standing import Quote, Standing
from perpmesh.ai_engine.domain.strategies import all_strategies

SURE = Selector(prior=Prior(mean=5.0, sigma=0.01, regime_sigma=0.01))
STALE = Quote(bid=Decimal(99_999), ask=Decimal(100_000), stale=True)


def verdict_on(situation, selector=SURE):
    return decide(situation, all_strategies(), selector, random.Random(1))


def test_a_trend_is_entered_with_a_stop_a_target_and_every_reason():
    verdict = verdict_on(a_situation())
    assert verdict.action is Action.LONG
    assert verdict.strategy == "trend_following"
    assert verdict.quantity > 0
    assert verdict.stop_price < Decimal(100_000) < verdict.take_profit_price
    assert verdict.propensity == pytest.approx(1.0)
    assert any("probability" in reason for reason in verdict.reasons)
    assert any("risks" in reason for reason in verdict.reasons)


def test_a_fall_is_sold():
    fall = a_view(trend=-2.0, direction=-20.0, zscore=-1.5, oscillator=-0.4)
    verdict = verdict_on(a_situation(fall))
    assert verdict.action is Action.SHORT
    assert verdict.take_profit_price < Decimal(100_000) < verdict.stop_price


@pytest.mark.parametrize(
    "missing",
    [
        {"quote": None, "unknown": ("no price",)},
        {"quote": STALE},
        {"standing": None, "unknown": ("no account",)},
        {"standing": Standing(equity=None, holding=None)},
        {"view": None, "unknown": ("too few bars",)},
    ],
)
def test_whatever_is_not_known_makes_it_abstain_with_the_reason(missing):
    verdict = verdict_on(replace(a_situation(), **missing))
    assert verdict.action is Action.HOLD
    assert verdict.reasons


def test_an_exit_needs_neither_price_nor_equity():
    crossed = a_view(trend=-0.2)
    blind = replace(a_situation(crossed), quote=STALE, standing=Standing(equity=None, holding=a_holding()))
    assert verdict_on(blind).action is Action.CLOSE


def test_a_trade_is_held_for_its_minimum():
    crossed = a_view(trend=-0.2)
    young = a_holding(opened_at_ms=crossed.bar_close_ms - 3 * 900_000)
    assert verdict_on(a_situation(crossed, young)).action is Action.HOLD
    grown = a_holding(opened_at_ms=crossed.bar_close_ms - 4 * 900_000)
    assert verdict_on(a_situation(crossed, grown)).action is Action.CLOSE


def test_only_the_owner_of_a_trade_decides_on_it():
    crossed = a_view(trend=-0.2)
    for stranger in ("external", "", "no such strategy"):
        assert verdict_on(a_situation(crossed, a_holding(strategy=stranger))).action is Action.HOLD


def test_nothing_is_done_while_an_order_of_the_trade_is_on_its_way():
    assert verdict_on(a_situation(a_view(trend=-0.2), a_holding(settled=False))).action is Action.HOLD


def test_a_trade_that_is_still_wanted_is_kept():
    kept = verdict_on(a_situation(holding=a_holding(entry_price=Decimal(100_000))))
    assert kept.action is Action.HOLD
    assert "keep the open trade" in kept.reasons


def test_a_winner_is_amplified_as_an_ordinary_decision():
    verdict = verdict_on(a_situation(holding=a_holding(), equity=Decimal(40_000)))
    assert verdict.action is Action.LONG
    assert verdict.amplification
    assert verdict.stop_price > a_holding().entry_price


def test_a_short_winner_is_amplified_downwards():
    fall = a_view(trend=-2.0, direction=-20.0)
    short = a_holding(direction=Direction.SHORT, entry_price=Decimal(103_000), stop_price=Decimal(105_400))
    verdict = verdict_on(a_situation(fall, short, equity=Decimal(40_000)))
    assert verdict.action is Action.SHORT
    assert verdict.amplification


def test_what_cannot_earn_its_costs_is_not_entered():
    calm = a_view(atr=30.0)
    verdict = verdict_on(a_situation(calm))
    assert verdict.action is Action.HOLD
    assert any("cost" in reason for reason in verdict.reasons)


def test_a_wide_spread_is_a_cost():
    wide = Quote(bid=Decimal(99_000), ask=Decimal(100_000), stale=False)
    assert verdict_on(replace(a_situation(), quote=wide)).action is Action.HOLD


def test_a_stop_that_would_be_too_far_is_not_entered():
    near = replace(LIMITS, max_stop_distance=Decimal("0.01"))
    assert verdict_on(a_situation(limits=near)).action is Action.HOLD


def test_confidence_under_policy_is_not_entered():
    assert verdict_on(a_situation(limits=replace(LIMITS, min_confidence=Decimal(1)))).action is Action.HOLD


def test_a_strategy_that_is_not_believed_in_is_left_out_with_its_propensity():
    doubting = Selector(prior=Prior(mean=-5.0, sigma=0.01, regime_sigma=0.01))
    verdict = verdict_on(a_situation(), doubting)
    assert verdict.action is Action.HOLD
    assert verdict.strategy == FLAT
    assert verdict.propensity == pytest.approx(1.0)


def test_when_both_strategies_abstain_so_does_the_engine():
    verdict = verdict_on(a_situation(in_range(zscore=0.1, stretch=0.2)))
    assert verdict.action is Action.HOLD
    assert len(verdict.reasons) == len(all_strategies())
