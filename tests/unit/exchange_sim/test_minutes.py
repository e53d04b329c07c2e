"""Inside a coarser candle the market walks as inside a minute: it adds up exactly, and moves as real minutes do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.exchange_sim.test_feed import candles

from perpmesh.exchange_sim.domain.minutes import split


@given(st.lists(candles(), min_size=1, max_size=5), st.sampled_from([2, 3, 5, 15, 60, 480]), st.integers(0, 2**48))
def test_minutes_add_up_to_their_candle_exactly(rows, minutes, seed):
    made = split(np.array(rows, dtype=np.int64), minutes, seed).reshape(len(rows), minutes, 5)
    for candle, inside in zip(rows, made, strict=True):
        open_, high, low, close, volume = inside.T
        assert (open_[0], high.max(), low.min(), close[-1], volume.sum()) == tuple(candle)
        assert (open_[1:] == close[:-1]).all()
        assert (low <= np.minimum(open_, close)).all()
        assert (high >= np.maximum(open_, close)).all()
        assert (volume >= 0).all()


def test_the_same_seed_gives_the_same_minutes_and_another_seed_others():
    rows = np.array([[1_000, 1_100, 950, 1_050, 6_000]] * 3, dtype=np.int64)
    assert (split(rows, 60, 7) == split(rows, 60, 7)).all()
    assert (split(rows, 60, 7) != split(rows, 60, 8)).any()
    first, second, _ = split(rows, 60, 7).reshape(3, 60, 5)
    assert (first != second).any()


def test_a_candle_of_one_minute_is_left_as_it_is():
    rows = np.array([[1_000, 1_100, 950, 1_050, 6_000]], dtype=np.int64)
    assert split(rows, 1, 7) is rows


def test_the_minutes_of_an_hour_move_about_as_much_as_a_random_walk_of_its_range_does():
    rows = np.array([[100_000, 101_000, 99_000, 100_200, 600_000]] * 500, dtype=np.int64)
    made = split(rows, 60, 11)
    moves = np.diff(made[:, 3].reshape(500, 60), axis=1)
    assert moves.std() == pytest.approx(2_000 / 1.6 / np.sqrt(60), rel=0.25)
    assert abs(np.corrcoef(moves[:, 1:].ravel(), moves[:, :-1].ravel())[0, 1]) < 0.2
