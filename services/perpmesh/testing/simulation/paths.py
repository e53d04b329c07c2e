"""What lies between the processes: bytes that are delayed, repeated, dropped and overtaken, as the plan has it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from random import Random

from perpmesh.execution.adapters import wire
from perpmesh.execution.domain.dry_run import Judgement
from perpmesh.execution.domain.events import Event, TradeClosed, TradeOpened
from perpmesh.execution.domain.order import Order
from perpmesh.execution.domain.trade import Trade
from perpmesh.kernel.errors import Unavailable
from perpmesh.testing.memory_log import MemoryLog
from perpmesh.testing.simulation.life import Life, World
from perpmesh.testing.simulation.plan import Plan

AGAIN_SECONDS = 1.0  # a consumer that saw a gap, or nothing, asks again after this


class OutboxLog(MemoryLog):
    """The command log with its outbox: trade events leave it as bytes, numbered without a gap."""

    def __init__(self) -> None:
        super().__init__()
        self.stream: list[tuple[str, bytes]] = []
        self.grew = asyncio.Event()

    async def commit(
        self,
        *,
        orders: Sequence[Order] = (),
        trades: Sequence[Trade] = (),
        events: Sequence[Event] = (),
        judgements: Sequence[Judgement] = (),
    ) -> None:
        await super().commit(orders=orders, trades=trades, events=events, judgements=judgements)
        for event in events:
            if isinstance(event, TradeOpened | TradeClosed):
                self.stream.append((type(event).__name__, wire.event(event).SerializeToString()))
                self.grew.set()

    async def newest_sequence(self, stream: str) -> int:  # noqa: ARG002 - it has one
        return len(self.stream)


class Bus:
    """Transport, never the record: it may be down, repeat, drop and overtake."""

    def __init__(self, world: World, plan: Plan, chance: Random) -> None:
        self._world = world
        self._plan = plan
        self._chance = chance
        self.down_until = 0.0

    async def pause(self) -> None:
        """Take the time that a message takes, and until the bus is up."""
        await asyncio.sleep(self._plan.bus_ms / 1000 * self._chance.uniform(0.5, 1.5))
        await asyncio.sleep(max(0.0, self.down_until - self._world.loop.time()))

    def times(self) -> int:
        """Return how often a message arrives at once; 0: it has to be asked for again."""
        if self._chance.random() < self._plan.drops:
            return 0
        return 2 if self._chance.random() < self._plan.repeats else 1

    def overtakes(self) -> bool:
        return self._chance.random() < self._plan.reorders

    def send(self, take: Callable[[], Awaitable[None]]) -> None:
        """Deliver something at least once, late if need be."""
        self._world.spawn(self._deliver(take))

    async def _deliver(self, take: Callable[[], Awaitable[None]]) -> None:
        await self.pause()
        if self.overtakes():
            await asyncio.sleep(self._chance.uniform(0.1, 3))
        times = self.times()
        await asyncio.sleep(0 if times else AGAIN_SECONDS)  # whoever misses it asks for it
        for _ in range(max(1, times)):
            await take()


class Stream:
    """One gRPC stream between a holder and the keeper: two directions, cut when either end dies or the plan says so."""

    def __init__(self, world: World, plan: Plan, chance: Random, holder: Life, keeper: Life) -> None:
        self._world = world
        self._plan = plan
        self._chance = chance
        self.holder = holder
        self.keeper = keeper
        self.cut = False
        self.asked: asyncio.Queue[bytes] = asyncio.Queue()
        self.answers: asyncio.Queue[bytes | None] = asyncio.Queue()

    def say(self, queue: "asyncio.Queue[bytes] | asyncio.Queue[bytes | None]", message: bytes) -> None:
        """Put a message on its way. It may get lost or be overtaken, which gRPC would not do: the lease bears it."""
        if self._chance.random() >= self._plan.drops / 3:
            self._world.spawn(self._carry(queue, message))

    async def _carry(self, queue: "asyncio.Queue[bytes] | asyncio.Queue[bytes | None]", message: bytes) -> None:
        late = self._chance.uniform(0, 1) if self._chance.random() < self._plan.reorders / 3 else 0
        await asyncio.sleep(0.001 + late)
        if not self.cut:
            queue.put_nowait(message)

    def break_off(self) -> None:
        self.cut = True
        self.answers.put_nowait(None)

    async def heard(self) -> AsyncIterator[bytes]:
        """Yield the keeper's answers; raise Unavailable when the stream is cut."""
        while (message := await self.answers.get()) is not None:
            await self.holder.awake()
            yield message
        raise Unavailable("the stream was cut")
