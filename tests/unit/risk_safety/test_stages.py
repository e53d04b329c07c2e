"""The way back after a stop: a stage at a time, each earned, and back to the stop at any breach (T10)."""

import asyncio
import contextlib
import itertools
from decimal import Decimal

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from perpmesh.kernel.errors import Refused
from perpmesh.risk_safety.application.reset import ResetOrder
from perpmesh.risk_safety.config import gates
from perpmesh.risk_safety.domain.ess import EssState, Stage
from perpmesh.risk_safety.domain.report import Verdict
from perpmesh.risk_safety.domain.staging import LADDER, Standing, is_clean

from .conftest import MARKET_MS, Life, turns

MINUTES, TRADES = 2, 3
STEPS_A_MINUTE = 40  # of 1.5 s


def to(stage: Stage | None) -> ResetOrder:
    return ResetOrder(
        reason="checked, all is well", stage=stage, operator_token="operator:ann", approver_token="approver:bob"
    )


async def started(stage: Stage = Stage.SHADOW, **gated: bool) -> Life:
    life = Life()
    life.gates = {"gated": True, "live": False, **gated}
    await life.start(stage)
    life.advance(2_100)
    await life.set("ess.min_stage_minutes", str(MINUTES))
    await life.set("ess.min_stage_trades", str(TRADES))
    return life


async def healthy(life: Life, minutes: float, **said: object) -> None:
    """Let execution report for so long."""
    for _ in range(int(minutes * STEPS_A_MINUTE)):
        await life.ask(**said)
        life.advance(1_500)
        await life.core.stages.tick()
    await life.ask(**said)


async def trades(life: Life, *clean: bool) -> None:
    """Let trades be closed, as the events that tell of them are handled."""
    for each in clean:
        standing = life.core.stages.standing.closed(clean=each)
        life.store.standing = standing
        life.core.stages.adopt(standing)


async def earn(life: Life) -> None:
    await healthy(life, MINUTES + 0.1)
    await trades(life, *[True] * TRADES)


async def refusal_of(life: Life, stage: Stage) -> Refused:
    with pytest.raises(Refused) as refused:
        await life.core.reset(to(stage))
    assert refused.value.reason == "STAGE_GATE"
    return refused.value


async def test_from_a_trip_to_full_size_every_stage_is_earned_and_signed_for():
    """T10."""
    life = await started(Stage.FULL)
    await life.trip()
    await life.ask()
    for stage in LADDER[1:]:
        assert (await refusal_of(life, stage)).metadata["allowed"] == "SHADOW"
    await life.core.reset(to(Stage.SHADOW))
    for here, following in itertools.pairwise(LADDER):
        assert (await life.ask()).stage is here
        for above in LADDER[LADDER.index(here) + 1 :]:
            await refusal_of(life, above)
        await earn(life)
        for beyond in LADDER[LADDER.index(following) + 1 :]:
            assert (await refusal_of(life, beyond)).metadata["allowed"] == following.name
        await life.core.reset(to(following))
    assert life.core.ess.latch.stage is Stage.FULL
    assert [record.stage for record in life.store.resets] == list(LADDER)
    assert {(record.operator, record.approver) for record in life.store.resets} == {("ann", "bob")}


async def test_a_gate_says_what_is_missing_and_who_asked_is_in_the_refusal():
    life = await started(Stage.PAPER)
    await healthy(life, 1)
    await trades(life, True)
    state = life.core.stages.state()
    assert state.unmet == ("1 of 2 healthy minutes in PAPER", "1 of 3 clean trades in a row in PAPER")
    refusal = await refusal_of(life, Stage.QUARTER)
    assert "1 of 2 healthy minutes in PAPER; 1 of 3 clean trades in a row in PAPER" in str(refusal)
    assert (refusal.metadata["operator"], refusal.metadata["approver"]) == ("ann", "bob")
    assert life.core.ess.latch.stage is Stage.PAPER


async def test_shadow_asks_for_no_trades_since_it_makes_none():
    life = await started(Stage.SHADOW)
    await healthy(life, MINUTES + 0.1)
    await life.core.reset(to(Stage.PAPER))
    assert life.core.stages.standing == Standing(epoch=life.core.ess.latch.epoch)


