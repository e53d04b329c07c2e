"""Events in: trades for the loss limits, and who has adopted which policies."""

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from google.protobuf.message import Message
from sqlalchemy.ext.asyncio import AsyncConnection

from perpmesh.platform import telemetry
from perpmesh.platform.inbox import AfterCommit, Handler, Received
from perpmesh.risk_safety.adapters import policy_wire
from perpmesh.risk_safety.adapters.loss_store import write_trades
from perpmesh.risk_safety.adapters.policy_store import write_adoption
from perpmesh.risk_safety.application.core import SafetyCore
from perpmesh.risk_safety.domain.losses import TradeFigures
from perpmesh_api.common.v1 import policy_events_pb2
from perpmesh_api.execution.v1 import order_events_pb2
from perpmesh_api.risk_safety.v1 import risk_events_pb2

log = telemetry.log(__name__)
PUBLISHES: list[type[Message]] = [
    risk_events_pb2.EssTripped,
    risk_events_pb2.EssReset,
    risk_events_pb2.PolicyUpdated,
    policy_events_pb2.PolicyAdopted,
]


async def on_policy_adopted(tx: AsyncConnection, received: Received) -> None:
    """Write what a service says it runs."""
    await write_adoption(tx, policy_wire.adoption_of(received.message))


class TradeCounter:
    """Counts every event of execution's trades, so that the lease knows how far we have read."""

    def __init__(self, core: SafetyCore) -> None:
        self._losses = core.losses
        self._watch = core.watch

    async def on_trade_opened(self, tx: AsyncConnection, received: Received) -> AfterCommit:
        return await self._count(tx, self._losses.trades.seen(received.sequence))

    async def on_trade_closed(self, tx: AsyncConnection, received: Received) -> AfterCommit:
        pnl = _decimal(received.message.trade.net_pnl)
        return await self._count(tx, self._losses.trades.closed(pnl, received.sequence))

    async def _count(self, tx: AsyncConnection, figures: TradeFigures) -> AfterCommit:
        await write_trades(tx, figures)

        def after() -> None:
            self._losses.take(figures)
            self._watch.look()

        return after


def _decimal(written: str) -> Decimal | None:
    """Return the number; None when it is none. An event we cannot read must not stop the counting."""
    try:
        value = Decimal(written)
    except InvalidOperation:
        log.warning("a trade's result cannot be read; it counts as a loss", net_pnl=written)
        return None
    return value if value.is_finite() else None


def handlers(core: SafetyCore) -> Mapping[type[Message], Handler]:
    """Return what to do with each event type."""
    counter = TradeCounter(core)
    found: dict[Any, Callable[[AsyncConnection, Received], Awaitable[AfterCommit | None]]] = {
        policy_events_pb2.PolicyAdopted: on_policy_adopted,
        order_events_pb2.TradeOpened: counter.on_trade_opened,
        order_events_pb2.TradeClosed: counter.on_trade_closed,
    }
    return found
