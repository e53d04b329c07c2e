"""The emergency stop: latched, durable, joined by everybody who pulls it, and lifted by two."""

import asyncio
from decimal import Decimal

import pytest

from perpmesh.kernel.errors import Forbidden, Refused, Unauthenticated, Unavailable
from perpmesh.risk_safety.application.reset import ResetOrder
from perpmesh.risk_safety.domain.ess import TRANSITIONS, EssState, Latch, Release, Stage, Step, Trigger, TripMode
from perpmesh.risk_safety.domain.losses import TradeFigures
from perpmesh.risk_safety.domain.report import Acknowledgement, Verdict

from .conftest import MARKET_MS, Life, turns

ORDER = ResetOrder(
    reason="checked, all is well", stage=Stage.PAPER, operator_token="operator:ann", approver_token="approver:bob"
)


def reset(**other: object) -> ResetOrder:
    return ResetOrder(**{**{f: getattr(ORDER, f) for f in ORDER.__slots__}, **other})  # type: ignore[arg-type]


@pytest.mark.parametrize("state", EssState)
@pytest.mark.parametrize("step", Step)
def test_a_step_that_is_not_in_the_table_is_refused(state: EssState, step: Step):
    latch = Latch(state=state, stage=Stage.FULL)
    act = {Step.RELEASE: lambda: latch.released(Release()), Step.RESET: lambda: latch.reset(Stage.PAPER)}
    if step is Step.TRIP:
        return
    if (state, step) in TRANSITIONS:
        assert act[step]().state is TRANSITIONS[state, step]
    else:
        with pytest.raises(Refused, match=state.value):
            act[step]()


async def test_a_trip_with_nobody_holding_answers_at_once(life: Life):
    outcome = await life.trip()
    assert not outcome.already_tripped
    assert outcome.release.by == "none"
    assert outcome.trip.order.trigger is Trigger.MANUAL
    assert life.core.ess.latch.state is EssState.TRIPPED


async def test_a_trip_is_durable_and_revoked_before_anybody_waits(life: Life):
    pushed: list = []
    life.core.desk.attach(pushed.append)
    await life.ask()
    trip = life.trip(TripMode.FLATTEN)
    await turns()
    assert life.store.latch is not None
    assert life.store.latch.state is EssState.TRIPPING
    assert [(a.verdict, a.mode, a.epoch, a.reason) for a in pushed] == [(Verdict.REVOKED, TripMode.FLATTEN, 2, "drill")]
    assert not trip.done()
    await life.acknowledge(canceled_orders=("pm-e-1",), open_positions=("BTCUSDT",), protected_positions=("BTCUSDT",))
    outcome = await trip
    assert outcome.release == Release(
        by="acknowledged", canceled_orders=("pm-e-1",), open_positions=("BTCUSDT",), protected_positions=("BTCUSDT",)
    )
    assert (await life.ask()).verdict is Verdict.REVOKED


async def test_a_frozen_holder_is_waited_out(life: Life):
    await life.ask(open_positions=("ETHUSDT",))
    trip = life.trip()
    await turns()
    life.advance(2_099)
    await turns()
    assert not trip.done()
    life.advance(1)
    outcome = await trip
    assert (outcome.release.by, outcome.release.open_positions) == ("expired", ("ETHUSDT",))


async def test_an_acknowledgement_of_somebody_else_releases_nobody(life: Life):
    await life.ask()
    trip = life.trip()
    await turns()
    await life.acknowledge("somebody")
    await turns()
    assert not trip.done()
    await life.acknowledge()
    assert (await trip).release.by == "acknowledged"


async def test_two_who_pull_at_once_share_one_trip(life: Life):
    await life.ask()
    first, second = life.trip(), life.trip()
    await turns()
    await life.acknowledge()
    one, two = await asyncio.gather(first, second)
    assert one.trip == two.trip
    assert (one.already_tripped, two.already_tripped) == (False, True)
    assert len(life.store.trips) == 1
    third = await life.trip()
    assert (third.already_tripped, third.trip, third.release) == (True, one.trip, one.release)


async def test_the_same_request_again_is_the_same_trip_not_an_earlier_one(life: Life):
    first = await life.trip(request_id="r1")
    again = await life.trip(request_id="r1")
    assert (first.already_tripped, again.already_tripped) == (False, False)
    assert again.trip == first.trip


