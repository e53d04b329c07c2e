"""Events in: each handled once, in order, in the same transaction as the state it changes.

A consumer keeps a high-water mark per stream. At or below it an event is dropped; a gap stops that stream until the
producer has handed out what is missing; an event that cannot be handled goes to the dead letters with its reason.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
import sqlalchemy as sa
from aiokafka import AIOKafkaConsumer, TopicPartition
from google.protobuf.message import DecodeError, Message
from sqlalchemy.ext.asyncio import AsyncConnection

from perpmesh.kernel.errors import NotFound, Unavailable
from perpmesh.kernel.time import Clock
from perpmesh.platform import bus, grpc_client, telemetry
from perpmesh.platform.bus import BrokerWatch
from perpmesh.platform.contracts import catalogue, contract_of, producer_of
from perpmesh.platform.database import Database, streams_in, upsert
from perpmesh.platform.outbox import Outbox
from perpmesh.platform.settings import MeshSettings
from perpmesh_api.common.v1 import dead_letter_events_pb2, event_log_service_pb2, event_log_service_pb2_grpc

log = telemetry.log(__name__)
TRIES = 3
RETRY_SECONDS = 0.5
POLL_MS = 200
BEGIN_SECONDS = 10
LOOK_AFTER_QUIET_POLLS = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One event as it arrived."""

    message: Any  # the protobuf message of the type's contract
    type: str
    event_id: str
    stream: str
    sequence: int
    key: str
    time_ms: int
    producer: str
    traceparent: str


AfterCommit = Callable[[], None]
Handler = Callable[[AsyncConnection, Received], Awaitable[AfterCommit | None]]


