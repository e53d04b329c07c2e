"""Kafka as transport: topics with an incarnation, so that a broker that lost its log is noticed by everybody.

A topic has one producing service. It creates the topic and writes an incarnation id as the first record, and into a
header of every record. A broker that comes back empty gets a topic with another incarnation: producers publish their
retained events again, consumers read from the beginning and drop what they had.
"""

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError

from perpmesh.platform import telemetry
from perpmesh.platform.settings import MeshSettings

log = telemetry.log(__name__)
LOOK_SECONDS = 1.0
LOOK_TIMEOUT_MS = 1_000
LOOK_SECONDS_MAX = 4.0
DEAF_LOOKS_MAX = 3
CLOSE_SECONDS = 3
INCARNATION = "incarnation"
BEGUN = "stream.begun"
PARTITION = 0


def header(headers: Iterable[tuple[str, bytes]], name: str) -> str:
    """Return one record header as text, or ""."""
    return next((value.decode() for key, value in headers if key == name), "")


class BrokerWatch:
    """Looks at the broker once a second: which of our topics exist, and in which incarnation."""

    def __init__(self, settings: MeshSettings, topics: Iterable[str]) -> None:
        self._settings = settings
        self._topics = sorted(set(topics))
        self._changed = asyncio.Condition()
        self.incarnations: dict[str, str] = {}  # "" : the topic does not exist, or is empty
        self.reachable = False
        self._begun = 0
        self._silent: set[str] = set()  # topics from which nothing came to the client before this one

    async def look(self) -> None:
        """Look until something breaks; run it inside `forever`."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._settings.kafka, request_timeout_ms=3_000)
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka,
            enable_auto_commit=False,
            fetch_max_wait_ms=1,
            max_partition_fetch_bytes=4_096,
            request_timeout_ms=3_000,
        )
        try:
            await admin.start()
            await consumer.start()
            deaf = 0
            while True:
                begun = self._begun
                async with asyncio.timeout(LOOK_SECONDS_MAX):  # the client can wait without end for a topic that went
                    existing = set(await admin.list_topics()) & set(self._topics)
                    found = await _first_incarnations(consumer, existing)
                unseen = existing - found.keys()
                deaf = deaf + 1 if unseen else 0
                if deaf == DEAF_LOOKS_MAX:
                    found |= self._give_up(unseen)
                    unseen, deaf = set(), 0
                if begun == self._begun and (self.reachable or not unseen):
                    await self._tell({**{topic: self.incarnations[topic] for topic in unseen}, **found})
                if not unseen:
                    self._silent.clear()
                    await asyncio.sleep(LOOK_SECONDS)
        finally:
            self.reachable = False
            await close(admin.close(), consumer.stop())

    def _give_up(self, unseen: set[str]) -> dict[str, str]:
        """Ask for a new client, which may hear what this one did not; what two of them did not hear is not there.

        The embedded broker, killed while topics are made, can be left with a log that says it has records and gives
        none. Taken for empty, it is made afresh by its producer.
        """
        if not unseen <= self._silent:
            self._silent = set(unseen)
            raise ConnectionError(f"nothing comes from {', '.join(sorted(unseen))}")
        log.warning("logs without records", topics=sorted(unseen))
        return dict.fromkeys(unseen, "")

    async def _tell(self, found: Mapping[str, str]) -> None:
        seen = {topic: found.get(topic, "") for topic in self._topics}
        if seen == self.incarnations and self.reachable:
            return
        async with self._changed:
            self.incarnations, self.reachable = seen, True
            self._changed.notify_all()

    async def begun(self, topic: str, incarnation: str) -> None:
        """A producer of this process began a topic."""
        async with self._changed:
            self._begun += 1  # a look that began before this knows less than we do
            self.incarnations[topic] = incarnation
            self._changed.notify_all()

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition` of what is seen holds."""
        async with self._changed:
            await self._changed.wait_for(condition)

    async def wait_reachable(self) -> None:
        await self.wait_for(lambda: self.reachable)


async def _first_incarnations(consumer: AIOKafkaConsumer, topics: Iterable[str]) -> dict[str, str]:
    """Return what each topic's first record shows, "" for an empty topic.

    A topic that has records which did not come in time is left out: slow is not empty, and an empty topic is begun.
    """
    partitions = [TopicPartition(topic, PARTITION) for topic in sorted(topics)]
    if not partitions:
        return {}
    if set(partitions) != consumer.assignment():
        consumer.assign(partitions)
    consumer.resume(*partitions)
    await consumer.seek_to_beginning(*partitions)
    begins, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
    found = {partition.topic: "" for partition in partitions if begins[partition] == ends[partition]}
    deadline = asyncio.get_running_loop().time() + LOOK_TIMEOUT_MS / 1000
    while len(found) < len(partitions) and asyncio.get_running_loop().time() < deadline:
        for partition, records in (await consumer.getmany(timeout_ms=50)).items():
            found.setdefault(partition.topic, _incarnation_of(records[0]))
    consumer.pause(*partitions)  # between two looks the client would go on fetching, as fast as the broker answers
    return found


def _incarnation_of(first: Any) -> str:
    """Return the incarnation a log's first record shows; "" for a log that nobody has begun.

    A producer that had not noticed the loss may have written into a log which the broker made for it: that log's
    first record is an event. (Where retention has taken record 0, the log begins after offset 0.)
    """
    begun = header(first.headers, "ce_type") == BEGUN
    return header(first.headers, INCARNATION) if begun or first.offset > 0 else ""


async def begin_topic(settings: MeshSettings, producer: AIOKafkaProducer, topic: str) -> str:
    """Make `topic` afresh, write its first record, and return the new incarnation."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka, request_timeout_ms=3_000)
    try:
        await admin.start()
        if topic in await admin.list_topics():
            await admin.delete_topics([topic])  # empty, or begun by an event: see _incarnation_of
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    except TopicAlreadyExistsError:
        pass
    finally:
        await close(admin.close())
    incarnation = secrets.token_hex(8)
    headers = [(INCARNATION, incarnation.encode()), ("ce_type", BEGUN.encode())]
    await producer.send_and_wait(topic, b"", partition=PARTITION, headers=headers)
    log.info("topic begun", topic=topic, incarnation=incarnation)
    return incarnation


def producer(settings: MeshSettings) -> AIOKafkaProducer:
    """Return a producer; start and stop it."""
    return AIOKafkaProducer(
        bootstrap_servers=settings.kafka,
        enable_idempotence=settings.kafka_idempotent,
        acks="all",
        linger_ms=0,
        request_timeout_ms=3_000,
        max_request_size=4 * 1024 * 1024,
    )


async def close(*closings: Coroutine[Any, Any, Any]) -> None:
    """Close clients, and go on without those that cannot: a client whose broker died may never finish closing."""
    tasks = [asyncio.ensure_future(closing) for closing in closings]
    _, stuck = await asyncio.wait(tasks, timeout=CLOSE_SECONDS)
    for task in stuck:
        task.cancel()
    for task in tasks:
        task.add_done_callback(lambda done: done.cancelled() or done.exception())  # seen: it is closed all the same
