"""Closed trades teach the selector exactly once, and its beliefs outlive the process."""

import pytest
from tests.unit.ai_engine.builders import START_MS

from perpmesh.ai_engine.adapters import events_in
from perpmesh.ai_engine.adapters.store import TABLES, SqlJournal, recall_selector
from perpmesh.ai_engine.application.learn import Learn
from perpmesh.ai_engine.application.mind import Mind
from perpmesh.ai_engine.domain.decision import Action, Decision, Verdict
from perpmesh.ai_engine.domain.selector import Selector
from perpmesh.ai_engine.domain.strategies import all_strategies
from perpmesh.kernel.time import ManualClock
from perpmesh.platform import database
from perpmesh.platform.inbox import Received
from perpmesh.platform.outbox import Outbox
from perpmesh.platform.settings import MeshSettings
from perpmesh_api.execution.v1.order_events_pb2 import TradeClosed
from perpmesh_api.execution.v1.order_service_pb2 import Trade
from perpmesh_api.rl_training.v1.training_events_pb2 import ModelPromoted, ModelRolledBack

STRATEGY = "trend_following"


@pytest.fixture
async def store(tmp_path):
    settings = MeshSettings(state_dir=tmp_path)
    async with database.opened(settings, "ai_engine", TABLES) as store:
        journal = SqlJournal(store, Outbox("ai_engine", settings, store, ManualClock()))
        await journal.record(a_decision("d1"))
        yield store


def a_decision(decision_id, **verdict) -> Decision:
    asked = Verdict(action=Action.LONG, reasons=("because",), strategy=STRATEGY, **verdict)
    return Decision(
        decision_id=decision_id, symbol="BTCUSDT", verdict=asked, reference_price=1, regime="TREND_UP/NORMAL",
        decided_at_ms=START_MS, expires_at_ms=START_MS + 5_000, policy_revision=1, executed=True, trade_id="t0",
    )  # fmt: skip


def received(message) -> Received:
    return Received(
        message=message, type="", event_id="", stream="", sequence=1, key="", time_ms=0, producer="", traceparent=""
    )


def closed(**changes) -> TradeClosed:
    trade = {"trade_id": "t1", "decision_id": "d1", "strategy": STRATEGY, "net_pnl": "-30", "initial_risk": "60"}
    return TradeClosed(symbol="BTCUSDT", trade=Trade(**{**trade, **changes}))


async def teach(store, mind, event):
    handler = events_in.handlers(Learn(mind), lambda: None)[TradeClosed]
    async with store.transaction() as tx:
        believe = await handler(tx, received(event))
    if believe is not None:
        believe()


async def test_a_loss_lowers_the_belief_in_its_strategy_where_it_was_entered(store):
    mind = Mind(all_strategies(), Selector())
    before = mind.selector.belief("TREND_UP", STRATEGY).mean
    await teach(store, mind, closed())
    assert mind.selector.belief("TREND_UP", STRATEGY).mean < before
    assert mind.selector.cells["TREND_UP", STRATEGY].total == pytest.approx(-0.5)
    assert await recall_selector(store) == mind.selector


async def test_the_same_trade_teaches_once(store):
    mind = Mind(all_strategies(), Selector())
    for _ in range(3):
        await teach(store, mind, closed())
    assert mind.selector.trades(STRATEGY) == 1


@pytest.mark.parametrize(
    "trade",
    [
        {"strategy": "external"},
        {"decision_id": "unknown"},
        {"initial_risk": ""},
        {"initial_risk": "0"},
        {"net_pnl": ""},
    ],
)
async def test_what_is_not_ours_or_not_measured_teaches_nothing(store, trade):
    mind = Mind(all_strategies(), Selector())
    await teach(store, mind, closed(**trade))
    assert mind.selector.cells == {}
    assert (await recall_selector(store)).cells == {}


async def test_a_lesson_whose_transaction_failed_was_not_learned(store):
    mind = Mind(all_strategies(), Selector())
    handler = events_in.handlers(Learn(mind), lambda: None)[TradeClosed]

    async def fails_later():
        async with store.transaction() as tx:
            await handler(tx, received(closed()))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fails_later()
    assert mind.selector.cells == {}
    await teach(store, mind, closed())
    assert mind.selector.trades(STRATEGY) == 1


async def test_another_model_wakes_whoever_fetches_it_after_the_commit(store):
    woken = []
    handlers = events_in.handlers(Learn(Mind(all_strategies(), Selector())), lambda: woken.append(1))
    for event in (ModelPromoted(model_id="m"), ModelRolledBack()):
        async with store.transaction() as tx:
            after = await handlers[type(event)](tx, received(event))
            assert len(woken) in (0, 1)
        after()
    assert len(woken) == 2


async def test_an_amplification_is_remembered_by_its_trade(store, tmp_path):
    outbox = Outbox("ai_engine", MeshSettings(state_dir=tmp_path), store, ManualClock())
    journal = SqlJournal(store, outbox)
    assert not await journal.amplified("t0")
    await journal.record(a_decision("d2", amplification=True))
    assert await journal.amplified("t0")
    assert not await journal.amplified("t1")


async def test_a_decision_is_recorded_once(store, tmp_path):
    journal = SqlJournal(store, Outbox("ai_engine", MeshSettings(state_dir=tmp_path), store, ManualClock()))
    assert not await journal.record(a_decision("d1"))
    assert [decision.decision_id for decision in await journal.newest()] == ["d1"]
