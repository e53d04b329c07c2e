"""Every domain event of the mesh but the conflated prices, which nobody keeps."""

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.message import Message

from perpmesh.kernel.time import Clock
from perpmesh.monitoring_health.adapters import wire
from perpmesh.monitoring_health.application.watch_events import WatchEvents
from perpmesh.platform.contracts import catalogue
from perpmesh.platform.inbox import AfterCommit, Handler, Received
from perpmesh_api.monitoring_health.v1 import health_events_pb2

CONFLATED = "market.price.updated"
DEAD_LETTERED = "event.dead_lettered"
PUBLISHES = (health_events_pb2.HealthAlertRaised, health_events_pb2.HealthAlertResolved)


def watched_types() -> Sequence[str]:
    """Return the types of the events that pass here."""
    return [kind for kind in catalogue() if kind != CONFLATED]


def watched_streams() -> Sequence[str]:
    """Return the streams they travel on."""
    return sorted({topic for kind in watched_types() for topic in catalogue()[kind].topics()})


def handlers(events: WatchEvents, clock: Clock) -> Mapping[type[Message], Handler]:
    """Return what to do with each event the service consumes: note it."""

    async def note(tx: Any, received: Received) -> AfterCommit:
        gave_up = received.producer if received.type == DEAD_LETTERED else ""
        return await events.note(tx, wire.event_from(received, clock.now_ms()), gave_up)

    return {catalogue()[kind].message: note for kind in watched_types()}
