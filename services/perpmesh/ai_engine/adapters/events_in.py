"""Events in: closed trades teach the selector, and another model may serve."""

from collections.abc import Callable, Mapping

from google.protobuf.message import Message
from sqlalchemy.ext.asyncio import AsyncConnection

from perpmesh.ai_engine.adapters import wire
from perpmesh.ai_engine.adapters.store import SqlLessons
from perpmesh.ai_engine.application.learn import Learn
from perpmesh.platform.inbox import AfterCommit, Handler, Received
from perpmesh_api.ai_engine.v1.decision_events_pb2 import DecisionMade
from perpmesh_api.execution.v1.order_events_pb2 import TradeClosed
from perpmesh_api.rl_training.v1.training_events_pb2 import ModelPromoted, ModelRolledBack

PUBLISHES: tuple[type[Message], ...] = (DecisionMade,)


def handlers(learn: Learn, another_model: Callable[[], None]) -> Mapping[type[Message], Handler]:
    """Return what to do with each event; `another_model` wakes whoever fetches models."""

    async def on_trade_closed(tx: AsyncConnection, received: Received) -> AfterCommit | None:
        trade = wire.closed_trade_of(received.message)
        return await learn.on_trade_closed(trade, SqlLessons(tx)) if trade else None

    async def on_model_changed(tx: AsyncConnection, received: Received) -> AfterCommit | None:
        del tx, received
        return another_model

    return {TradeClosed: on_trade_closed, ModelPromoted: on_model_changed, ModelRolledBack: on_model_changed}
