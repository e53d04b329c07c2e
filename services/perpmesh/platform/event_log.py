"""EventLogService: hands out retained events from a service's outbox."""

from typing import Any

from grpc.aio import Server

from perpmesh.kernel.errors import NotFound
from perpmesh.platform.grpc_server import require_operator
from perpmesh.platform.inbox import Inbox
from perpmesh.platform.outbox import Outbox
from perpmesh_api.common.v1 import dead_letter_events_pb2
from perpmesh_api.common.v1 import event_log_service_pb2 as pb
from perpmesh_api.common.v1 import event_log_service_pb2_grpc as rpc

SERVICE = pb.DESCRIPTOR.services_by_name["EventLogService"].full_name
DEFAULT_LIMIT = 500


class EventLog(rpc.EventLogServiceServicer):
    """See protos/perpmesh_api/common/v1/event_log_service.proto."""

    def __init__(self, outbox: Outbox, inbox: Inbox | None) -> None:
        self._outbox = outbox
        self._inbox = inbox

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

    async def RetryDeadLetter(self, request: pb.RetryDeadLetterRequest, context: Any) -> pb.RetryDeadLetterResponse:  # noqa: ARG002
        require_operator()
        stream = f"{self._outbox.service}.dead-letters.v1"
        found = await self._outbox.page(stream, request.sequence - 1, 1)
        if self._inbox is None or not found or found[0].sequence != request.sequence:
            raise NotFound(f"{stream} has no {request.sequence}", reason="UNKNOWN_DEAD_LETTER", field="sequence")
        letter = dead_letter_events_pb2.DeadLettered.FromString(found[0].payload)
        await self._inbox.retry(letter, traceparent=found[0].traceparent)
        return pb.RetryDeadLetterResponse(event_type=letter.event_type, stream=letter.stream, sequence=letter.sequence)


def register(server: Server, outbox: Outbox, inbox: Inbox | None = None) -> str:
    """Serve it on `server`; return the service's full name."""
    rpc.add_EventLogServiceServicer_to_server(EventLog(outbox, inbox), server)
    return SERVICE
