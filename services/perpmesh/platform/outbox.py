"""Events out: written with the state that made them, published by a relay, kept for whoever asks again."""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from aiokafka import AIOKafkaProducer
from google.protobuf.message import Message
from sqlalchemy.ext.asyncio import AsyncConnection

from perpmesh.kernel.ids import derived_id
from perpmesh.kernel.time import Clock
from perpmesh.platform import bus, telemetry
from perpmesh.platform.bus import BrokerWatch
from perpmesh.platform.contracts import contract_of
from perpmesh.platform.database import Database, events_out, streams_out
from perpmesh.platform.settings import MeshSettings

log = telemetry.log(__name__)
RETAINED_PER_STREAM = 20_000
BATCH = 500
IDLE_SECONDS = 1.0


class Outbox:
    """Appends events inside the caller's transaction, and relays them in order, each at least once."""

    def __init__(self, service: str, settings: MeshSettings, database: Database, clock: Clock) -> None:
        self.service = service
        self._settings = settings
        self._database = database
        self._clock = clock
        self._wake = asyncio.Event()
        self._appended = False
        self._producer: AIOKafkaProducer | None = None
        self._beginning = asyncio.Lock()
        database.after_commit(self._committed)

    async def append(self, tx: AsyncConnection, message: Message, *, traceparent: str = "") -> int:
        """Write one event into its stream; it is published once `tx` has committed. Return its sequence."""
        contract = contract_of(message)
        stream = contract.topic.format(service=self.service)
        newest = await tx.execute(sa.select(streams_out.c.newest_sequence).where(streams_out.c.stream == stream))
        sequence = (newest.scalar() or 0) + 1
        if sequence == 1:
            row = {"stream": stream, "newest_sequence": 1, "published_sequence": 0, "incarnation": ""}
            await tx.execute(sa.insert(streams_out).values(**row))
        else:
            here = sa.update(streams_out).where(streams_out.c.stream == stream)
            await tx.execute(here.values(newest_sequence=sequence))
        await tx.execute(
            sa.insert(events_out).values(
                stream=stream,
                sequence=sequence,
                event_id=derived_id(self.service, stream, sequence),
                type=contract.type,
                key=str(getattr(message, contract.key)),
                time_ms=self._clock.now_ms(),
                traceparent=traceparent or telemetry.traceparent(),
                payload=message.SerializeToString(deterministic=True),
            )
        )
        self._appended = True
        return sequence

    async def newest_sequence(self, stream: str) -> int:
        """Return the newest committed sequence of one of our streams; 0 when it has none."""
        async with self._database.reading() as connection:
            query = sa.select(streams_out.c.newest_sequence).where(streams_out.c.stream == stream)
            return int((await connection.execute(query)).scalar() or 0)

    async def page(self, stream: str, after: int, limit: int) -> list[sa.Row[Any]]:
        """Return retained events of one stream after a sequence, in order."""
        query = (
            sa.select(events_out)
            .where(events_out.c.stream == stream, events_out.c.sequence > after)
            .order_by(events_out.c.sequence)
            .limit(limit)
        )
        async with self._database.reading() as connection:
            return list(await connection.execute(query))

    async def publish_conflated(self, watch: BrokerWatch, message: Message) -> None:
        """Publish an event that is not kept and has no sequence; it is dropped when the broker is away."""
        contract = contract_of(message)
        incarnation = watch.incarnations.get(contract.topic, "")
        if self._producer is None or not watch.reachable:
            return
        if not incarnation:
            incarnation = await self._begin(watch, self._producer, contract.topic)
        key = str(getattr(message, contract.key))
        headers = _headers(
            event_id="", kind=contract.type, service=self.service, stream=contract.topic, sequence=0,
            time_ms=self._clock.now_ms(), traceparent="", incarnation=incarnation,
        )  # fmt: skip
        await self._producer.send(
            contract.topic, message.SerializeToString(), key=key.encode(), headers=headers, partition=bus.PARTITION
        )

    async def relay(self, watch: BrokerWatch, streams: Iterable[str]) -> None:
        """Publish until something breaks; run it inside `forever`."""
        own = list(streams)
        await watch.wait_reachable()
        producer = bus.producer(self._settings)
        await producer.start()
        self._producer = producer
        try:
            while True:
                for stream in own:
                    await self._publish(watch, producer, stream)
                self._wake.clear()
                await _within(self._wake, IDLE_SECONDS)
        finally:
            self._producer = None
            await bus.close(producer.stop())

    def _committed(self) -> None:
        if self._appended:
            self._appended = False
            self._wake.set()

    async def _publish(self, watch: BrokerWatch, producer: AIOKafkaProducer, stream: str) -> None:
        published = await self._mark(watch, producer, stream)
        while events := await self.page(stream, published, BATCH):
            sent = [await self._send(producer, event, watch.incarnations[stream]) for event in events]
            await asyncio.gather(*sent)
            published = events[-1].sequence
            await self._set_mark(stream, published, watch.incarnations[stream])

    async def _mark(self, watch: BrokerWatch, producer: AIOKafkaProducer, stream: str) -> int:
        """Return what is published in the topic's present incarnation, beginning the topic when it is not there."""
        if not watch.reachable:
            raise ConnectionError("the broker is away")
        seen = watch.incarnations.get(stream, "")
        if not seen:
            seen = await self._begin(watch, producer, stream)
        async with self._database.reading() as connection:
            row = (await connection.execute(sa.select(streams_out).where(streams_out.c.stream == stream))).first()
        if row is not None and row.incarnation == seen:
            return int(row.published_sequence)
        if row is not None:
            await self._set_mark(stream, 0, seen)
        return 0

    async def _begin(self, watch: BrokerWatch, producer: AIOKafkaProducer, topic: str) -> str:
        async with self._beginning:
            if incarnation := watch.incarnations.get(topic, ""):
                return incarnation  # somebody here was quicker
            incarnation = await bus.begin_topic(self._settings, producer, topic)
            await watch.begun(topic, incarnation)
            return incarnation

    async def _set_mark(self, stream: str, published: int, incarnation: str) -> None:
        async with self._database.transaction() as tx:
            here = sa.update(streams_out).where(streams_out.c.stream == stream)
            await tx.execute(here.values(published_sequence=published, incarnation=incarnation))
            if published % BATCH == 0:
                old = (events_out.c.stream == stream) & (events_out.c.sequence <= published - RETAINED_PER_STREAM)
                await tx.execute(sa.delete(events_out).where(old))

    async def _send(self, producer: AIOKafkaProducer, event: sa.Row[Any], incarnation: str) -> "asyncio.Future[Any]":
        headers = _headers(
            event_id=event.event_id, kind=event.type, service=self.service, stream=event.stream,
            sequence=event.sequence, time_ms=event.time_ms, traceparent=event.traceparent, incarnation=incarnation,
        )  # fmt: skip
        future: asyncio.Future[Any] = await producer.send(
            event.stream, event.payload, key=event.key.encode(), headers=headers, partition=bus.PARTITION
        )
        return future


def _headers(
    *,
    event_id: str,
    kind: str,
    service: str,
    stream: str,
    sequence: int,
    time_ms: int,
    traceparent: str,
    incarnation: str,
) -> list[tuple[str, bytes]]:
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_type", kind.encode()),
        ("ce_source", f"perpmesh/{service}".encode()),
        ("ce_time", str(time_ms).encode()),
        ("stream", stream.encode()),
        ("sequence", str(sequence).encode()),
        ("traceparent", traceparent.encode()),
        (bus.INCARNATION, incarnation.encode()),
    ]


async def _within(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
