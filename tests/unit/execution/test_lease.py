"""The entry lease and its fence: signed first, the lease checked second, sent third."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpmesh.execution.application.entry_lease import EntryLease, Grant
from perpmesh.execution.domain.exchange_clock import ExchangeClock, Sample
from perpmesh.execution.domain.lease import MAX_WINDOW_MS, Lease, entry_window_ms
from perpmesh.execution.domain.words import OrderStatus, Stage
from perpmesh.kernel.errors import Refused, Unavailable
from perpmesh.kernel.time import ManualClock

from .bench import Bench

D = Decimal


@given(remaining=st.integers(-500, 3_000), error=st.integers(1, 400), off=st.integers(-400, 400))
def test_no_exchange_clock_within_the_doubt_takes_an_entry_after_the_lease(remaining: int, error: int, off: int):
    boot = 1_000_000
    lease = Lease(ends_boot_ms=boot + remaining, epoch=1, stage=Stage.FULL, policy_revision=1)
    window = entry_window_ms(lease, boot, error)
    assert 0 <= window <= MAX_WINDOW_MS
    if window and abs(off) <= error:
        # The estimate says boot + offset; the truth is `off` away from it. It takes until timestamp + window.
        last_taken_boot = boot + window + off
        assert last_taken_boot <= lease.ends_boot_ms


@given(
    truth=st.integers(-10_000, 10_000),
    trips=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), min_size=1, max_size=9),
)
def test_the_true_offset_is_within_the_stated_error(truth: int, trips: list[tuple[int, int]]):
    clock, boot = ExchangeClock(), 1_000_000
    for there, back in trips:
        clock.add(Sample(boot, boot + there + truth, boot + there + back))
        boot += there + back
    assert abs(clock.now_ms(boot) - (boot + truth)) <= clock.error_ms(boot)


@given(age=st.integers(0, 300_000), ppm=st.integers(-200, 200))
def test_the_true_offset_stays_within_the_stated_error_while_the_clocks_drift_apart(age: int, ppm: int):
    clock, sampled = ExchangeClock(), 1_000_000
    clock.add(Sample(sampled, sampled, sampled))
    truth = sampled + age + age * ppm // 1_000_000
    assert abs(clock.now_ms(sampled + age) - truth) <= clock.error_ms(sampled + age)


async def test_a_process_frozen_between_check_and_send_is_answered_minus_1021(bench: Bench):
    lease_check, frozen = bench.cases.lease.still_holds, []

    def freeze(lease: Lease) -> bool:
        holds = lease_check(lease)
        frozen.append(holds)
        bench.clock.advance(30_000)  # SIGSTOP
        return holds

    bench.cases.lease.still_holds = freeze  # type: ignore[method-assign]
    outcome = await bench.buy()
    assert frozen == [True]
    assert (outcome.order.status, outcome.order.error_code) == (OrderStatus.REJECTED, -1021)
    assert bench.amount() == 0


async def test_a_process_frozen_between_signing_and_check_sends_nothing(bench: Bench):
    sign = bench.venue.sign_entry

    def freeze(**fields):
        bench.clock.advance(30_000)
        return sign(**fields)

    bench.venue.sign_entry = freeze  # type: ignore[method-assign]
    with pytest.raises(Refused) as refused:
        await bench.buy()
    assert refused.value.reason == "LEASE_EXPIRED"
    assert bench.venue.asked["send_entry"] == 0


async def test_the_window_of_an_entry_ends_before_the_lease(bench: Bench):
    bench.clock.advance(1_500)  # of 2,000
    await bench.buy()
    [entry] = bench.venue.entries
    assert entry["window_ms"] <= 500


async def test_an_entry_uses_the_exchanges_clock(bench: Bench):
    bench.venue.skew_ms = 300
    bench.cases.tools.desk.exchange_clock.forget()
    await bench.cases.upkeep.once()
    bench.lend()
    await bench.buy()
    [entry] = bench.venue.entries
    assert abs(entry["timestamp_ms"] - bench.venue.now_ms()) < 50


@pytest.fixture
def held() -> tuple[EntryLease, ManualClock]:
    clock = ManualClock()

    async def sleep(seconds: float) -> None:
        clock.advance(int(seconds * 1000) + 1)

    return EntryLease(clock, sleep), clock


def grant(sequence: int, epoch: int = 1) -> Grant:
    return Grant(sequence=sequence, valid_for_ms=2_000, epoch=epoch, stage=Stage.FULL, policy_revision=1)


def test_a_lease_counts_from_the_asking_however_late_the_answer(held):
    lease, clock = held
    lease.asked(1)
    clock.advance(1_900)
    lease.granted(grant(1))
    assert lease.current().remaining_ms(clock.boot_ms()) == 100


def test_an_answer_to_nothing_we_asked_grants_nothing(held):
    lease, _ = held
    lease.granted(grant(5))
    assert lease.current() is None


def test_a_grant_that_arrives_after_the_revocation_of_its_epoch_is_void(held):
    lease, _ = held
    lease.asked(1)
    lease.revoked(1, "tripped")
    lease.granted(grant(1, epoch=1))
    assert lease.current() is None


def test_a_step_of_the_wall_clock_changes_no_lease(held):
    lease, clock = held
    lease.asked(1)
    lease.granted(grant(1))
    clock.step_wall(-3_600_000)
    assert lease.current().remaining_ms(clock.boot_ms()) == 2_000


async def test_a_revocation_waits_for_what_is_in_flight(held):
    lease, clock = held
    before = clock.boot_ms()
    lease.departs("pm-e-1", 700)
    await lease.all_landed()
    assert clock.boot_ms() - before >= 700


async def test_a_revocation_waits_as_long_as_a_clock_within_the_doubt_may_let_the_entry_in(bench: Bench):
    bench.cases.tools.desk.exchange_clock.forget()
    now = bench.clock.boot_ms()
    bench.cases.tools.desk.exchange_clock.add(Sample(now - 400, bench.venue.now_ms() - 200, now))  # our doubt is 201 ms
    error = bench.cases.tools.desk.exchange_clock.error_ms(now)
    bench.venue.fault("send_entry", "lost")
    with pytest.raises(Unavailable):
        await bench.buy()
    [entry] = [order for order in bench.log.orders.values() if order.leg.name == "ENTRY"]
    await bench.cases.lease.all_landed()
    assert bench.clock.boot_ms() - now >= entry.window_ms + error


@pytest.mark.parametrize("code", [-1007, -1000, -1006])
async def test_a_refusal_that_says_nothing_of_the_outcome_does_not_count_as_landed(bench: Bench, code: int):
    bench.venue.fault("send_entry", code)
    with pytest.raises(Unavailable):
        await bench.buy()
    assert bench.cases.lease.lands_in_ms() > 0
    await bench.cases.lease.all_landed()
    assert bench.cases.lease.lands_in_ms() == 0


async def test_an_answered_entry_is_not_waited_for(held):
    lease, clock = held
    before = clock.boot_ms()
    lease.departs("pm-e-1", 700)
    lease.answered("pm-e-1")
    await lease.all_landed()
    assert clock.boot_ms() == before


async def test_a_revocation_cancels_what_could_add_risk_and_keeps_protection(bench: Bench):
    await bench.buy()
    bench.resting("BUY", "0.01", "50000", "human-1")
    honoured = await bench.cases.flatten.honour(1, "tripped")
    assert honoured.canceled == ["human-1"]
    assert honoured.open_positions == honoured.protected_positions == ["BTCUSDT"]
    assert bench.covered()
    with pytest.raises(Refused) as refused:
        await bench.buy("r2")
    assert "LEASE_MISSING" in refused.value.metadata["reasons"]


async def test_a_revocation_is_not_honoured_while_resting_entries_stand(bench: Bench):
    bench.resting("BUY", "0.01", "50000", "human-1")
    bench.venue.fault("cancel_order", "lost", "lost")
    honoured = await bench.cases.flatten.honour(1, "tripped")
    assert bench.venue.asked["cancel_order"] == 3
    assert honoured.canceled == ["human-1"]
    assert bench.engine.open_orders("me", "BTCUSDT") == ()


async def test_exits_go_out_without_any_lease(bench: Bench):
    await bench.buy()
    bench.cases.lease.revoked(1, "tripped")
    await bench.exit("x1", "SELL", "0.01")
    assert bench.amount() == 0
