"""Judging a way of sizing gives the figures a person would compute by hand."""

from collections.abc import Callable

import numpy as np
import pytest

from perpmesh.rl_training.domain.accounting import Costs
from perpmesh.rl_training.domain.evaluation import daily_returns, evaluate, evaluations, max_drawdown, sharpe
from perpmesh.rl_training.domain.market import Market

ToyMarket = Callable[..., Market]
FREE = Costs(fee=0.0, half_spread=0.0)


def test_doing_nothing_is_all_zeros(toy_market: ToyMarket) -> None:
    returns = 0.01 * np.random.default_rng(1).standard_normal((2, 400))
    flat = evaluations(toy_market(returns), np.full((2, 400), 0.3), Costs())[1]
    assert (flat.policy, flat.total_return, flat.sharpe, flat.max_drawdown, flat.turnover) == ("flat", 0, 0, 0, 0)


def test_a_fixed_size_earns_the_market_less_one_way_in_and_one_out(toy_market: ToyMarket) -> None:
    found = evaluate("fixed", toy_market([0.10, -0.05, 0.02]), np.ones((1, 3)), Costs(fee=0.001, half_spread=0.0))
    by_hand = (1 + 0.10 - 0.001) * (1 - 0.05) * (1 + 0.02 - 0.001) - 1
    assert found.total_return == pytest.approx(by_hand)
    assert found.turnover == pytest.approx(2.0)
    assert found.max_drawdown == pytest.approx(0.05)


def test_two_symbols_share_one_account(toy_market: ToyMarket) -> None:
    market = toy_market([[0.02, 0.0], [-0.01, 0.0]], base=0.5)
    assert evaluate("fixed", market, np.ones((2, 2)), FREE).total_return == pytest.approx(0.5 * 0.02 - 0.5 * 0.01)


def test_what_the_model_does_is_named_first(toy_market: ToyMarket) -> None:
    found = evaluations(toy_market([0.01, 0.01]), np.ones((1, 2)), FREE)
    assert [one.policy for one in found] == ["model", "flat", "fixed"]
    assert found[0].total_return == found[2].total_return


def test_sharpe_is_of_daily_simple_returns(toy_market: ToyMarket) -> None:
    market = toy_market(np.repeat([0.0001, -0.00005, 0.0002], 96))
    equity = np.cumprod(1.0 + market.returns[0])
    daily = daily_returns(market.time_ms, equity)
    assert daily == pytest.approx([1.0001**96 - 1, 0.99995**96 - 1, 1.0002**96 - 1])
    assert sharpe(daily) == pytest.approx(daily.mean() / daily.std(ddof=1) * 365**0.5)


def test_a_single_day_has_no_sharpe() -> None:
    assert sharpe(np.array([0.01])) == 0.0


def test_a_fall_counts_from_the_start_too() -> None:
    assert max_drawdown(np.array([0.9, 1.2, 0.6])) == pytest.approx(0.5)
    assert max_drawdown(np.array([0.9, 0.95])) == pytest.approx(0.1)


def test_a_ruinous_bar_leaves_figures_that_are_numbers(toy_market: ToyMarket) -> None:
    found = evaluate("fixed", toy_market([-1.0, 0.5]), np.ones((1, 2)), FREE)
    assert found.total_return == pytest.approx(-1.0, abs=1e-5)
    assert np.isfinite([found.sharpe, found.turnover]).all()
