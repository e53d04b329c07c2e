"""The whole service over a real broker and a real socket, beside producers that come and go."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from perpmesh.monitoring_health import config
from perpmesh.monitoring_health.adapters import events_in, grpc_api
from perpmesh.monitoring_health.adapters.front import NAME, MeshFront
from perpmesh.monitoring_health.adapters.informants import GrpcInformants
from perpmesh.monitoring_health.adapters.machine import PsutilInstruments
from perpmesh.monitoring_health.adapters.store import TABLES, SqlStore
from perpmesh.monitoring_health.application.raise_alerts import RaiseAlerts
from perpmesh.monitoring_health.application.watch_events import WatchEvents
from perpmesh.monitoring_health.application.watch_health import WatchHealth
from perpmesh.monitoring_health.domain.health import Probe
from perpmesh.platform import database, grpc_client, service
from perpmesh.platform.outbox import Outbox
from perpmesh.platform.service import Parts
from perpmesh.platform.settings import SERVICES, MeshSettings
from perpmesh.platform.time import SystemClock
from perpmesh.testing.broker import Broker
from perpmesh.testing.ports import free_ports
from perpmesh_api.execution.v1.order_events_pb2 import TradeClosed, TradeOpened
from perpmesh_api.monitoring_health.v1 import monitoring_service_pb2 as pb
from perpmesh_api.monitoring_health.v1 import monitoring_service_pb2_grpc as rpc

TRADES = "execution.trades.v1"


class Switch:
    """A component that is well or not, as the test says."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.well = True

    async def __call__(self) -> Probe:
        return Probe(name=self.name, ok=self.well, detail="switched off", final=True)


@dataclass
class Monitoring:
    stub: Any
    parts: Parts
    switches: dict[str, Switch]
    health: WatchHealth
    alerts: RaiseAlerts


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    async with Broker() as running:
        yield running


@pytest.fixture
def settings(broker: Broker, tmp_path: Path) -> MeshSettings:
    ports = free_ports(len(SERVICES))
    addresses: dict[str, Any] = {
        f"{name}_address": f"127.0.0.1:{port}" for name, port in zip(SERVICES, ports, strict=True)
    }
    return MeshSettings(state_dir=tmp_path, kafka=broker.address, kafka_fetch_wait_ms=5, **addresses)


async def monitoring(settings: MeshSettings, house: AsyncExitStack, *, judging: bool = True) -> Monitoring:
    """Put the service together as main does, with switches for checks and without policies."""
    clock, enter = SystemClock(), house.enter_async_context
    parts = await enter(service.parts(NAME, settings, clock, tables=TABLES, needs=()))
    channels = {name: await enter(grpc_client.channel(settings.address(name))) for name in SERVICES}
    store, instruments = SqlStore(parts.database, parts.outbox), PsutilInstruments(settings.state_dir, clock)
    switches = {name: Switch(name) for name in ("execution", "rl_training")}
    health = WatchHealth(
        checks=list(switches.values()), critical=config.CRITICAL, front=MeshFront(parts.serving),
        interval_ms=lambda: 20, clock=clock,
    )  # fmt: skip
    events = WatchEvents(store=store)
    await events.load()
    alerts = RaiseAlerts(
        health=health, events=events, informants=GrpcInformants(channels, events_in.watched_streams()),
        instruments=instruments, store=store, critical=config.CRITICAL, max_event_lag_ms=lambda: 5_000, clock=clock,
    )  # fmt: skip
    await alerts.load()
    api = grpc_api.MonitoringApi(
        health=health, alerts=alerts, events=events, instruments=instruments, store=store,
        environment=settings.environment, clock=clock,
    )  # fmt: skip
    name = grpc_api.register(parts.serving.server, api)
    handlers = events_in.handlers(events, clock)
    loops = [("health", health.forever), *([("alerts", alerts.forever)] if judging else [])]
    await enter(
        parts.running(grpc_services=[name], publishes=events_in.PUBLISHES, handlers=handlers, loops=loops)
    )  # fmt: skip
    channel = await enter(grpc_client.channel(settings.address(NAME)))
    return Monitoring(rpc.MonitoringServiceStub(channel), parts, switches, health, alerts)


@pytest.fixture
async def mesh(settings: MeshSettings) -> AsyncIterator[Monitoring]:
    async with AsyncExitStack() as house:
        yield await monitoring(settings, house)


@pytest.fixture
async def execution(settings: MeshSettings) -> AsyncIterator[Parts]:
    """Another service, which produces trades."""
    async with (
        service.parts("execution", settings, SystemClock(), tables=database.PLATFORM, needs=()) as parts,
        parts.running(grpc_services=[], publishes=[TradeOpened, TradeClosed]),
    ):
        yield parts


async def until(what: Callable[[], Any], seconds: float = 20) -> Any:
    async with asyncio.timeout(seconds):
        while not (found := what()):
            await asyncio.sleep(0.02)
        return found


async def next_of(watch: Any, wanted: Callable[[Any], bool]) -> Any:
    async with asyncio.timeout(20):
        while True:
            message = await watch.read()
            if wanted(message):
                return message


async def close_a_trade(parts: Parts, symbol: str) -> None:
    async with parts.database.transaction() as tx:
        await parts.outbox.append(
            tx, TradeClosed(symbol=symbol, equity="10000"), traceparent=f"00-{'a' * 32}-{'b' * 16}-01"
        )  # fmt: skip