@pytest.mark.parametrize(
    "wrong",
    [
        {"unprotected_positions": 1, "open_positions": ("BTCUSDT",)},
        {"ledger_mismatch": "0.5 BTC"},
        {"price_age_ms": 2_001, "open_positions": ("BTCUSDT",)},
        {"reconciled": False},
    ],
)
async def test_time_in_which_something_is_wrong_counts_for_nothing_and_shuts_the_gate(wrong: dict):
    life = await started(Stage.SHADOW)
    await healthy(life, 0.05, **wrong)
    assert life.core.stages.standing.healthy_ms <= 1_500  # at most the moment before the first report
    await healthy(life, MINUTES + 0.1)
    assert life.core.stages.state().unmet == ()
    await life.ask(**wrong)
    await refusal_of(life, Stage.PAPER)
    await life.ask()
    await life.core.reset(to(Stage.PAPER))


async def test_time_in_which_execution_is_silent_counts_for_nothing():
    life = await started(Stage.SHADOW)
    for _ in range(200):
        life.advance(1_500)
        await life.core.stages.tick()
    assert life.core.stages.standing.healthy_ms == 0
    assert "execution reports nothing" in life.core.stages.state().unmet


async def test_a_suspended_machine_earns_nothing():
    life = await started(Stage.SHADOW)
    await healthy(life, 0.1)
    before = life.core.stages.standing.healthy_ms
    life.advance(3_600_000)
    await life.ask()
    await life.core.stages.tick()
    assert life.core.stages.standing.healthy_ms - before <= 2_000


async def test_a_trade_that_is_not_clean_begins_the_run_anew():
    life = await started(Stage.PAPER)
    await healthy(life, MINUTES + 0.1)
    await trades(life, True, True, False, True, True)
    assert life.core.stages.state().unmet == ("2 of 3 clean trades in a row in PAPER",)
    await trades(life, True)
    await life.core.reset(to(Stage.QUARTER))


@pytest.mark.parametrize(
    ("close_reason", "unprotected_ms", "known", "clean"),
    [
        ("STOP", 40, True, True), ("TAKE_PROFIT", 40, True, True), ("EXIT", 2_000, True, True),
        ("EXIT", 2_001, True, False), ("STOP", 40, False, False),
        ("FLATTEN", 40, True, False), ("LIQUIDATION", 40, True, False), ("EXTERNAL", 40, True, False),
    ],
)  # fmt: skip
def test_a_trade_is_clean_when_its_own_plan_closed_it_and_it_was_covered_in_time(
    close_reason: str, unprotected_ms: int, known: bool, clean: bool
):
    assert is_clean(close_reason=close_reason, unprotected_ms=unprotected_ms, result_known=known) is clean


async def test_an_open_critical_alert_shuts_the_gate():
    life = await started(Stage.SHADOW)
    await healthy(life, MINUTES + 0.1)
    life.core.stages.alerts["event_lag/x"] = "an event has waited"
    assert "event_lag/x" in str(await refusal_of(life, Stage.PAPER))
    life.core.stages.alerts.clear()
    await life.core.reset(to(Stage.PAPER))


async def test_down_is_always_open_and_up_again_is_earned_again():
    life = await started(Stage.FULL)
    await life.ask()
    await life.core.reset(to(Stage.QUARTER))
    await life.ask()
    await refusal_of(life, Stage.HALF)
    await life.core.reset(to(Stage.QUARTER))  # the same is no step up
    await life.core.reset(to(Stage.SHADOW))
    assert life.core.ess.latch.stage is Stage.SHADOW


@pytest.mark.parametrize("stage", LADDER[1:])
async def test_a_breach_in_any_stage_leads_back_to_the_stop_and_to_the_beginning(stage: Stage):
    life = await started(stage)
    await life.ask(equity=Decimal(10_000))
    await life.ask(equity=Decimal(9_700), market_time_ms=MARKET_MS + 1)
    await life.core.watch.tick()
    assert life.core.ess.latch.state is not EssState.ARMED
    life.advance(2_100)
    await life.core.watch.tick()
    assert (await life.ask(equity=Decimal(9_700))).verdict is Verdict.REVOKED
    await refusal_of(life, stage)
    assert (life.core.stages.state().next, life.core.stages.state().unmet) == (Stage.SHADOW, ())
    await life.core.reset(to(None))  # where the way up begins
    assert life.core.ess.latch.stage is Stage.SHADOW
    assert life.core.stages.standing == Standing(epoch=life.core.ess.latch.epoch)