async def test_an_acknowledgement_repeated_long_after_releases_nothing_and_tells_nothing(life: Life):
    await life.ask()
    first = life.trip()
    await turns()
    old = Acknowledgement(epoch=life.core.ess.latch.epoch, canceled_orders=("old",))
    await life.ask(acknowledged=old)
    await first
    await life.core.reset(ORDER)
    assert (await life.ask(acknowledged=old)).verdict is Verdict.GRANTED
    second = life.trip()
    await turns()
    await life.ask(acknowledged=old)
    await turns()
    assert not second.done()
    await life.acknowledge(canceled_orders=("new",))
    assert (await second).release.canceled_orders == ("new",)


async def test_flatten_after_block_is_not_ignored(life: Life):
    pushed: list = []
    await life.trip()
    life.core.desk.attach(pushed.append)
    outcome = await life.trip(TripMode.FLATTEN)
    assert outcome.already_tripped
    assert outcome.trip.order.mode is TripMode.FLATTEN
    assert [(answer.verdict, answer.mode, answer.epoch) for answer in pushed] == [
        (Verdict.REVOKED, TripMode.FLATTEN, 3)  # a new epoch: holders honour a revocation once for each
    ]
    assert (await life.trip(TripMode.BLOCK)).trip.order.mode is TripMode.FLATTEN


async def test_a_trip_survives_the_death_of_the_process(life: Life):
    """I8."""
    await life.ask()
    trip = life.trip()
    await turns()
    trip.cancel()
    await life.start()
    assert life.core.ess.latch.state is EssState.TRIPPING
    assert (await life.ask()).verdict is Verdict.REVOKED
    joined = life.trip()
    await turns()
    await life.acknowledge()  # of a lease this life knows nothing of: somebody else may hold one too
    await turns()
    assert not joined.done()
    life.advance(2_100)
    outcome = await joined
    assert (outcome.already_tripped, outcome.release.by) == (True, "expired")
    await life.start()
    assert life.core.ess.latch.state is EssState.TRIPPED
    assert life.core.ess.latch.trip == outcome.trip


async def test_a_trip_that_nobody_waits_for_is_finished_by_the_watch(life: Life):
    await life.ask()
    life.core.losses.take(TradeFigures(consecutive_losses=8))
    await life.core.watch.tick()
    assert life.core.ess.latch.state is EssState.TRIPPING
    life.advance(2_100)
    await life.core.watch.tick()
    assert life.core.ess.latch.state is EssState.TRIPPED


async def test_a_trip_that_cannot_be_written_blocks_all_the_same_and_is_tried_again(life: Life):
    pushed: list = []
    life.core.desk.attach(pushed.append)
    life.store.broken = True
    with pytest.raises(Unavailable, match="not durable"):
        await life.trip()
    assert [(answer.verdict, answer.reason) for answer in pushed] == [(Verdict.WITHHELD, "TRIPPING")]
    assert (await life.ask()).reason == "TRIPPING"
    assert not life.core.desk.status().can_execute
    life.store.broken = False
    await life.core.watch.tick()
    assert life.core.ess.latch.state is EssState.TRIPPED


async def test_a_loss_limit_pulls_the_stop_by_itself(life: Life):
    await life.ask(equity=Decimal(10_000))
    answer = await life.ask(equity=Decimal(9_700), market_time_ms=MARKET_MS + 1)
    assert (answer.verdict, answer.reason) == (Verdict.WITHHELD, "LIMIT_BREACHED")
    await life.core.watch.tick()
    trip = life.core.ess.latch.trip
    assert trip is not None
    assert (trip.order.trigger, trip.order.actor) == (Trigger.DAILY_LOSS, "risk_safety")
    assert trip.order.evidence["loss"] == "0.03"
    assert trip.order.market_time_ms == MARKET_MS + 1


async def test_the_watch_wakes_when_a_limit_is_reached(life: Life):
    keeping = asyncio.ensure_future(life.core.watch.keep())
    await turns()
    life.core.losses.take(TradeFigures(consecutive_losses=8))
    life.core.watch.look()
    await turns()
    assert life.core.ess.latch.state is EssState.TRIPPED
    keeping.cancel()


