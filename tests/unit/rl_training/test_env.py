"""Laws of the sizing environment; a simulator that breaks them teaches nonsense."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpmesh.rl_training.domain.accounting import Costs, drifted
from perpmesh.rl_training.domain.env import SizingEnv
from perpmesh.rl_training.domain.market import Floats, Market

ToyMarket = Callable[..., Market]
FREE = Costs(fee=0.0, half_spread=0.0)
HOURLY_SIGMA = 0.6 / np.sqrt(365 * 24)  # 60 % a year


def walk(env: SizingEnv, steps: int, generator: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Return rewards, traded weight and held weight of a random policy, step by step."""
    rewards, traded, held = [], [], []
    for _ in range(steps):
        before = env.weight.copy()
        multipliers = generator.random(env.weight.size)
        step = env.step(multipliers)
        rewards.append(step.rewards)
        traded.append(np.abs(multipliers - before))
        held.append(multipliers)
    return np.array(rewards), np.array(traded), np.array(held)


def test_t17_on_a_martingale_a_random_policy_earns_minus_its_costs(toy_market: ToyMarket) -> None:
    generator = np.random.default_rng(17)
    noise = HOURLY_SIGMA * generator.standard_normal((1, 400_000))
    market = toy_market(np.exp(noise - HOURLY_SIGMA**2 / 2) - 1.0)
    costs = Costs()
    env = SizingEnv(market, costs, generator, count=2000, episode_bars=400_000 // 4)
    rewards, traded, held = walk(env, 200, generator)
    # Growth of a martingale position: minus half its variance, minus what trading it cost.
    expected = -(costs.rate * traded.mean() + (held**2).mean() * HOURLY_SIGMA**2 / 2)
    standard_error = rewards.std() / np.sqrt(rewards.size)
    assert expected < -20 * standard_error  # the costs are far from nothing at this sample size
    assert abs(rewards.mean() - expected) < 4 * standard_error


@pytest.mark.parametrize("costs", [FREE, Costs()], ids=["free", "with costs"])
def test_long_and_short_are_mirror_images(toy_market: ToyMarket, costs: Costs) -> None:
    returns = 0.01 * np.random.default_rng(5).standard_normal((2, 300))
    market = toy_market(returns, base=0.5, funding=0.0001)
    ours = SizingEnv(market, costs, np.random.default_rng(9), count=64, episode_bars=50)
    mirrored = SizingEnv(market.mirrored(), costs, np.random.default_rng(9), count=64, episode_bars=50)
    # Before it trades again a long has grown by its win where a short has shrunk: trading back costs that much more.
    drift = costs.rate * 2 * 0.5 * np.abs(returns).max() * 1.1
    actions = np.random.default_rng(1)
    for _ in range(120):
        multipliers = actions.random(64)
        one, other = ours.step(multipliers), mirrored.step(multipliers)
        assert np.array_equal(one.ended, other.ended)
        assert np.abs(one.rewards - other.rewards).max() <= drift


def test_doing_nothing_earns_nothing(toy_market: ToyMarket) -> None:
    env = SizingEnv(toy_market(np.full(200, 0.05)), Costs(), np.random.default_rng(2), count=16)
    for _ in range(150):
        assert not env.step(np.zeros(16)).rewards.any()


def test_an_episode_pays_for_going_in_and_for_coming_out(toy_market: ToyMarket) -> None:
    costs = Costs(fee=0.001, half_spread=0.0)
    env = SizingEnv(toy_market(np.zeros(10)), costs, np.random.default_rng(3), count=1, episode_bars=10)
    total, episodes = 0.0, 0
    while episodes < 2:
        step = env.step(np.ones(1))
        total += float(step.rewards[0])
        episodes += int(step.ended[0])
    # Two episodes, in and out: four times a thousandth, twice of them in one bar when the first episode was cut to one.
    assert total == pytest.approx(4 * np.log(0.999), rel=0.002)


def test_a_long_pays_funding_and_a_short_receives_it(toy_market: ToyMarket) -> None:
    for base, sign in ((1.0, -1), (-1.0, 1)):
        env = SizingEnv(toy_market(np.zeros(10), base=base, funding=0.001), FREE, np.random.default_rng(3), count=4)
        assert env.step(np.ones(4)).rewards == pytest.approx(np.full(4, np.log(1 + sign * 0.001)))


def test_the_same_seed_lives_the_same_life(toy_market: ToyMarket) -> None:
    market = toy_market(0.01 * np.random.default_rng(5).standard_normal((2, 300)))
    lives = []
    for _ in range(2):
        generator = np.random.default_rng(11)
        lives.append(walk(SizingEnv(market, Costs(), generator, count=8), 200, generator)[0])
    assert np.array_equal(lives[0], lives[1])


@given(weight=st.floats(-1.0, 1.0), moved=st.floats(-0.5, 0.5))
def test_a_held_position_drifts_as_its_value_over_equity(weight: float, moved: float) -> None:
    equity = 1000.0
    value = weight * equity
    after = value * (1 + moved) / (equity + value * moved)
    assert float(drifted(np.array(weight), np.array(moved))) == pytest.approx(after)


@given(multiplier=st.floats(-5.0, 5.0))
def test_no_action_holds_more_than_the_base_position(multiplier: float) -> None:
    market = Market(
        np.arange(5, dtype=np.int64), np.zeros((1, 5, 2)), np.zeros((1, 5)), np.full((1, 5), 0.5), np.zeros((1, 5))
    )
    env = SizingEnv(market, FREE, np.random.default_rng(0), count=1)
    env.step(np.array([multiplier]))
    assert 0.0 <= env.weight[0] <= 0.5
