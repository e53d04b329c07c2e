"""monitoring_health as a process: everything it is made of, put together."""

from contextlib import AsyncExitStack

from perpmesh.monitoring_health import config
from perpmesh.monitoring_health.adapters import events_in, front, grpc_api
from perpmesh.monitoring_health.adapters.checks import checks
from perpmesh.monitoring_health.adapters.informants import GrpcInformants
from perpmesh.monitoring_health.adapters.machine import PsutilInstruments
from perpmesh.monitoring_health.adapters.store import TABLES, SqlStore
from perpmesh.monitoring_health.application.raise_alerts import RaiseAlerts
from perpmesh.monitoring_health.application.watch_events import WatchEvents
from perpmesh.monitoring_health.application.watch_health import WatchHealth
from perpmesh.platform import grpc_client, process, service
from perpmesh.platform.settings import SERVICES, MeshSettings
from perpmesh.platform.time import SystemClock


async def run(settings: MeshSettings) -> None:
    """Serve until the process is told to stop."""
    clock = SystemClock()
    async with AsyncExitStack() as house:
        enter = house.enter_async_context
        parts = await enter(service.parts(front.NAME, settings, clock, tables=TABLES, needs=config.POLICY_KEYS))
        channels = {name: await enter(grpc_client.channel(settings.address(name))) for name in SERVICES}
        store = SqlStore(parts.database, parts.outbox)
        instruments = PsutilInstruments(settings.state_dir, clock)
        health = WatchHealth(
            checks=await enter(checks(settings, clock)), critical=config.CRITICAL,
            front=front.MeshFront(parts.serving), interval_ms=config.check_interval_ms(parts.policy), clock=clock,
        )  # fmt: skip
        events = WatchEvents(store=store)
        await events.load()
        alerts = RaiseAlerts(
            health=health, events=events, informants=GrpcInformants(channels, events_in.watched_streams()),
            instruments=instruments, store=store, critical=config.CRITICAL,
            max_event_lag_ms=config.max_event_lag_ms(parts.policy), clock=clock,
        )  # fmt: skip
        api = grpc_api.MonitoringApi(
            health=health, alerts=alerts, events=events, instruments=instruments, store=store,
            environment=settings.environment, clock=clock,
        )  # fmt: skip
        await alerts.load()
        async with parts.running(
            grpc_services=[grpc_api.register(parts.serving.server, api)],
            publishes=events_in.PUBLISHES,
            handlers=events_in.handlers(events, clock),
            loops=[("health", health.forever), ("alerts", alerts.forever)],
        ):
            await process.until_stopped()


def main() -> None:
    """Run it as the environment says."""
    settings = MeshSettings.load()
    process.run_service(front.NAME, settings, lambda: run(settings))


if __name__ == "__main__":
    main()
