"""What a store must do, whichever it is: the one on disk and the one in memory pass the same suite."""

from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal

import pytest
import sqlalchemy as sa

from perpmesh.kernel.time import ManualClock
from perpmesh.platform import database
from perpmesh.platform.outbox import Outbox
from perpmesh.risk_safety.adapters.ess_store import SqlEssStore
from perpmesh.risk_safety.adapters.loss_store import SqlLossStore
from perpmesh.risk_safety.adapters.memory import MemoryPolicyStore, MemoryRiskStore
from perpmesh.risk_safety.adapters.policy_store import SqlPolicyStore, upgrade
from perpmesh.risk_safety.adapters.tables import TABLES
from perpmesh.risk_safety.application.ports import HistoryQuery, ResetRecord
from perpmesh.risk_safety.domain.attempts import Attempt
from perpmesh.risk_safety.domain.ess import Latch, Release, Stage, Trigger, Trip, TripOrder
from perpmesh.risk_safety.domain.losses import EquityFigures, TradeFigures
from perpmesh.risk_safety.domain.policy_records import Adoption, Change
from perpmesh.risk_safety.domain.staging import Standing

D = Decimal
ARMED = Latch(stage=Stage.HALF, epoch=4, trip_count=1)
ORDER = TripOrder(
    trigger=Trigger.DRAWDOWN, reason="drawdown 0.1 reached 0.1", actor="risk_safety", market_time_ms=7,
    evidence={"loss": "0.1"}, request_id="r1",
)  # fmt: skip
TRIPPED = ARMED.tripped(Trip(trip_id="t1", order=ORDER, at_ms=5, epoch=5))
RELEASE = Release(by="acknowledged", canceled_orders=("a", "b"), open_positions=("BTCUSDT",), protected_positions=())
EQUITY = EquityFigures(equity=D("9.10"), market_time_ms=3, day_start=D(10), week_start=D(11), peak=D("12.5"))
TRADES = TradeFigures(sequence=9, consecutive_losses=2, newest_pnl=D("-0.5"))


def change(revision: int, key: str = "execution.leverage", new: object = 3, request_id: str = "") -> Change:
    return Change(
        revision=revision,
        key=key,
        old=5,
        new=new,
        actor="ann",
        reason="why",
        at_ms=8,
        request_id=request_id,  # type: ignore[arg-type]
    )


@pytest.fixture(params=["memory", "sqlite"])
def opening(request, settings):
    """Return how to open the three stores; each opening sees what the one before wrote."""
    policies, risk = MemoryPolicyStore(), MemoryRiskStore()

    @asynccontextmanager
    async def in_memory():
        yield policies, risk, risk.losses

    @asynccontextmanager
    async def on_disk():
        async with database.opened(settings, "risk_safety", TABLES) as store:
            outbox = Outbox("risk_safety", settings, store, ManualClock())
            yield SqlPolicyStore(store, outbox), SqlEssStore(store, outbox), SqlLossStore(store)

    return in_memory if request.param == "memory" else on_disk


async def test_a_fresh_store_knows_nothing(opening):
    async with opening() as (policies, ess, losses):
        assert await policies.everything() == ({}, 0)
        assert await ess.load() is None
        assert await losses.load() == (EquityFigures(), TradeFigures())


async def test_a_latch_is_recalled_as_it_was_written(opening):
    paused, flattening = replace(ARMED, paused=True), TRIPPED.escalated()
    for write, latch in (
        ("save", ARMED), ("save", paused), ("trip", TRIPPED), ("trip", flattening), ("save", flattening.released(RELEASE)),
    ):  # fmt: skip
        async with opening() as (_, ess, _):
            await getattr(ess, write)(latch)
        async with opening() as (_, ess, _):
            assert await ess.load() == latch


async def test_a_reset_writes_the_latch_and_what_is_measured_from_now_on(opening):
    record = ResetRecord(epoch=6, stage=Stage.PAPER, operator="ann", approver="bob", reason="checked it", at_ms=9)
    async with opening() as (_, ess, _):
        await ess.trip(TRIPPED)
        await ess.reset(TRIPPED.released(RELEASE).reset(Stage.PAPER), record, lambda: (EQUITY, TRADES))
    async with opening() as (_, ess, losses):
        latch = await ess.load()
        assert (latch.stage, latch.epoch, latch.trip, latch.trip_count) == (Stage.PAPER, 6, None, 2)
        assert await losses.load() == (EQUITY, TRADES)


async def test_what_a_stage_earned_is_recalled_with_the_epoch_it_was_earned_in(opening):
    async with opening() as (_, ess, _):
        assert await ess.load_standing() == (Standing(epoch=0), {})
        await ess.save_healthy_ms(4, 10_000)
        await ess.save_healthy_ms(4, 20_000)
    async with opening() as (_, ess, _):
        assert (await ess.load_standing())[0] == Standing(epoch=4, healthy_ms=20_000)
        await ess.save_healthy_ms(6, 1_000)
        assert (await ess.load_standing())[0] == Standing(epoch=6, healthy_ms=1_000)


