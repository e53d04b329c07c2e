"""Events in: trades for the loss limits and the stages, alerts for the stages, and who has adopted which policies."""

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
from perpmesh.risk_safety.adapters.stage_store import drop_alert, write_alert, write_clean_trades
from perpmesh.risk_safety.application.core import SafetyCore
from perpmesh.risk_safety.application.stages import Stages
from perpmesh.risk_safety.domain.losses import TradeFigures
from perpmesh.risk_safety.domain.staging import Standing, is_clean
from perpmesh_api.common.v1 import policy_events_pb2
from perpmesh_api.execution.v1 import order_events_pb2
from perpmesh_api.monitoring_health.v1 import health_events_pb2 as alert_events_pb2
from perpmesh_api.monitoring_health.v1 import monitoring_service_pb2
from perpmesh_api.risk_safety.v1 import risk_events_pb2

log = telemetry.log(__name__)
OUR_OWN_ALERT = "ess_tripped"
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
        self._stages = core.stages

    async def on_trade_opened(self, tx: AsyncConnection, received: Received) -> AfterCommit:
        return await self._count(tx, self._losses.trades.seen(received.sequence))

    async def on_trade_closed(self, tx: AsyncConnection, received: Received) -> AfterCommit:
        trade = received.message.trade
        pnl = _decimal(trade.net_pnl)
        clean = is_clean(
            close_reason=trade.close_reason, unprotected_ms=trade.unprotected_ms, result_known=pnl is not None
        )
        standing = self._stages.standing.closed(clean=clean)
        await write_clean_trades(tx, standing)
        return await self._count(tx, self._losses.trades.closed(pnl, received.sequence), standing)

    async def _count(self, tx: AsyncConnection, figures: TradeFigures, standing: Standing | None = None) -> AfterCommit:
        await write_trades(tx, figures)

        def after() -> None:
            self._losses.take(figures)
            if standing is not None:
                self._stages.adopt(standing)
            self._watch.look()

        return after


class AlertCounter:
    """Knows which critical alerts are open: none may be, for more risk. That we have tripped is no such alert."""

    def __init__(self, stages: Stages) -> None:
        self._stages = stages

    async def on_raised(self, tx: AsyncConnection, received: Received) -> AfterCommit | None:
        alert = received.message.alert
        if alert.severity != monitoring_service_pb2.SEVERITY_CRITICAL or alert.rule == OUR_OWN_ALERT:
            return None
        await write_alert(tx, alert.alert_id, alert.message)
        return lambda: self._stages.alerts.update({alert.alert_id: alert.message})

    async def on_resolved(self, tx: AsyncConnection, received: Received) -> AfterCommit:
        alert_id = received.message.alert_id
        await drop_alert(tx, alert_id)
        return lambda: _forget(self._stages.alerts, alert_id)


def _forget(alerts: dict[str, str], alert_id: str) -> None:
    alerts.pop(alert_id, None)


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
    counter, alerts = TradeCounter(core), AlertCounter(core.stages)
    found: dict[Any, Callable[[AsyncConnection, Received], Awaitable[AfterCommit | None]]] = {
        policy_events_pb2.PolicyAdopted: on_policy_adopted,
        order_events_pb2.TradeOpened: counter.on_trade_opened,
        order_events_pb2.TradeClosed: counter.on_trade_closed,
        alert_events_pb2.HealthAlertRaised: alerts.on_raised,
        alert_events_pb2.HealthAlertResolved: alerts.on_resolved,
    }
    return found
