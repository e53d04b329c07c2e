"""EventLogService: hands out retained events from a service's outbox."""

from typing import Any

from grpc.aio import Server

from perpmesh.platform.outbox import Outbox
from perpmesh_api.common.v1 import event_log_service_pb2 as pb
from perpmesh_api.common.v1 import event_log_service_pb2_grpc as rpc

SERVICE = pb.DESCRIPTOR.services_by_name["EventLogService"].full_name
DEFAULT_LIMIT = 500


class EventLog(rpc.EventLogServiceServicer):
    """See protos/perpmesh_api/common/v1/event_log_service.proto."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def ListEvents(self, request: pb.ListEventsRequest, context: Any) -> pb.ListEventsResponse:  # noqa: ARG002
        rows = await self._outbox.page(request.stream, request.after_sequence, request.limit or DEFAULT_LIMIT)
        events = [
            pb.EventRecord(
                event_id=row.event_id, type=row.type, stream=row.stream, sequence=row.sequence, key=row.key,
                time_ms=row.time_ms, producer=self._outbox.service, traceparent=row.traceparent, payload=row.payload,
            )
            for row in rows
        ]  # fmt: skip
        return pb.ListEventsResponse(events=events, newest_sequence=await self._outbox.newest_sequence(request.stream))


def register(server: Server, outbox: Outbox) -> str:
    """Serve it on `server`; return the service's full name."""
    rpc.add_EventLogServiceServicer_to_server(EventLog(outbox), server)
    return SERVICE