async def test_attempts_are_recalled_newest_first_and_a_heartbeat_with_them(opening):
    trip = Attempt(at_ms=5, action="Trip", actor="ann", role="operator", asked={"reason": "drill"})
    denied = Attempt(at_ms=6, action="Reset", actor="vera", role="viewer", outcome="ROLE", message="no")
    async with opening() as (_, ess, _):
        assert (await ess.attempts("", 9), await ess.last_heartbeat_ms()) == ([], 0)
        await ess.record(trip, heartbeat_ms=5)
        await ess.record(denied, heartbeat_ms=0)
    async with opening() as (_, ess, _):
        first, second = replace(trip, sequence=1), replace(denied, sequence=2)
        assert await ess.attempts("", 9) == [second, first]
        assert await ess.attempts("", 1) == [second]
        assert await ess.attempts("Trip", 9) == [first]
        assert await ess.last_heartbeat_ms() == 5
        await ess.save_heartbeat(8)
        assert await ess.last_heartbeat_ms() == 8


async def test_equity_is_written_as_it_is_when_it_is_written(opening):
    async with opening() as (_, _, losses):
        await losses.save_equity(lambda: EQUITY)
    async with opening() as (_, _, losses):
        assert (await losses.load())[0] == EQUITY


async def test_a_change_is_a_setting_an_audit_line_and_our_adoption(opening):
    async with opening() as (policies, _, _):
        async with policies.changing() as tx:
            assert await tx.setting("execution.leverage") is None
            await tx.record([change(1)])
        async with policies.changing() as tx:
            await tx.record([change(2, new=4, request_id="r1")])
            await tx.record([change(3, key="ai.use_model", new=False)])
    async with opening() as (policies, _, _):
        settings, revision = await policies.everything()
        assert revision == 3
        assert {key: setting.value for key, setting in settings.items()} == {
            "execution.leverage": 4,
            "ai.use_model": False,
        }
        assert [line.revision for line in await policies.history(HistoryQuery(limit=2))] == [3, 2]
        assert [line.new for line in await policies.history(HistoryQuery(key="execution.leverage"))] == [4, 3]
        assert await policies.adoptions() == [Adoption(service="risk_safety", revision=3, at_ms=8)]
        async with policies.changing() as tx:
            assert await tx.revision() == 3
            assert await tx.changes_of_request("r1") == [change(2, new=4, request_id="r1")]
            assert await tx.changes_of_request("r2") == []


async def test_changes_of_one_revision_stand_together(opening):
    together = [
        replace(change(1, key=key, new=new, request_id="p1"), old=old, source="profile x")
        for key, old, new in (("ai.use_model", True, False), ("execution.leverage", 5, 7))
    ]
    async with opening() as (policies, _, _):
        async with policies.changing() as tx:
            await tx.record(together)
        async with policies.changing() as tx:
            await tx.record([replace(change(2, new=8), actor="bob")])
    async with opening() as (policies, _, _):
        settings, revision = await policies.everything()
        assert revision == 2
        assert {key: setting.value for key, setting in settings.items()} == {
            "ai.use_model": False,
            "execution.leverage": 8,
        }
        assert await policies.history(HistoryQuery(before=2)) == together
        assert [line.new for line in await policies.history(HistoryQuery(actor="bob"))] == [8]
        assert [line.revision for line in await policies.history(HistoryQuery())] == [2, 1, 1]
        async with policies.changing() as tx:
            assert await tx.changes_of_request("p1") == together


async def test_the_audit_of_an_older_store_is_taken_over(settings):
    """In which one revision was one change, and its table said so."""
    columns = "revision BIGINT PRIMARY KEY, key, old, new, actor, reason, at_ms BIGINT, request_id"
    async with database.opened(settings, "risk_safety", TABLES) as store:
        async with store.transaction() as tx:
            await tx.execute(sa.text(f"CREATE TABLE policy_changes ({columns})"))
            await tx.execute(
                sa.text("INSERT INTO policy_changes VALUES (1, 'execution.leverage', '5', '3', 'ann', 'why', 8, 'r1')")
            )
        policies = SqlPolicyStore(store, Outbox("risk_safety", settings, store, ManualClock()))
        for _ in range(2):
            await upgrade(store)
        assert await policies.history(HistoryQuery()) == [change(1, request_id="r1")]
        assert (await policies.everything())[1] == 1


async def fail_half_way(policies) -> None:
    async with policies.changing() as tx:
        await tx.record([change(1)])
        raise ZeroDivisionError


async def test_a_change_that_fails_half_way_never_was(opening):
    async with opening() as (policies, _, _):
        with pytest.raises(ZeroDivisionError):
            await fail_half_way(policies)
        assert await policies.everything() == ({}, 0)
        assert await policies.history(HistoryQuery()) == []
        assert await policies.adoptions() == []
