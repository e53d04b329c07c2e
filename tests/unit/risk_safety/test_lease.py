"""The entry lease: granted only when everything that must be known is known and fresh."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpmesh.risk_safety.domain.ess import Stage
from perpmesh.risk_safety.domain.leases import FULL_LEASE_MS, MARGIN_MS, LeaseBook
from perpmesh.risk_safety.domain.losses import TradeFigures
from perpmesh.risk_safety.domain.policy_catalogue import CATALOGUE
from perpmesh.risk_safety.domain.report import Verdict
from perpmesh.risk_safety.domain.vigil import Vigil

from .conftest import Life, report


async def test_a_holder_with_nothing_wrong_is_granted_a_lease(life: Life):
    answer = await life.ask(request_sequence=7)
    assert answer.verdict is Verdict.GRANTED
    assert (answer.request_sequence, answer.valid_for_ms, answer.epoch) == (7, 2_000, 1)
    assert (answer.stage, answer.policy_revision) == (Stage.FULL, 0)
    status = life.core.desk.status()
    assert status.can_execute
    assert status.lease_holders == 1


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"equity": None}, "EQUITY_UNKNOWN"),
        ({"equity": Decimal(0)}, "EQUITY_UNKNOWN"),
        ({"market_time_ms": 0}, "MARKET_TIME_UNKNOWN"),
        ({"reconciled": False}, "NOT_RECONCILED"),
        ({"ledger_mismatch": "0.001 BTC"}, "LEDGER_MISMATCH"),
        ({"newest_trade_sequence": 1}, "TRADES_BEHIND"),
        ({"price_age_ms": 2_001}, "PRICES_STALE"),
        ({"price_age_ms": -1}, "PRICES_STALE"),
        ({"execution_errors": 5}, "LIMIT_BREACHED"),
    ],
)
async def test_what_is_not_known_or_not_fresh_withholds_the_lease(life: Life, said: dict, reason: str):
    answer = await life.ask(**said)
    assert (answer.verdict, answer.reason, answer.valid_for_ms) == (Verdict.WITHHELD, reason, 0)
    assert life.core.desk.status().lease_holders == 0
    assert not life.core.desk.status().can_execute


async def test_nothing_is_granted_until_the_newest_trade_is_counted(life: Life):
    assert (await life.ask(newest_trade_sequence=3)).reason == "TRADES_BEHIND"
    life.core.losses.take(TradeFigures(sequence=2))
    assert (await life.ask(newest_trade_sequence=3)).reason == "TRADES_BEHIND"
    life.core.losses.take(TradeFigures(sequence=3))
    assert (await life.ask(newest_trade_sequence=3)).verdict is Verdict.GRANTED


async def test_in_stage_shadow_nothing_is_granted():
    life = Life()
    await life.start(Stage.SHADOW)
    life.advance(2_100)
    assert (await life.ask()).reason == "STAGE_SHADOW"


async def test_a_pause_takes_the_lease_back_at_once_and_survives_a_restart(life: Life):
    pushed: list = []
    life.core.desk.attach(pushed.append)
    await life.ask()
    await life.core.ess.pause(paused=True)
    assert [(a.verdict, a.reason, a.request_sequence) for a in pushed] == [(Verdict.WITHHELD, "PAUSED", 0)]
    assert not life.core.desk.status().can_execute
    await life.settled()
    assert (await life.ask()).reason == "PAUSED"
    await life.core.ess.pause(paused=False)
    assert (await life.ask()).verdict is Verdict.GRANTED


async def test_a_second_holder_waits_until_the_first_ones_lease_has_run_out(life: Life):
    await life.ask(holder_id="old")
    assert (await life.ask(holder_id="new")).reason == "OTHER_HOLDER"
    life.advance(2_000)
    assert (await life.ask(holder_id="new")).reason == "OTHER_HOLDER"  # the margin
    life.advance(100)
    assert (await life.ask(holder_id="new")).verdict is Verdict.GRANTED
    assert (await life.ask(holder_id="old")).reason == "OTHER_HOLDER"


async def test_after_a_restart_nobody_is_granted_for_one_full_lease():
    life = Life()
    await life.start()
    life.advance(2_099)
    assert (await life.ask()).reason == "OTHER_HOLDER"
    life.advance(1)
    assert (await life.ask()).verdict is Verdict.GRANTED


async def test_a_wall_clock_that_jumps_changes_no_lease(life: Life):
    await life.ask(holder_id="old")
    life.clock.step_wall(3_600_000)
    assert (await life.ask(holder_id="new")).reason == "OTHER_HOLDER"
    life.clock.step_wall(-7_200_000)
    life.advance(2_100)
    assert (await life.ask(holder_id="new")).verdict is Verdict.GRANTED


async def test_a_position_may_be_unprotected_for_a_moment_and_then_it_trips(life: Life):
    for _ in range(11):
        assert (await life.ask(unprotected_positions=1)).verdict is Verdict.GRANTED
        life.advance(500)
    answer = await life.ask(unprotected_positions=1)
    assert (answer.verdict, answer.reason) == (Verdict.WITHHELD, "LIMIT_BREACHED")


def test_no_lease_can_outlast_the_time_an_unknown_holder_is_waited_for():
    assert CATALOGUE["risk.lease_ms"].maximum == FULL_LEASE_MS
    assert CATALOGUE["risk.lease_ms"].default == FULL_LEASE_MS


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1_000, 2_000), st.integers(0, 3_000)), min_size=1))
def test_the_book_never_calls_a_lease_over_that_its_holder_may_still_use(grants):
    book, now, ends = LeaseBook(0), 10_000, {}
    for holder, valid_ms, pause in grants:
        book.grant(holder, 1, now, valid_ms)
        ends[holder] = max(ends.get(holder, 0), now + valid_ms)
        now += pause
        longest = max(ends.values())
        assert book.busy_until(now) is not None or longest < now
        assert {lease.holder_id for lease in book.live(now)} >= {name for name, end in ends.items() if end >= now}


def test_an_acknowledgement_of_an_older_epoch_ends_no_newer_lease():
    book = LeaseBook(0)
    book.grant("a", 3, 10_000, 2_000)
    assert not book.acknowledge("a", 2)
    assert book.busy_until(10_001) == 12_000 + MARGIN_MS
    assert book.acknowledge("a", 4)
    assert book.busy_until(10_001) is None


def test_what_nobody_reported_on_is_no_evidence_but_an_open_wound_stays_open(life: Life):
    patience, vigil = life.core.watch.patience, Vigil()
    bad = report(ledger_mismatch="1", unprotected_positions=1, price_age_ms=9_999, open_positions=("BTCUSDT",))
    vigil.hear(bad, 0, patience)
    assert vigil.breach(60_000, patience) is None  # silence
    vigil.hear(bad, 60_000, patience)
    breach = vigil.breach(60_000, patience)
    assert breach is not None
    assert breach.trigger.value == "unprotected position"
    vigil.hear(report(ledger_mismatch="1"), 60_500, patience)
    assert vigil.breach(60_500, patience) is None
