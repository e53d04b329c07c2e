"""The selector: learns what pays, says how likely it chose, leans on neighbours when it knows little."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpmesh.ai_engine.domain.selector import FLAT, Prior, Selector

ARMS = ["a", "b", "c"]


def trained(rewards, prior=None, regime="UP"):
    selector = Selector(prior=prior or Prior())
    for arm, reward in rewards:
        selector = selector.rewarded(regime, arm, reward)
    return selector


def test_what_pays_is_chosen_and_what_costs_is_not():
    selector = trained([("a", 0.6), ("b", -0.6)] * 20)
    chances = selector.probabilities("UP", ["a", "b"])
    assert chances["a"] > 0.95
    assert chances["b"] < 0.01


def test_when_nothing_pays_doing_nothing_is_chosen():
    selector = trained([("a", -0.8), ("b", -0.8)] * 30)
    assert selector.choose("UP", ["a", "b"], ["a", "b"], random.Random(1)).arm == FLAT
    assert selector.probabilities("UP", ["a", "b"])[FLAT] > 0.95


def test_nothing_tried_yet_is_tried():
    assert Selector().probabilities("UP", ARMS)[FLAT] < 0.05


@given(st.lists(st.tuples(st.sampled_from(ARMS), st.floats(-3, 3)), max_size=30))
def test_probabilities_add_up_to_one(rewards):
    chances = trained(rewards).probabilities("UP", ARMS)
    assert sum(chances.values()) == pytest.approx(1.0)
    assert all(0.0 <= chance <= 1.0 for chance in chances.values())


def test_the_propensity_is_how_often_the_arm_is_really_chosen():
    selector = trained([("a", 0.4), ("b", 0.1), ("a", -0.2), ("b", 0.5), ("c", -0.3)])
    chance = random.Random(5)
    picks = [selector.pick("UP", ARMS, ARMS, chance) for _ in range(5_000)]
    expected = selector.probabilities("UP", ARMS)
    for arm in (*ARMS, FLAT):
        assert picks.count(arm) / len(picks) == pytest.approx(expected[arm], abs=0.025)
    choice = selector.choose("UP", ARMS, ARMS, chance)
    assert choice.propensity == pytest.approx(expected[choice.arm])


def test_the_same_seed_chooses_the_same():
    selector = trained([("a", 0.2), ("b", 0.2)])
    runs = [[selector.pick("UP", ARMS, ARMS, random.Random(seed)) for seed in range(50)] for _ in range(2)]
    assert runs[0] == runs[1]


def test_an_unseen_regime_leans_on_what_the_strategy_did_elsewhere():
    selector = trained([("a", -0.8)] * 20, regime="UP")
    seen, unseen, other = selector.belief("UP", "a"), selector.belief("DOWN", "a"), selector.belief("DOWN", "b")
    assert seen.mean < unseen.mean < other.mean
    assert seen.sigma < unseen.sigma < other.sigma


def test_few_rewards_move_a_belief_little_and_many_move_it_all_the_way():
    prior = Prior().mean
    few, many = trained([("a", -1.0)]).belief("UP", "a"), trained([("a", -1.0)] * 100).belief("UP", "a")
    assert -1.0 < many.mean < few.mean < prior
    assert many.mean == pytest.approx(-1.0, abs=0.1)


def test_old_rewards_fade():
    changed = trained([("a", -1.0)] * 60 + [("a", 1.0)] * 60)
    never_forgets = trained([("a", -1.0)] * 60 + [("a", 1.0)] * 60, prior=Prior(discount=1.0))
    assert changed.belief("UP", "a").mean > never_forgets.belief("UP", "a").mean + 0.2
    assert changed.trades("a") == 120


def test_one_absurd_reward_says_no_more_than_the_limit():
    assert trained([("a", 1e9)]) == trained([("a", Prior().reward_limit)])


def regret(choose_arm, rounds, chance, means):
    selector, lost = Selector(prior=Prior(discount=1.0)), 0.0
    for _ in range(rounds):
        arm = choose_arm(selector, chance)
        mean = means.get(arm, 0.0)
        lost += max(means.values()) - mean
        if arm != FLAT:
            selector = selector.rewarded("UP", arm, chance.gauss(mean, 0.5))
    return lost


def test_it_loses_far_less_to_ignorance_than_choosing_at_random():
    means = {"a": 0.3, "b": 0.1, "c": -0.2}
    ours = [regret(lambda s, c: s.pick("UP", ARMS, ARMS, c), 300, random.Random(seed), means) for seed in range(8)]
    uniform = 300 * sum(0.3 - mean for mean in means.values()) / 3
    assert sum(ours) / len(ours) < 0.3 * uniform
