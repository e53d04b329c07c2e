"""The kept bars: one after the other, and a hole is never papered over."""

from perpmesh.ai_engine.domain.series import KEPT_BARS, Added, Series
from perpmesh.features import INTERVAL_MS


def row(number):
    return (float(number * INTERVAL_MS), 1.0, 2.0, 0.5, 1.5, 10.0)


def test_bars_follow_each_other_and_a_known_one_changes_nothing():
    series = Series()
    assert [series.add(row(n)) for n in (1, 2, 2, 1)] == [Added.NEW, Added.NEW, Added.KNOWN, Added.KNOWN]
    assert len(series) == 2
    assert series.newest_ms == 2 * INTERVAL_MS


def test_a_bar_after_a_hole_is_not_kept():
    series = Series()
    series.add(row(1))
    assert series.add(row(3)) is Added.GAP
    assert len(series) == 1


def test_only_what_follows_the_last_hole_of_a_listing_is_taken():
    series = Series()
    series.replace([row(1), row(2), row(5), row(6), row(7)])
    assert list(series.bars().open_time_ms) == [5 * INTERVAL_MS, 6 * INTERVAL_MS, 7 * INTERVAL_MS]


def test_the_past_is_bounded():
    series = Series()
    for number in range(KEPT_BARS + 5):
        series.add(row(number))
    assert len(series) == KEPT_BARS
    assert series.newest_ms == (KEPT_BARS + 4) * INTERVAL_MS