@pytest.mark.parametrize(
    ("said", "lasts_ms", "trigger"),
    [
        ({"unprotected_positions": 1}, 5_500, Trigger.UNPROTECTED_POSITION),
        ({"ledger_mismatch": "0.5 BTC"}, 9_500, Trigger.LEDGER_MISMATCH),
        ({"price_age_ms": 2_500, "open_positions": ("BTCUSDT",)}, 30_500, Trigger.STALE_DATA),
        ({"execution_errors": 5}, 0, Trigger.EXECUTION_ERRORS),
    ],
)
async def test_what_lasts_too_long_pulls_the_stop_and_no_sooner(
    life: Life, said: dict, lasts_ms: int, trigger: Trigger
):
    for _ in range(lasts_ms // 500):
        await life.ask(**said)
        await life.core.watch.tick()
        assert life.core.ess.latch.state is EssState.ARMED
        life.advance(500)
    await life.ask(**said)
    await life.core.watch.tick()
    trip = life.core.ess.latch.trip
    assert trip is not None
    assert trip.order.trigger is trigger


async def test_a_mismatch_that_heals_in_between_pulls_nothing(life: Life):
    for round_ in range(60):
        await life.ask(ledger_mismatch="" if round_ % 10 == 0 else "0.5 BTC")
        await life.core.watch.tick()
        life.advance(500)
    assert life.core.ess.latch.state is EssState.ARMED


async def test_stale_prices_without_a_position_withhold_but_do_not_trip(life: Life):
    for _ in range(100):
        assert (await life.ask(price_age_ms=60_000)).reason == "PRICES_STALE"
        await life.core.watch.tick()
        life.advance(500)
    assert life.core.ess.latch.state is EssState.ARMED


async def test_a_reset_arms_again_in_the_stage_that_two_people_signed(life: Life):
    """T10."""
    await life.trip()
    await life.core.reset(ORDER)
    latch = life.core.ess.latch
    assert (latch.state, latch.stage, latch.epoch, latch.trip, latch.trip_count) == (
        EssState.ARMED,
        Stage.PAPER,
        3,
        None,
        1,
    )
    record = life.store.resets[0]
    assert (record.operator, record.approver, record.reason) == ("ann", "bob", "checked, all is well")
    answer = await life.ask()
    assert (answer.verdict, answer.stage, answer.epoch) == (Verdict.GRANTED, Stage.PAPER, 3)
    await life.core.reset(reset(stage=Stage.FULL))  # the next stage, while armed
    assert (await life.ask()).stage is Stage.FULL


@pytest.mark.parametrize(
    ("other", "error", "field"),
    [
        ({"operator_token": "nonsense"}, Unauthenticated, "operator_token"),
        ({"approver_token": "nonsense"}, Unauthenticated, "approver_token"),
        ({"operator_token": "approver:ann"}, Forbidden, "operator_token"),
        ({"approver_token": "operator:bob"}, Forbidden, "approver_token"),
        ({"approver_token": "approver:ann"}, Forbidden, "approver_token"),
    ],
)
async def test_a_reset_without_two_different_signatures_changes_nothing(
    life: Life, other: dict, error: type, field: str
):
    await life.trip()
    with pytest.raises(error) as refusal:
        await life.core.reset(reset(**other))
    assert refusal.value.field == field
    assert life.core.ess.latch.state is EssState.TRIPPED
    assert not life.store.resets


async def test_a_reset_while_holders_are_still_letting_go_is_refused(life: Life):
    await life.ask()
    trip = life.trip()
    await turns()
    with pytest.raises(Refused, match="tripping"):
        await life.core.reset(ORDER)
    await life.acknowledge()
    await trip


async def test_a_reset_is_refused_while_its_cause_persists(life: Life):
    await life.ask(execution_errors=5)
    await life.core.watch.tick()
    with pytest.raises(Refused, match="failed orders") as refusal:
        await life.core.reset(ORDER)
    assert refusal.value.reason == "CAUSE_PERSISTS"
    await life.ask(execution_errors=2)
    await life.core.reset(ORDER)
    assert life.core.ess.latch.state is EssState.ARMED


async def test_after_a_reset_the_loss_that_tripped_does_not_trip_again_and_a_new_one_does(life: Life):
    await life.ask(equity=Decimal(10_000))
    await life.ask(equity=Decimal(9_600))
    await life.core.watch.tick()
    await life.acknowledge(equity=Decimal(9_600))
    await life.core.watch.tick()
    await life.core.reset(ORDER)
    assert (await life.ask(equity=Decimal(9_600))).verdict is Verdict.GRANTED
    await life.settled()  # and not after a restart either
    assert (await life.ask(equity=Decimal(9_600))).verdict is Verdict.GRANTED
    assert (await life.ask(equity=Decimal(9_312))).reason == "LIMIT_BREACHED"
