"""Where protobuf meets the words of health."""

from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message

from perpmesh.monitoring_health.application.watch_health import Picture
from perpmesh.monitoring_health.domain.alerts import Alert, Severity
from perpmesh.monitoring_health.domain.health import Component, Status
from perpmesh.monitoring_health.domain.machine import Machine, ProcessFigures
from perpmesh.monitoring_health.domain.streams import PassedEvent, Streams
from perpmesh.platform import telemetry
from perpmesh.platform.inbox import Received
from perpmesh.platform.settings import VenueKind
from perpmesh_api.common.v1 import trading_pb2
from perpmesh_api.monitoring_health.v1 import health_events_pb2 as events
from perpmesh_api.monitoring_health.v1 import monitoring_service_pb2 as pb

ENVIRONMENTS = {
    VenueKind.SIMULATED: trading_pb2.ENVIRONMENT_SIMULATED,
    VenueKind.TESTNET: trading_pb2.ENVIRONMENT_TESTNET,
    VenueKind.LIVE: trading_pb2.ENVIRONMENT_LIVE,
}
STATUSES = {
    Status.UNKNOWN: pb.HEALTH_STATUS_UNSPECIFIED,
    Status.SERVING: pb.HEALTH_STATUS_SERVING,
    Status.DEGRADED: pb.HEALTH_STATUS_DEGRADED,
    Status.NOT_SERVING: pb.HEALTH_STATUS_NOT_SERVING,
}
# Events read as the gateway's other JSON does: the contract's names, and every field.
AS_THE_GATEWAY: Any = {
    "indent": None,
    "preserving_proto_field_name": True,
    "always_print_fields_with_no_presence": True,
}
SEVERITIES = {Severity.WARNING: pb.SEVERITY_WARNING, Severity.CRITICAL: pb.SEVERITY_CRITICAL}


def health_to(picture: Picture, environment: VenueKind, now_ms: int) -> pb.GetHealthResponse:
    return pb.GetHealthResponse(
        status=picture.status.value,
        components={component.name: component.status.value for component in picture.components},
        environment=ENVIRONMENTS[environment],
        time_ms=now_ms,
    )


def health_all_to(picture: Picture, streams: Streams, environment: VenueKind) -> pb.GetHealthAllResponse:
    return pb.GetHealthAllResponse(
        status=STATUSES[picture.status],
        components=[_component(component) for component in picture.components],
        streams=[
            pb.StreamLag(
                stream=stream,
                sequence=newest.sequence,
                latency_ms=newest.latency_ms,
                arrived_at_ms=newest.arrived_at_ms,
            )
            for stream, newest in sorted(streams.passages.items())
        ],
        environment=ENVIRONMENTS[environment],
    )


def _component(component: Component) -> pb.ComponentHealth:
    return pb.ComponentHealth(
        name=component.name,
        status=STATUSES[component.status],
        detail=component.detail,
        latency_ms=component.latency_ms,
        checked_at_ms=component.checked_at_ms,
        since_ms=component.since_ms,
    )


def metrics_to(machine: Machine) -> pb.GetSystemMetricsResponse:
    return pb.GetSystemMetricsResponse(
        cpu_percent=machine.cpu_percent,
        memory_total_bytes=machine.memory_total_bytes,
        memory_available_bytes=machine.memory_available_bytes,
        disk_total_bytes=machine.disk_total_bytes,
        disk_free_bytes=machine.disk_free_bytes,
        load_average=machine.load_average,
        processes=[_process(process) for process in machine.processes],
        mesh_memory_bytes=machine.mesh_memory_bytes,
    )


def _process(process: ProcessFigures) -> pb.ProcessMetrics:
    return pb.ProcessMetrics(
        name=process.name,
        pid=process.pid,
        cpu_percent=process.cpu_percent,
        memory_bytes=process.memory_bytes,
        starts=process.starts,
        uptime_seconds=process.uptime_seconds,
    )


def alert_to(alert: Alert) -> pb.Alert:
    return pb.Alert(
        alert_id=alert.alert_id,
        rule=alert.rule,
        subject=alert.subject,
        severity=SEVERITIES[alert.severity],
        message=alert.message,
        firing=alert.firing,
        raised_at_ms=alert.raised_at_ms,
        resolved_at_ms=alert.resolved_at_ms,
    )


def alert_event(alert: Alert) -> Message:
    kind = events.HealthAlertRaised if alert.firing else events.HealthAlertResolved
    return kind(alert_id=alert.alert_id, alert=alert_to(alert))


def event_from(received: Received, arrived_at_ms: int) -> PassedEvent:
    fact = "" if received.message is None else json_format.MessageToJson(received.message, **AS_THE_GATEWAY)
    return PassedEvent(
        event_id=received.event_id,
        type=received.type,
        stream=received.stream,
        sequence=received.sequence,
        key=received.key,
        time_ms=received.time_ms,
        arrived_at_ms=arrived_at_ms,
        trace_id=telemetry.trace_id_of(received.traceparent),
        json=fact,
    )


def event_to(event: PassedEvent) -> pb.WatchEventsResponse:
    return pb.WatchEventsResponse(
        event_id=event.event_id,
        type=event.type,
        stream=event.stream,
        sequence=event.sequence,
        key=event.key,
        time_ms=event.time_ms,
        trace_id=event.trace_id,
        json=event.json,
    )
