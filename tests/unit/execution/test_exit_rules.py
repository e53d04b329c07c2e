"""The rules of exits by themselves: a ladder whose remainder can be traded, a stop that only ever gets tighter."""

from decimal import Decimal
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from perpmesh.execution.domain.follow import Following, Stand, followed, is_overdue, tighter
from perpmesh.execution.domain.ladder import Rung, is_settled, least_quantity, quantities, rungs_of, trigger_of
from perpmesh.execution.domain.protection import is_through
from perpmesh.execution.domain.words import Side
from perpmesh.kernel.instrument import Instrument

D = Decimal


def instrument(step: str = "0.001", least: str = "0.001", notional: str = "50", most: str = "120") -> Instrument:
    return Instrument(
        symbol="BTCUSDT", tick=D("0.1"), step=D(step), min_quantity=D(least), max_quantity=D(1000),
        market_max_quantity=D(most), min_notional=D(notional),
    )  # fmt: skip


steps = st.sampled_from(["0.001", "0.01", "1", "10"])
shares = st.lists(st.integers(1, 10_000), min_size=1, max_size=5)
prices = st.decimals(D("0.5"), D(100_000), places=1)


def wished(numbers: list[int]) -> tuple[Rung, ...]:
    text = ",".join(f"{D(number) / 10_000:f}@{place}" for place, number in enumerate(numbers, 1))
    return rungs_of(text)


@given(shares)
def test_a_ladder_never_takes_more_than_the_whole(numbers: list[int]):
    rungs = wished(numbers)
    assert 0 < sum(rung.share for rung in rungs) <= 1
    assert [rung.multiple for rung in rungs] == sorted(rung.multiple for rung in rungs)


@given(st.integers(1, 5_000), steps, shares, prices, st.integers(0, 4), st.sampled_from(["0", "5", "50", "100"]))
def test_what_remains_after_each_rung_is_nothing_or_can_be_traded(size, step, numbers, price, done, notional):
    """Also when some rungs are taken already, and for every price down to the lowest that it was told of."""
    it = instrument(step, step, notional)
    whole, rungs = size * it.step, wished(numbers)
    runner, still = 1 - sum(rung.share for rung in rungs), rungs[done:]
    assume(still)
    left = whole
    for rung, quantity in (taken := quantities(whole, still, runner, it, price)).items():
        left -= quantity
        assert rung in still
        assert quantity % it.step == 0
        assert it.min_quantity <= quantity <= it.market_max_quantity
        assert left >= 0
        assert left == 0 or (left >= it.min_quantity and left * price >= it.min_notional)
    assert list(taken) == [rung for rung in still if rung in taken]
    if not runner and it.min_notional / price <= whole <= it.market_max_quantity and whole >= it.min_quantity:
        assert left == 0  # shares of the whole leave nothing


def test_shares_are_cut_at_steps_and_the_last_rung_takes_what_is_left():
    rungs = rungs_of("0.3@2,0.5@1,0.2@4")
    assert quantities(D("0.013"), rungs, D(0), instrument(), D(60_000)) == {
        Rung(D("0.5"), D(1)): D("0.006"),
        Rung(D("0.3"), D(2)): D("0.004"),
        Rung(D("0.2"), D(4)): D("0.003"),
    }


def test_a_remainder_that_could_not_be_traded_goes_with_the_rung_before_it():
    rungs = rungs_of("0.7@1")
    assert quantities(D("0.002"), rungs, D("0.3"), instrument(), D(30_000)) == {}  # half of it would be 30 USDT
    assert quantities(D("0.003"), rungs, D("0.3"), instrument(), D(30_000)) == {rungs[0]: D("0.003")}
    assert quantities(D("0.003"), rungs, D("0.3"), instrument(), D(60_000)) == {rungs[0]: D("0.002")}


def test_a_share_too_small_by_itself_goes_to_the_next_rung():
    near, far = rungs_of("0.1@1,0.9@3")
    assert quantities(D("0.005"), (near, far), D(0), instrument(), D(60_000)) == {far: D("0.005")}


def test_what_one_market_order_cannot_take_is_left_for_later():
    [rung] = rungs_of("1@1")
    assert quantities(D(200), [rung], D(0), instrument(most="120"), D(60_000)) == {rung: D(120)}


def test_rungs_are_so_many_r_from_the_entry_on_either_side():
    rung = Rung(D("0.5"), D("1.5"))
    assert trigger_of(rung, D(60_000), D(500), Side.BUY, instrument()) == D(60_750)
    assert trigger_of(rung, D(60_000), D(500), Side.SELL, instrument()) == D(59_250)