async def test_the_mesh_does_not_serve_without_execution_and_says_why(mesh: Monitoring) -> None:
    await until(lambda: mesh.health.picture.status.name == "SERVING")
    short = await mesh.stub.GetHealth(pb.GetHealthRequest())
    assert (short.status, dict(short.components)) == ("SERVING", {"execution": "SERVING", "rl_training": "SERVING"})
    watch = mesh.stub.WatchHealth(pb.WatchHealthRequest())
    assert (await watch.read()).health.status == pb.HEALTH_STATUS_SERVING
    mesh.switches["rl_training"].well = False
    await next_of(watch, lambda answer: answer.health.status == pb.HEALTH_STATUS_DEGRADED)
    assert (await mesh.stub.GetHealth(pb.GetHealthRequest())).status == "DEGRADED"
    mesh.switches["execution"].well = False
    await next_of(watch, lambda answer: answer.health.status == pb.HEALTH_STATUS_NOT_SERVING)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await mesh.stub.GetHealth(pb.GetHealthRequest())
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "execution NOT_SERVING: switched off" in (caught.value.details() or "")
    watch.cancel()


async def test_an_alert_is_raised_and_resolved_and_both_travel_as_events(mesh: Monitoring) -> None:
    await until(lambda: mesh.health.picture.status.name == "SERVING")
    alerts = mesh.stub.WatchAlerts(pb.WatchAlertsRequest())
    events = mesh.stub.WatchEvents(pb.WatchEventsRequest(types=["health.alert.raised", "health.alert.resolved"]))
    mesh.switches["execution"].well = False
    raised = (await next_of(alerts, lambda answer: answer.alert.subject == "execution")).alert
    assert (raised.alert_id, raised.firing, raised.severity) == (
        "component_down/execution", True, pb.SEVERITY_CRITICAL,
    )  # fmt: skip
    listed = await mesh.stub.ListAlerts(pb.ListAlertsRequest())
    assert [alert.alert_id for alert in listed.alerts] == ["component_down/execution"]
    mesh.switches["execution"].well = True
    resolved = (await next_of(alerts, lambda answer: not answer.alert.firing)).alert
    assert resolved.resolved_at_ms >= resolved.raised_at_ms == raised.raised_at_ms
    told = [await next_of(events, lambda event: event.key == "component_down/execution") for _ in range(2)]
    assert [event.type for event in told] == ["health.alert.raised", "health.alert.resolved"]
    assert (await mesh.stub.ListAlerts(pb.ListAlertsRequest())).alerts == []
    assert len((await mesh.stub.ListAlerts(pb.ListAlertsRequest(include_resolved=True))).alerts) == 1


async def test_events_of_other_services_pass_with_their_trace_and_can_be_watched(
    mesh: Monitoring, execution: Parts
) -> None:
    watch = mesh.stub.WatchEvents(pb.WatchEventsRequest(types=["trade.closed"], history=10))
    await close_a_trade(execution, "BTCUSDT")
    event = await next_of(watch, lambda _: True)
    assert (event.type, event.stream, event.sequence, event.key) == ("trade.closed", TRADES, 1, "BTCUSDT")
    assert event.trace_id == "a" * 32
    assert '"equity": "10000"' in event.json
    health = await mesh.stub.GetHealthAll(pb.GetHealthAllRequest())
    (lag,) = [each for each in health.streams if each.stream == TRADES]
    assert lag.sequence == 1
    assert lag.arrived_at_ms > 0


async def test_the_events_before_are_told_first_and_survive_a_restart(settings: MeshSettings, execution: Parts) -> None:
    for life in range(2):
        async with AsyncExitStack() as house:
            mesh = await monitoring(settings, house)
            if life == 0:
                await close_a_trade(execution, "BTCUSDT")
                watch = mesh.stub.WatchEvents(pb.WatchEventsRequest(types=["trade.closed"]))
                await next_of(watch, lambda event: event.key == "BTCUSDT")
                watch.cancel()
            else:
                again = mesh.stub.WatchEvents(pb.WatchEventsRequest(types=["trade.closed"], history=5))
                assert (await next_of(again, lambda _: True)).sequence == 1
                again.cancel()


async def test_an_alert_that_fires_when_the_process_dies_is_not_raised_again(settings: MeshSettings) -> None:
    async with AsyncExitStack() as house:
        mesh = await monitoring(settings, house)
        mesh.switches["execution"].well = False
        first = await until(lambda: mesh.alerts.firing)
    async with AsyncExitStack() as house:
        again = await monitoring(settings, house)
        again.switches["execution"].well = False
        assert list(again.alerts.firing) == list(first)
        await again.alerts.judge(slow=False)
        everything = await again.stub.ListAlerts(pb.ListAlertsRequest(include_resolved=True))
        assert len(everything.alerts) == 1


async def test_an_event_that_its_producer_holds_and_nobody_delivers_is_lag(
    settings: MeshSettings, execution: Parts, broker: Broker
) -> None:
    async with AsyncExitStack() as house:
        mesh = await monitoring(settings, house, judging=False)
        broker.kill()
        async with execution.database.transaction() as tx:
            late = Outbox("execution", settings, execution.database, LateClock())
            await late.append(tx, TradeOpened(symbol="BTCUSDT"))
        await mesh.alerts.judge(slow=True)
        assert [(alert.rule, alert.subject) for alert in mesh.alerts.firing] == [("event_lag", TRADES)]
        await broker.start()
        async with asyncio.timeout(60):
            while mesh.alerts.firing:
                await mesh.alerts.judge(slow=True)
                await asyncio.sleep(0.1)


class LateClock(SystemClock):
    """A minute ago."""

    def now_ms(self) -> int:
        return super().now_ms() - 60_000


async def test_a_type_that_no_event_has_is_refused_by_its_field(mesh: Monitoring) -> None:
    watch = mesh.stub.WatchEvents(pb.WatchEventsRequest(types=["trade.closed", "trade.clsoed"]))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await watch.read()
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "trade.clsoed" in (caught.value.details() or "")
