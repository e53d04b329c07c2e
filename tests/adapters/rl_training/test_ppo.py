"""The learner learns what is there to learn, and nothing where there is nothing."""

import numpy as np
import pytest

from perpmesh.features import INTERVAL_MS, SCHEMA_HASH, mlp
from perpmesh.rl_training.adapters import artifact, ppo
from perpmesh.rl_training.domain.accounting import Costs
from perpmesh.rl_training.domain.evaluation import evaluations
from perpmesh.rl_training.domain.market import Floats, Market

FREE = Costs(fee=0.0, half_spread=0.0)


def market_of(returns: Floats, observations: Floats, base: Floats | None = None) -> Market:
    bars = returns.shape[1]
    times = 1_750_032_000_000 + INTERVAL_MS * np.arange(bars, dtype=np.int64)
    held = np.ones_like(returns) if base is None else base
    return Market(times, observations, returns, held, np.zeros_like(returns))


def signalled(bars: int, seed: int) -> Market:
    """A market whose first feature says, through noise, whether the next bar rises; the second says nothing."""
    generator = np.random.default_rng(seed)
    seen = generator.standard_normal((1, bars, 2))
    returns = 0.004 * np.sign(seen[..., 0]) + 0.004 * generator.standard_normal((1, bars))
    return market_of(returns, seen)


def noise(bars: int, seed: int) -> Market:
    """A martingale under a rule that turns every four bars or so: nothing in it is worth a cost."""
    generator = np.random.default_rng(seed)
    sigma = 0.004
    returns = np.exp(sigma * generator.standard_normal((1, bars)) - sigma**2 / 2) - 1.0
    turns = np.where(generator.random((1, bars)) < 0.25, -1.0, 1.0)
    return market_of(returns, generator.standard_normal((1, bars, 2)), np.cumprod(turns, axis=1))


def silent(_: int, __: float) -> None:
    return


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_learns_to_hold_what_rises_and_to_leave_what_falls(seed: int) -> None:
    policy = ppo.learn(signalled(4000, seed), total_steps=60_000, seed=seed, report=silent, costs=FREE)
    rises, falls = policy.multipliers(np.array([[1.0, 0.0], [-1.0, 0.0]]))
    assert rises > 0.9
    assert falls < 0.1
    unseen = signalled(2000, 99)
    model, flat, fixed = evaluations(unseen, policy.multipliers(unseen.observations), FREE)
    assert model.total_return > max(flat.total_return, fixed.total_return)
    assert model.sharpe > fixed.sharpe


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_t17_on_a_martingale_with_costs_it_learns_to_stay_out(seed: int) -> None:
    policy = ppo.learn(noise(50_000, seed), total_steps=150_000, seed=seed, report=silent)
    served = policy.multipliers(np.random.default_rng(7).standard_normal((2000, 2)))
    assert served.mean() < 0.15  # it began at a half
    unseen = noise(5_000, 99)
    model, _, fixed = evaluations(unseen, policy.multipliers(unseen.observations), Costs())
    assert fixed.total_return < model.total_return


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    def bytes_of(seed: int) -> bytes:
        policy = ppo.learn(signalled(500, 1), total_steps=8_000, seed=seed, report=silent)
        return artifact.pack(schema_hash="s", mean=policy.mean, std=policy.std, layers=policy.layers())

    first = bytes_of(3)
    assert first == bytes_of(3)
    assert first != bytes_of(4)


def test_what_numpy_serves_is_what_pytorch_learnt() -> None:
    policy = ppo.learn(signalled(500, 1), total_steps=20_000, seed=5, report=silent)
    blob = artifact.pack(schema_hash=SCHEMA_HASH, mean=policy.mean, std=policy.std, layers=policy.layers())
    served = mlp.load(blob)
    assert served.schema_hash == SCHEMA_HASH
    seen = np.random.default_rng(6).standard_normal((200, 2))
    by_numpy = np.array([served.multiplier(one) for one in seen])
    assert by_numpy == pytest.approx(policy.multipliers(seen), abs=1e-5)
    assert np.ptp(by_numpy) > 0.1  # the comparison is of numbers that differ


def test_progress_counts_up_to_exactly_what_was_asked_for() -> None:
    told: list[int] = []
    ppo.learn(signalled(300, 1), total_steps=10_001, seed=0, report=lambda done, _: told.append(done))
    assert told == sorted(told)
    assert told[-1] == 10_001