def test_what_stands_a_step_off_the_plan_may_stay_but_not_when_it_leaves_dust():
    rung, it = Rung(D(1), D(1)), instrument()
    least = least_quantity(it, D(30_000))
    assert least == D("0.002")
    assert is_settled({rung: D("0.008")}, {rung: D("0.009")}, D("0.010"), least, it.step)
    assert not is_settled({rung: D("0.009")}, {rung: D("0.010")}, D("0.010"), least, it.step)  # 0.001 would remain
    assert not is_settled({rung: D("0.007")}, {rung: D("0.009")}, D("0.010"), least, it.step)
    assert not is_settled({}, {rung: D("0.009")}, D("0.010"), least, it.step)
    assert not is_settled({rung: D("0.011")}, {rung: D("0.010")}, D("0.010"), least, it.step)  # more than there is


# Stops that follow.

RULES = Following(
    break_even_at=D(1), costs=D("0.001"), trail_from=D(2), trail_distance=D(1), least_step=D("0.0005")
)  # fmt: skip
marks = st.lists(st.integers(55_000, 70_000).map(D), min_size=1, max_size=40)


def stand(side: Side, stop: Decimal) -> Stand:
    return Stand(side=side, entry=D(60_000), risk=D(500), stop=stop)


def path(side: Side, walk: list[Decimal]) -> list[Decimal]:
    """Return where the stop stands after each mark, until the market passes it."""
    stop, stops = D(60_000) - side.sign * 500, []
    for mark in walk:
        if is_through(stop, mark, side):
            break
        stop = followed(stand(side, stop), mark, RULES, instrument(), may_trail=True)
        stops.append(stop)
    return stops


@given(st.sampled_from(Side), marks)
def test_a_stop_only_ever_gets_tighter_and_never_stands_through_the_mark(side: Side, walk: list[Decimal]):
    stops = path(side, walk)
    for before, after in pairwise(stops):
        assert tighter(before, after, side) == after
    for mark, stop in zip(walk, stops, strict=False):
        assert not is_through(stop, mark, side)
        assert stop % instrument().tick == 0


@given(marks)
def test_a_short_is_a_long_in_the_mirror(walk: list[Decimal]):
    long = path(Side.BUY, walk)
    short = path(Side.SELL, [120_000 - mark for mark in walk])
    flat = Following(trail_from=D(1), trail_distance=D(1))
    assert len(long) == len(short)
    for one, other in zip(long, short, strict=True):
        assert one + other == 120_000
    assert followed(stand(Side.BUY, D(59_500)), D(61_000), flat, instrument(), may_trail=True) == D(60_500)


def test_break_even_pays_the_way_in_and_out_and_waits_for_nothing():
    for side, mark, stop, wished_ in [(Side.BUY, 60_500, 59_500, 60_060), (Side.SELL, 59_500, 60_500, 59_940)]:
        before = stand(side, D(stop))
        assert followed(before, D(mark), RULES, instrument(), may_trail=False) == wished_
        assert followed(before, D(mark - side.sign), RULES, instrument(), may_trail=False) == stop


def test_a_stop_trails_in_steps_and_not_before_its_time():
    before = stand(Side.BUY, D(60_060))
    assert followed(before, D(61_000), RULES, instrument(), may_trail=False) == D(60_060)
    trailed = followed(before, D(61_000), RULES, instrument(), may_trail=True)
    assert trailed == D(60_500)
    assert followed(stand(Side.BUY, trailed), D(61_030), RULES, instrument(), may_trail=True) == trailed
    assert followed(stand(Side.BUY, trailed), D(61_031), RULES, instrument(), may_trail=True) == D(60_531)


def test_without_a_risk_or_a_price_nothing_follows():
    assert followed(stand(Side.BUY, D(59_000)), D(0), RULES, instrument(), may_trail=True) == D(59_000)
    no_risk = Stand(side=Side.BUY, entry=D(60_000), risk=D(0), stop=D(59_000))
    assert followed(no_risk, D(70_000), RULES, instrument(), may_trail=True) == D(59_000)
    assert followed(stand(Side.BUY, D(59_000)), D(70_000), Following(), instrument(), may_trail=True) == D(59_000)


def test_a_trade_grows_old_in_market_time():
    assert is_overdue(1_000, 61_000, 60_000)
    assert not is_overdue(1_000, 60_999, 60_000)
    assert not is_overdue(1_000, 10**9, 0)  # no limit
    assert not is_overdue(0, 10**9, 60_000)  # its first fill is not known yet