class Inbox:
    """Consumes the streams of the event types it has handlers for."""

    def __init__(
        self,
        *,
        settings: MeshSettings,
        database: Database,
        outbox: Outbox,
        clock: Clock,
        handlers: Mapping[type[Message], Handler],
        fetch_wait_ms: int | None = None,
    ) -> None:
        self._settings = settings
        self._database = database
        self._outbox = outbox
        self._clock = clock
        self._handlers = {contract_of(kind).type: handler for kind, handler in handlers.items()}
        self._fetch_wait_ms = fetch_wait_ms or settings.kafka_fetch_wait_ms
        self.topics = sorted({topic for kind in handlers for topic in contract_of(kind).topics()})
        self._marks: dict[str, int] = {}

    async def consume(self, watch: BrokerWatch) -> None:
        """Consume until a topic changes its incarnation or something breaks; run it inside `forever`."""
        await watch.wait_for(lambda: watch.reachable and bool(self._readable(watch)))
        assigned = self._readable(watch)
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka,
            enable_auto_commit=False,
            fetch_max_wait_ms=self._fetch_wait_ms,
            request_timeout_ms=5_000,
            auto_offset_reset="earliest",
        )
        try:
            async with asyncio.timeout(BEGIN_SECONDS):
                await consumer.start()
                await self._assign(consumer, assigned)
            log.info("reading", streams=sorted(assigned))
            quiet = 0
            while self._readable(watch) == assigned or not watch.reachable:
                async with asyncio.timeout(BEGIN_SECONDS):
                    batches = await consumer.getmany(timeout_ms=POLL_MS, max_records=500)
                    quiet = 0 if batches else quiet + 1
                    if quiet % LOOK_AFTER_QUIET_POLLS == LOOK_AFTER_QUIET_POLLS - 1 and watch.reachable:
                        await _not_deaf(consumer)
                for partition, records in batches.items():
                    await self._batch(consumer, partition, records, assigned[partition.topic])
        finally:
            await bus.close(consumer.stop())

    def _readable(self, watch: BrokerWatch) -> dict[str, str]:
        return {topic: watch.incarnations[topic] for topic in self.topics if watch.incarnations.get(topic)}

    async def _assign(self, consumer: AIOKafkaConsumer, assigned: Mapping[str, str]) -> None:
        async with self._database.reading() as connection:
            rows = {row.stream: row for row in await connection.execute(sa.select(streams_in))}
        self._marks = {stream: row.sequence for stream, row in rows.items()}
        partitions = {topic: TopicPartition(topic, bus.PARTITION) for topic in assigned}
        consumer.assign(list(partitions.values()))
        for topic, partition in partitions.items():
            row = rows.get(topic)
            if row is not None and row.incarnation == assigned[topic]:
                consumer.seek(partition, row.position + 1)
            else:
                await consumer.seek_to_beginning(partition)

    async def _batch(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, records: Iterable[Any], incarnation: str
    ) -> None:
        for record in records:
            try:
                await self._record(record, incarnation)
            except Unavailable as error:
                log.warning("stream waits", stream=partition.topic, reason=str(error))
                consumer.seek(partition, record.offset)
                await asyncio.sleep(RETRY_SECONDS)
                return

    async def _record(self, record: Any, incarnation: str) -> None:
        sequence = int(bus.header(record.headers, "sequence") or 0)
        kind = bus.header(record.headers, "ce_type")
        if kind == bus.BEGUN:
            return
        if sequence == 0:  # conflated: not kept, nothing to remember
            if handler := self._handlers.get(kind):
                received = _received(record, kind, record.topic, 0)
                async with self._database.reading() as connection:
                    await handler(connection, received)
            return
        if sequence > self._marks.get(record.topic, 0) + 1:
            await self._fetch_missing(record.topic, sequence)
        if sequence > self._marks.get(record.topic, 0):
            await self._handle(_received(record, kind, record.topic, sequence), incarnation, record.offset)

    async def _fetch_missing(self, stream: str, before: int) -> None:
        """Ask the producer for what lies between the mark and `before`. What it has trimmed is gone for good."""
        async for event in self._retained(stream, self._marks.get(stream, 0), before):
            received = Received(
                message=_parse(event.type, event.payload), type=event.type, event_id=event.event_id, stream=stream,
                sequence=event.sequence, key=event.key, time_ms=event.time_ms, producer=event.producer,
                traceparent=event.traceparent,
            )  # fmt: skip
            await self._handle(received, "", -1)

    async def _retained(self, stream: str, after: int, before: int) -> AsyncIterator[Any]:
        async with grpc_client.channel(self._settings.address(producer_of(stream))) as channel:
            producer: Any = event_log_service_pb2_grpc.EventLogServiceStub(channel)
            while after < before - 1:
                request = event_log_service_pb2.ListEventsRequest(stream=stream, after_sequence=after, limit=500)
                try:
                    page = await producer.ListEvents(request)
                except grpc.RpcError as error:
                    raise Unavailable(f"{stream} has a gap after {after}; its producer does not answer") from error
                if not page.events:
                    return
                for event in page.events:
                    if event.sequence < before:
                        yield event
                    after = event.sequence

    async def _handle(self, received: Received, incarnation: str, position: int) -> None:
        reason = ""
        for _ in range(TRIES):
            try:
                await self._once(received, incarnation, position)
            except Unavailable:
                raise
            except Exception as error:
                reason = repr(error)
                log.exception(
                    "event not handled", type=received.type, stream=received.stream, sequence=received.sequence
                )
            else:
                return
        await self._give_up(received, incarnation, position, reason)

    async def _once(self, received: Received, incarnation: str, position: int) -> None:
        handler = self._handlers.get(received.type)
        after = None
        with telemetry.span(f"on {received.type}", traceparent=received.traceparent):
            async with self._database.transaction() as tx:
                if handler is not None:
                    after = await handler(tx, received)
                await self._advance(tx, received, incarnation, position)
            self._marks[received.stream] = received.sequence
            if after is not None:
                after()

    async def retry(self, letter: dead_letter_events_pb2.DeadLettered, *, traceparent: str) -> None:
        """Handle a dead letter once more; raise what its handler raises. The stream's mark stays where it is."""
        received = Received(
            message=_parse(letter.event_type, letter.payload), type=letter.event_type, event_id=letter.event_id,
            stream=letter.stream, sequence=letter.sequence, key="", time_ms=letter.given_up_at_ms,
            producer=producer_of(letter.stream), traceparent=traceparent,
        )  # fmt: skip
        handler = self._handlers.get(letter.event_type)
        if handler is None:
            raise NotFound(f"nothing here handles {letter.event_type}", reason="NO_HANDLER")
        after = None
        with telemetry.span(f"retry {received.type}", traceparent=traceparent):
            async with self._database.transaction() as tx:
                after = await handler(tx, received)
            if after is not None:
                after()

    async def _advance(self, tx: AsyncConnection, received: Received, incarnation: str, position: int) -> None:
        values: dict[str, Any] = {"stream": received.stream, "sequence": received.sequence}
        await upsert(tx, streams_in, **values, incarnation=incarnation, position=position)

    async def _give_up(self, received: Received, incarnation: str, position: int, reason: str) -> None:
        letter = dead_letter_events_pb2.DeadLettered(
            service=self._outbox.service, stream=received.stream, sequence=received.sequence,
            event_id=received.event_id, event_type=received.type, reason=reason[:500],
            given_up_at_ms=self._clock.now_ms(),
            payload=received.message.SerializeToString() if received.message is not None else b"",
        )  # fmt: skip
        async with self._database.transaction() as tx:
            await self._outbox.append(tx, letter)
            await self._advance(tx, received, incarnation, position)
        self._marks[received.stream] = received.sequence


async def _not_deaf(consumer: AIOKafkaConsumer) -> None:
    """Raise when there is something to read that does not come.

    The client waits without end for a topic that was deleted and made again under it; a new client does not.
    """
    ends = await consumer.end_offsets(list(consumer.assignment()))
    for partition, end in ends.items():
        if await consumer.position(partition) < end:
            raise ConnectionError(f"{partition.topic} has more than comes")


def _received(record: Any, kind: str, stream: str, sequence: int) -> Received:
    return Received(
        message=_parse(kind, record.value), type=kind, event_id=bus.header(record.headers, "ce_id"), stream=stream,
        sequence=sequence, key=(record.key or b"").decode(), time_ms=int(bus.header(record.headers, "ce_time") or 0),
        producer=producer_of(stream), traceparent=bus.header(record.headers, "traceparent"),
    )  # fmt: skip


def _parse(kind: str, payload: bytes) -> Any:
    """Return the message, or None for a type this version does not know."""
    contract = catalogue().get(kind)
    if contract is None:
        return None
    try:
        return contract.message.FromString(payload)
    except DecodeError:
        log.warning("undecodable event", type=kind)
        return None