async def test_after_a_trip_the_status_says_what_still_stands_against_a_reset():
    life = await started(Stage.FULL)
    await life.ask(execution_errors=5)
    await life.core.watch.tick()
    state = life.core.stages.state()
    assert state.next is Stage.SHADOW
    assert state.unmet == ("the cause persists: 5 failed orders in 15 minutes reached 5",)


async def test_what_was_earned_survives_a_restart_but_for_a_few_seconds():
    life = await started(Stage.PAPER)
    await healthy(life, 1)
    earned = life.core.stages.standing.healthy_ms
    await trades(life, True)
    await life.start()
    standing = life.core.stages.standing
    assert earned - 10_000 - 1_500 <= standing.healthy_ms <= earned
    assert standing.clean_trades == 1


@pytest.mark.parametrize(
    ("environment", "policy", "bound"),
    [
        ("simulated", "auto", False), ("simulated", "on", True), ("simulated", "off", False),
        ("testnet", "auto", True), ("testnet", "on", True), ("testnet", "off", False),
        ("live", "auto", True), ("live", "on", True), ("live", "off", True),
    ],
)  # fmt: skip
async def test_whether_the_gates_bind_is_for_policy_to_say_but_never_on_the_live_exchange(
    environment: str, policy: str, bound: bool
):
    life = await started(Stage.FULL, **gates(environment))
    await life.set("ess.staged_reset", policy)
    await life.ask()
    await life.core.reset(to(Stage.SHADOW))
    if bound:
        await refusal_of(life, Stage.FULL)
    else:
        await life.core.reset(to(Stage.FULL))
    assert life.core.stages.state().gate.binding is bound


async def test_a_reset_that_names_no_stage_begins_at_paper_where_no_gate_binds(life: Life):
    await life.trip()
    await life.core.reset(to(None))
    assert life.core.ess.latch.stage is Stage.PAPER


STEPS = st.one_of(
    st.tuples(st.just("healthy"), st.integers(30, 60)),
    st.tuples(st.just("wrong"), st.integers(1, 20)),
    st.tuples(st.just("trade"), st.booleans()),
    st.tuples(st.just("reset"), st.sampled_from(LADDER)),
    st.tuples(st.just("trip"), st.none()),
    st.tuples(st.just("restart"), st.none()),
)


@settings(
    max_examples=40, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate)
)  # shrinking takes minutes
@given(st.lists(STEPS, min_size=10, max_size=30))
def test_no_order_of_events_leads_up_but_by_a_stage_at_a_time_that_was_earned(steps):
    asyncio.run(walk(steps))


async def walk(steps) -> None:
    """Walk through the steps, and keep our own account of what the stage has earned: at most so much."""
    life = await started(Stage.SHADOW)
    await life.set("ess.min_stage_minutes", "1")
    await life.set("ess.min_stage_trades", "1")
    looks = clean = 0
    for word, how in steps:
        before = life.core.ess.latch
        if word in ("healthy", "wrong"):
            for _ in range(how):
                await life.ask(reconciled=word == "healthy")
                life.advance(1_500)
                await life.core.stages.tick()
            looks += how if word == "healthy" else 0
        elif word == "trade":
            await trades(life, how)
            clean = clean + 1 if how else 0
        elif word == "trip":
            trip = life.trip()
            await turns()
            life.advance(2_100)
            await trip
        elif word == "restart":
            await life.start()
            life.advance(2_100)
        else:
            with contextlib.suppress(Refused):
                await life.core.reset(to(how))
        after = life.core.ess.latch
        if LADDER.index(after.stage) > LADDER.index(before.stage):
            assert before.state is EssState.ARMED
            assert LADDER.index(after.stage) - LADDER.index(before.stage) == 1
            assert looks * 1_500 + 2_000 >= 60_000  # the moment before the first look may count
            assert before.stage is Stage.SHADOW or clean
        if before.state is not EssState.ARMED and after.state is EssState.ARMED:
            assert after.stage is Stage.SHADOW
        if after.epoch != before.epoch:
            looks = clean = 0
