"""GlobalRateLimiter: the exchange's own counts bound what is asked, a reserve is kept, and exits are never refused."""

from contextlib import ExitStack

from hypothesis import given
from hypothesis import strategies as st

from perpmesh.execution.domain.budget import RESERVE_KEPT, Lane, Limits, RateBudget

LANES = list(Lane)  # from the most modest to the one that nothing stops
SMALL = Limits(weight_per_minute=100, orders_per_minute=100, orders_per_ten_seconds=100)


def test_t8_each_lane_leaves_its_part_of_the_reserve_to_the_next():
    budget = RateBudget(SMALL)
    budget.heard(0, weight=70, minute=0, ten_seconds=0)
    most = {lane: max(w for w in range(200) if budget.allows(lane, 0, weight=w)) for lane in LANES}
    assert most == {Lane.ENTRY: 5, Lane.QUERY: 5, Lane.BOOKS: 17, Lane.CARE: 30, Lane.EXIT: 199}


def test_t8_a_ban_stops_all_but_exits_until_it_is_over():
    budget = RateBudget()
    budget.banned(1_000, 5_000)
    assert [lane for lane in LANES if budget.allows(lane, 5_999)] == [Lane.EXIT]
    assert all(budget.allows(lane, 6_000) for lane in LANES)


def test_a_shorter_ban_does_not_end_a_longer_one():
    budget = RateBudget()
    budget.banned(0, 120_000)
    budget.banned(1_000, 5_000)
    assert not budget.allows(Lane.CARE, 119_999)


def test_a_count_dies_with_its_window():
    budget = RateBudget()
    budget.heard(59_999, weight=2_400, minute=1_200, ten_seconds=300)
    assert not budget.allows(Lane.ENTRY, 59_999, orders=1)
    assert budget.allows(Lane.ENTRY, 60_000, orders=1)


def test_questions_at_the_same_time_do_not_overdraw_together():
    budget, asked = RateBudget(SMALL), 0
    with ExitStack() as under_way:
        while budget.allows(Lane.QUERY, 0, weight=30):
            under_way.enter_context(budget.on_way(weight=30))
            asked += 1
    assert asked == 2
    assert budget.allows(Lane.QUERY, 0, weight=75)


def test_a_question_that_fails_is_on_its_way_no_longer():
    budget = RateBudget(SMALL)
    try:
        with budget.on_way(weight=100, orders=100):
            raise TimeoutError
    except TimeoutError:
        assert budget.allows(Lane.QUERY, 0, weight=75, orders=75)


moments = st.integers(0, 180_000)
counts = st.integers(0, 3_000)
storm = st.lists(
    st.one_of(
        st.tuples(st.just("heard"), moments, counts, counts, counts),
        st.tuples(st.just("banned"), moments, st.integers(1, 300_000)),
    ),
    max_size=12,
)


@given(storm, moments, st.integers(0, 100), st.integers(0, 20), st.decimals("0", "1", places=2))
def test_t8_whatever_was_heard_exits_go_and_every_other_lane_stays_in_its_bounds(news, now, weight, orders, reserve):
    budget, banned_until, heard = RateBudget(reserve=reserve), 0, {}
    for kind, at, *rest in sorted(news, key=lambda each: each[1]):
        if kind == "banned":
            budget.banned(at, rest[0])
            banned_until = max(banned_until, at + rest[0])
        else:
            budget.heard(at, weight=rest[0], minute=rest[1], ten_seconds=rest[2])
            heard = {("weight", at // 60_000): rest[0], ("m", at // 60_000): rest[1], ("s", at // 10_000): rest[2]}
    allowed = [budget.allows(lane, now, weight=weight, orders=orders) for lane in LANES]
    assert allowed[-1]
    assert allowed == sorted(allowed)  # who may go further may go wherever the others may
    for lane, may in zip(LANES[:-1], allowed, strict=False):
        if may:
            share = 1 - reserve * RESERVE_KEPT[lane]
            assert now >= banned_until
            assert heard.get(("weight", now // 60_000), 0) + weight <= 2_400 * share
            assert heard.get(("m", now // 60_000), 0) + orders <= 1_200 * share
            assert heard.get(("s", now // 10_000), 0) + orders <= 300 * share
