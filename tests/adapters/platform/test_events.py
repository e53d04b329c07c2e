"""Events between two services over a real broker that is killed, loses its log and comes back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiokafka.admin import AIOKafkaAdminClient

from perpmesh.kernel.errors import Unavailable
from perpmesh.platform import database, event_log, grpc_server, process
from perpmesh.platform.bus import BrokerWatch
from perpmesh.platform.inbox import Inbox
from perpmesh.platform.outbox import Outbox
from perpmesh.platform.settings import MeshSettings
from perpmesh.platform.time import SystemClock
from perpmesh.testing.broker import Broker
from perpmesh.testing.ports import free_port
from perpmesh_api.common.v1 import dead_letter_events_pb2
from perpmesh_api.execution.v1.order_events_pb2 import TradeClosed

STREAM = "execution.trades.v1"
SEEN = sa.MetaData()
seen_table = sa.Table("seen", SEEN, sa.Column("id", sa.Integer, primary_key=True), sa.Column("symbol", sa.String))


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    async with Broker() as running:
        yield running


@pytest.fixture
def settings(broker: Broker, tmp_path: Path) -> MeshSettings:
    return MeshSettings(
        state_dir=tmp_path, kafka=broker.address, kafka_fetch_wait_ms=5, execution_address=f"127.0.0.1:{free_port()}"
    )


class Producer:
    def __init__(self, store: database.Database, outbox: Outbox) -> None:
        self.store = store
        self.outbox = outbox

    async def closes(self, *symbols: str) -> None:
        for symbol in symbols:
            async with self.store.transaction() as tx:
                await self.outbox.append(tx, TradeClosed(symbol=symbol))


@asynccontextmanager
async def producing(settings: MeshSettings) -> AsyncIterator[Producer]:
    async with AsyncExitStack() as house:
        store = await house.enter_async_context(database.opened(settings, "execution", sa.MetaData()))
        outbox = Outbox("execution", settings, store, SystemClock())
        serving = await house.enter_async_context(grpc_server.serving("execution", settings.execution_address))
        await serving.start([event_log.register(serving.server, outbox)])
        watch = BrokerWatch(settings, [STREAM])
        loops = process.background(("watch", watch.look), ("relay", lambda: outbox.relay(watch, [STREAM])))
        await house.enter_async_context(loops)
        yield Producer(store, outbox)


class Consumer:
    inbox: Inbox

    def __init__(self, store: database.Database) -> None:
        self.store = store
        self.arrived = asyncio.Event()
        self.trouble: list[Exception] = []

    async def on_trade_closed(self, tx, received):
        if self.trouble:
            raise self.trouble[0]
        await tx.execute(sa.insert(seen_table).values(symbol=received.message.symbol))
        return self.arrived.set

    async def symbols(self) -> list[str]:
        async with self.store.reading() as connection:
            rows = await connection.execute(sa.select(seen_table.c.symbol).order_by(seen_table.c.id))
            return [row.symbol for row in rows]

    async def sees(self, *symbols: str) -> None:
        async with asyncio.timeout(20):
            while await self.symbols() != list(symbols):
                self.arrived.clear()
                if await self.symbols() != list(symbols):
                    await self.arrived.wait()


@asynccontextmanager
async def consuming(settings: MeshSettings) -> AsyncIterator[Consumer]:
    async with AsyncExitStack() as house:
        store = await house.enter_async_context(database.opened(settings, "risk_safety", SEEN))
        consumer = Consumer(store)
        outbox = Outbox("risk_safety", settings, store, SystemClock())
        inbox = Inbox(
            settings=settings, database=store, outbox=outbox, clock=SystemClock(),
            handlers={TradeClosed: consumer.on_trade_closed},
        )  # fmt: skip
        consumer.inbox = inbox
        watch = BrokerWatch(settings, inbox.topics)
        loops = process.background(("watch", watch.look), ("inbox", lambda: inbox.consume(watch)))
        await house.enter_async_context(loops)
        yield consumer


async def test_events_arrive_once_and_in_order(settings: MeshSettings) -> None:
    async with producing(settings) as producer, consuming(settings) as consumer:
        await producer.closes("A", "B", "C")
        await consumer.sees("A", "B", "C")


async def test_a_consumer_that_restarts_goes_on_where_it_was(settings: MeshSettings) -> None:
    async with producing(settings) as producer:
        async with consuming(settings) as consumer:
            await producer.closes("A")
            await consumer.sees("A")
        await producer.closes("B")
        async with consuming(settings) as consumer:
            await consumer.sees("A", "B")


async def test_a_broker_that_lost_its_log_loses_nothing(settings: MeshSettings, broker: Broker) -> None:
    async with producing(settings) as producer, consuming(settings) as consumer:
        await producer.closes("A", "B")
        await consumer.sees("A", "B")
        broker.kill()
        await producer.closes("C")
        await broker.start()
        await consumer.sees("A", "B", "C")


async def test_a_new_log_that_has_grown_past_the_old_offset_is_noticed(settings: MeshSettings, broker: Broker) -> None:
    """The consumer is away while the broker loses its log and the new one outgrows the remembered offset."""
    async with producing(settings) as producer:
        async with consuming(settings) as consumer:
            await producer.closes("A", "B")
            await consumer.sees("A", "B")
        broker.kill()
        await broker.start()
        rest = [f"X{number}" for number in range(10)]
        await producer.closes(*rest)
        async with consuming(settings) as consumer:
            await consumer.sees("A", "B", *rest)


async def test_a_gap_is_filled_by_the_producer(settings: MeshSettings) -> None:
    """The log begins after what the consumer has: as after a retention that was too short."""
    async with producing(settings) as producer:
        await producer.closes("A", "B", "C")
        async with consuming(settings) as consumer:
            await consumer.sees("A", "B", "C")
        async with consuming(settings) as consumer, consumer.store.transaction() as tx:
            # as if only A had been seen, and the log began at C
            await tx.execute(sa.delete(seen_table).where(seen_table.c.symbol != "A"))
            await tx.execute(sa.update(database.streams_in).values(sequence=1, position=2))
        async with consuming(settings) as consumer:
            await consumer.sees("A", "B", "C")


async def test_a_topic_that_is_made_again_under_its_consumer_is_read_on(settings: MeshSettings) -> None:
    """As when a producer clears away a log that the broker had made by itself."""
    async with producing(settings) as producer, consuming(settings) as consumer:
        await producer.closes("A")
        await consumer.sees("A")
        admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka)
        await admin.start()
        try:
            await admin.delete_topics([STREAM])
        finally:
            await admin.close()
        await producer.closes("B")
        await consumer.sees("A", "B")


async def test_an_event_that_cannot_be_handled_goes_to_the_dead_letters(settings: MeshSettings) -> None:
    async with producing(settings) as producer, consuming(settings) as consumer:
        consumer.trouble.append(ValueError("no such symbol"))
        await producer.closes("A")
        async with asyncio.timeout(20):
            while not (letters := await _dead_letters(consumer)):
                await asyncio.sleep(0.05)
        assert letters[0].event_type == "trade.closed"
        assert "no such symbol" in letters[0].reason
        consumer.trouble.clear()
        await producer.closes("B")
        await consumer.sees("B")
        await consumer.inbox.retry(letters[0], traceparent="")
        await consumer.sees("B", "A")


async def _dead_letters(consumer: Consumer) -> list[dead_letter_events_pb2.DeadLettered]:
    async with consumer.store.reading() as connection:
        rows = await connection.execute(sa.select(database.events_out.c.payload))
        return [dead_letter_events_pb2.DeadLettered.FromString(row.payload) for row in rows]


async def test_a_stream_waits_while_its_handler_cannot_work(settings: MeshSettings) -> None:
    async with producing(settings) as producer, consuming(settings) as consumer:
        consumer.trouble.append(Unavailable("the exchange is away"))
        await producer.closes("A", "B")
        await asyncio.sleep(0)
        consumer.trouble.clear()
        await consumer.sees("A", "B")
