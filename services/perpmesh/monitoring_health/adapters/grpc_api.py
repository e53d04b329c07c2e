"""MonitoringService: the picture, the alerts and the events to whoever asks."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from grpc.aio import Server

from perpmesh.kernel.errors import Invalid, Unavailable
from perpmesh.kernel.time import Clock
from perpmesh.monitoring_health.adapters import events_in, wire
from perpmesh.monitoring_health.application.ports import Instruments, Store
from perpmesh.monitoring_health.application.raise_alerts import RaiseAlerts
from perpmesh.monitoring_health.application.watch_events import WatchEvents
from perpmesh.monitoring_health.application.watch_health import Picture, WatchHealth
from perpmesh.monitoring_health.domain.alerts import Alert
from perpmesh.monitoring_health.domain.health import Status, complaint
from perpmesh.monitoring_health.domain.streams import PassedEvent
from perpmesh.platform.broadcast import Broadcast
from perpmesh.platform.settings import VenueKind
from perpmesh_api.monitoring_health.v1 import monitoring_service_pb2 as pb
from perpmesh_api.monitoring_health.v1 import monitoring_service_pb2_grpc as rpc

SERVICE = pb.DESCRIPTOR.services_by_name["MonitoringService"].full_name
ALERTS_DEFAULT = 100


class MonitoringApi(rpc.MonitoringServiceServicer):
    """See protos/perpmesh_api/monitoring_health/v1/monitoring_service.proto."""

    def __init__(
        self,
        *,
        health: WatchHealth,
        alerts: RaiseAlerts,
        events: WatchEvents,
        instruments: Instruments,
        store: Store,
        environment: VenueKind,
        clock: Clock,
    ) -> None:
        self._health = health
        self._alerts = alerts
        self._events = events
        self._instruments = instruments
        self._store = store
        self._environment = environment
        self._clock = clock
        self._pictures = Broadcast[Picture](bound=1)
        self._alert_changes = Broadcast[Alert]()
        self._passing = Broadcast[PassedEvent]()
        health.on_change(self._pictures.send)
        alerts.on_change(self._alert_changes.send)
        events.on_event(self._passing.send)

    async def GetHealth(self, request: pb.GetHealthRequest, context: Any) -> pb.GetHealthResponse:
        picture = self._health.picture
        if picture.status is Status.NOT_SERVING:
            raise Unavailable(f"NOT_SERVING: {complaint(picture.components)}")
        return wire.health_to(picture, self._environment, self._clock.now_ms())

    async def GetHealthAll(self, request: pb.GetHealthAllRequest, context: Any) -> pb.GetHealthAllResponse:
        return self._all(self._health.picture)

    async def GetSystemMetrics(self, request: pb.GetSystemMetricsRequest, context: Any) -> pb.GetSystemMetricsResponse:
        return wire.metrics_to(await self._instruments.read())

    async def ListAlerts(self, request: pb.ListAlertsRequest, context: Any) -> pb.ListAlertsResponse:
        limit = request.limit or ALERTS_DEFAULT
        found = await self._store.alerts(include_resolved=request.include_resolved, limit=limit)
        return pb.ListAlertsResponse(alerts=[wire.alert_to(alert) for alert in found])

    async def WatchHealth(self, request: pb.WatchHealthRequest, context: Any) -> AsyncIterator[pb.WatchHealthResponse]:
        async with aclosing(self._pictures.watch(lambda: [self._health.picture])) as pictures:
            async for picture in pictures:
                yield pb.WatchHealthResponse(health=self._all(picture))

    async def WatchAlerts(self, request: pb.WatchAlertsRequest, context: Any) -> AsyncIterator[pb.WatchAlertsResponse]:
        async with aclosing(self._alert_changes.watch(lambda: self._alerts.firing)) as alerts:
            async for alert in alerts:
                yield pb.WatchAlertsResponse(alert=wire.alert_to(alert))

    async def WatchEvents(self, request: pb.WatchEventsRequest, context: Any) -> AsyncIterator[pb.WatchEventsResponse]:
        _check_types(list(request.types))
        earlier = list(self._events.streams.newest(request.history, request.types))
        async with aclosing(self._passing.watch(lambda: earlier)) as events:
            async for event in events:
                if not request.types or event.type in request.types:
                    yield wire.event_to(event)

    def _all(self, picture: Picture) -> pb.GetHealthAllResponse:
        return wire.health_all_to(picture, self._events.streams, self._environment)


def _check_types(types: list[str]) -> None:
    known = events_in.watched_types()
    for index, kind in enumerate(types):
        if kind not in known:
            raise Invalid(
                f"no event that passes here is called {kind!r}; there are {', '.join(known)}",
                reason="UNKNOWN_EVENT_TYPE",
                field=f"types[{index}]",
            )


def register(server: Server, api: MonitoringApi) -> str:
    """Serve it on `server`; return the service's full name."""
    rpc.add_MonitoringServiceServicer_to_server(api, server)
    return SERVICE
