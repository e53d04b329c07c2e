"""Every trigger of the stop, by one table: under its limit, at it, what it leaves as evidence, and when it is over."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from perpmesh.kernel.errors import Refused
from perpmesh.risk_safety.application.reset import ResetOrder
from perpmesh.risk_safety.domain.ess import EssState, Stage, Trigger
from perpmesh.risk_safety.domain.losses import TradeFigures

from .conftest import MARKET_MS, Life

D = Decimal
HELD = {"open_positions": ("BTCUSDT",)}
ORDER = ResetOrder(
    reason="checked, all is well", stage=Stage.PAPER, operator_token="operator:ann", approver_token="approver:bob"
)
ROUND_MS = 500


@dataclass(frozen=True)
class Row:
    """One trigger. `under` and `over` are what execution reports, for as many rounds of 500 ms; `half` is on its way back."""

    trigger: Trigger
    under: Mapping[str, Any]
    over: Mapping[str, Any]
    measured: str
    limit: str
    window: str
    rounds_under: int = 1
    rounds_over: int = 1
    half: Mapping[str, Any] | None = None  # no longer over the limit, and not over either
    healed: Mapping[str, Any] = field(default_factory=dict)
    rounds_healed: int = 1
    policies: Mapping[str, str] = field(default_factory=dict)


def lasting(trigger: Trigger, wrong: Mapping[str, Any], limit_ms: int, healed_ms: int) -> Row:
    """A row of something that must not last: exactly its limit is allowed, a round more is not."""
    rounds = limit_ms // ROUND_MS + 1
    return Row(
        trigger, wrong, wrong, f"{limit_ms + ROUND_MS} ms", f"{limit_ms} ms", "without a break",
        rounds_under=rounds, rounds_over=rounds + 1, half={}, rounds_healed=healed_ms // ROUND_MS + 1,
    )  # fmt: skip


WIDE = {"ess.max_daily_loss_pct": "0.5", "ess.max_weekly_loss_pct": "0.5"}
TABLE = (
    Row(
        Trigger.DAILY_LOSS, {"equity": D("9700.01")}, {"equity": D(9_700)}, "0.03", "0.03", "the market day (UTC)",
        healed={"equity": D(9_700)},
    ),
    Row(
        Trigger.WEEKLY_LOSS, {"equity": D("9400.01")}, {"equity": D(9_400)}, "0.06", "0.06", "the market week (UTC)",
        healed={"equity": D(9_400)}, policies={"ess.max_daily_loss_pct": "0.5"},
    ),
    Row(
        Trigger.DRAWDOWN, {"equity": D("9000.01")}, {"equity": D(9_000)}, "0.1", "0.1", "since the highest equity",
        healed={"equity": D(9_000)}, policies=WIDE,
    ),
    Row(
        Trigger.EXECUTION_ERRORS, {"execution_errors": 4}, {"execution_errors": 5}, "5", "5", "15 minutes",
        half={"execution_errors": 3}, healed={"execution_errors": 2},
    ),
    lasting(Trigger.UNPROTECTED_POSITION, {"unprotected_positions": 1, **HELD}, 5_000, 5_000),
    lasting(Trigger.LEDGER_MISMATCH, {"ledger_mismatch": "0.5 BTC"}, 9_000, 9_000),
    lasting(Trigger.STALE_DATA, {"price_age_ms": 2_001, **HELD}, 30_000, 10_000),
)  # fmt: skip


@pytest.fixture(params=TABLE, ids=lambda row: row.trigger.value)
def row(request) -> Row:
    return request.param


@pytest.fixture
async def watched(life: Life, row: Row) -> Life:
    for key, value in row.policies.items():
        await life.set(key, value)
    await life.ask()
    return life


async def reported(life: Life, said: Mapping[str, Any], rounds: int) -> None:
    """Let execution report the same for so many rounds; the time between two is 500 ms, after the last none."""
    for left in range(rounds, 0, -1):
        await life.ask(market_time_ms=MARKET_MS + 1, **said)
        await life.core.watch.tick()
        if left > 1:
            life.advance(ROUND_MS)


async def trip_over(life: Life, row: Row) -> None:
    await reported(life, row.over, row.rounds_over)
    assert life.core.ess.latch.trip is not None
    life.advance(2_100)  # nobody acknowledges
    await life.core.watch.tick()
    assert life.core.ess.latch.state is EssState.TRIPPED


def test_every_trigger_but_a_word_and_a_run_of_losses_is_reported_by_execution():
    assert {row.trigger for row in TABLE} | {Trigger.MANUAL, Trigger.CONSECUTIVE_LOSSES} == set(Trigger)


async def test_under_its_limit_nothing_trips(watched: Life, row: Row):
    await reported(watched, row.under, row.rounds_under)
    assert watched.core.ess.latch.state is EssState.ARMED


async def test_at_its_limit_it_trips_and_shows_what_was_measured_and_over_which_window(watched: Life, row: Row):
    await reported(watched, row.over, row.rounds_over)
    trip = watched.core.ess.latch.trip
    assert trip is not None
    order = trip.order
    assert (order.trigger, order.actor, order.market_time_ms) == (row.trigger, "risk_safety", MARKET_MS + 1)
    assert trip.at_ms == watched.clock.now_ms()
    shown = order.evidence
    assert (shown["measured"], shown["limit"], shown["window"]) == (row.measured, row.limit, row.window)
    assert shown["stage"] == "full"


async def test_no_longer_over_the_limit_is_not_over(watched: Life, row: Row):
    if row.half is None:
        return  # a loss is measured anew from the reset
    await trip_over(watched, row)
    await reported(watched, row.half, max(1, row.rounds_healed - 1))
    with pytest.raises(Refused) as refusal:
        await watched.core.reset(ORDER)
    assert refusal.value.reason == "CAUSE_PERSISTS"


async def test_after_recovery_two_people_may_reset_and_what_tripped_does_not_trip_again(watched: Life, row: Row):
    await trip_over(watched, row)
    await reported(watched, row.healed, row.rounds_healed)
    await watched.core.reset(ORDER)
    await reported(watched, row.healed, 3)
    assert watched.core.ess.latch.state is EssState.ARMED


async def test_silence_is_no_recovery(watched: Life, row: Row):
    await trip_over(watched, row)
    watched.advance(60_000)
    if row.half is None:
        await watched.core.reset(ORDER)
        return
    with pytest.raises(Refused, match="nobody knows"):
        await watched.core.reset(ORDER)
    await watched.settled()  # nor is a restart
    with pytest.raises(Refused, match="nobody knows"):
        await watched.core.reset(ORDER)


async def test_a_run_of_losing_trades_trips_at_its_length_and_a_reset_counts_from_nought(life: Life):
    await life.ask()
    for losses, state in ((7, EssState.ARMED), (8, EssState.TRIPPING)):
        life.core.losses.take(TradeFigures(sequence=losses, consecutive_losses=losses, newest_pnl=D(-5)))
        await life.core.watch.tick()
        assert life.core.ess.latch.state is state
    trip = life.core.ess.latch.trip
    assert trip is not None
    shown = trip.order.evidence
    assert (shown["measured"], shown["limit"], shown["window"]) == ("8", "8", "trades closed without a gain")
    await life.acknowledge()
    await life.core.watch.tick()
    await life.core.reset(ORDER)
    assert life.core.losses.trades.consecutive_losses == 0


async def test_a_word_needs_no_limit_and_no_recovery(life: Life):
    await life.trip()
    await life.core.reset(ORDER)
    assert life.core.ess.latch.state is EssState.ARMED
