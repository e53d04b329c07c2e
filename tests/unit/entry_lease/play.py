"""Everything that can happen between the safety core, its holders and the exchange, as moves with two numbers each."""

from collections import Counter
from collections.abc import Awaitable, Callable

from perpmesh.risk_safety.domain.ess import EssState
from perpmesh.testing.trip_world import LATE_MS, SYMBOLS, Clocks, Holder, Stream, World

QUIET_MS = 2_200  # whoever may have held has run out
TIMES_MS = (1, 20, 50, 130, 300, 500, 1_000, 2_000)


class Play:
    """One world, and the moves that can be made in it. A move that makes no sense now does nothing."""

    def __init__(self, clocks: Clocks) -> None:
        self.world = World(clocks)
        self.wishes = 0
        self.seen: Counter[str] = Counter()  # what happened, to know that it did

    async def begin(self) -> None:
        await self.world.begin()
        self.holders = [self.world.holder]
        self.streams = [self.world.holder.stream]

    async def make(self, move: str, first: int, second: int) -> None:
        await MOVES[move](self, first, second)
        await self.world.settle()

    def holder(self, which: int) -> Holder | None:
        """Return one of the two newest lives, if it runs."""
        found = self.holders[-1 - which % min(2, len(self.holders))]
        return found if found.process.runs else None

    def stream(self, which: int) -> Stream:
        return self.streams[-1 - which % min(4, len(self.streams))]

    # Words.

    async def ask(self, which: int, _: int) -> None:
        if holder := self.holder(which):
            await holder.ask()

    async def hear(self, which: int, index: int, *, keep: bool = False) -> None:
        stream = self.stream(which)
        if stream.up:
            await self.world.hear(stream, index % len(stream.up), keep=keep)

    async def hear_and_keep(self, which: int, index: int) -> None:
        await self.hear(which, index, keep=True)

    async def tell(self, which: int, index: int, *, keep: bool = False) -> None:
        if (holder := self.holder(which)) and holder.stream.down:
            self.world.tell(holder, index % len(holder.stream.down), keep=keep)

    async def tell_and_keep(self, which: int, index: int) -> None:
        await self.tell(which, index, keep=True)

    async def lose(self, which: int, up: int) -> None:
        stream = self.stream(which)
        (stream.up if up % 2 else stream.down).clear()

    async def connect_again(self, which: int, _: int) -> None:
        if holder := self.holder(which):
            holder.connect(self.world.core)
            self.streams.append(holder.stream)

    async def talk(self, which: int, _: int) -> None:
        """Say and hear everything, as on a quiet day."""
        if holder := self.holder(which):
            await self.world.exchange_words(holder)
            await self.world.settle()
            await holder.ask()
            await self.world.exchange_words(holder)

    async def renew(self, _: int, __: int) -> None:
        if self.holder(0):
            await self.world.renew()

    # Entries.

    async def want(self, which: int, symbol: int) -> None:
        if holder := self.holder(which):
            self.wishes += 1
            self.world.want(f"r{self.wishes}", list(SYMBOLS)[symbol % len(SYMBOLS)], holder)

    async def send(self, which: int, symbol: int) -> None:
        """Bring an entry under way, on a day that is quiet apart from what happened before."""
        before = len(self.world.venue.net)
        if self.world.core.ess.latch.state is EssState.ARMED:
            await self.recover()
        await self.want(which, symbol)
        await self.world.settle()
        self.seen["sent"] += len(self.world.venue.net) > before

    async def recover(self) -> None:
        """Let the newest execution run, connected, with a lease and without positions, if it is not so already."""
        if self.holders[-1].process.dead:
            await self.replace(1, 0)
        holder = self.holders[-1]
        holder.process.thaw()
        if holder.stream.core is not self.world.core:
            await self.connect_again(0, 0)
        await self.renew(0, 0)
        lease = holder.cases.lease.current()
        if lease is None or not lease.remaining_ms(holder.clock.boot_ms()):
            await self.world.pass_ms(QUIET_MS)
            await self.renew(0, 0)
        if holder.cases.tools.desk.positions:
            await self.close(0, 0)

    async def close(self, _: int, __: int) -> None:
        if holder := self.holder(0):
            await self.world.done(holder.cases.flatten.flatten())

    async def arrive(self, index: int, how: int) -> None:
        if net := self.world.venue.net:
            before = len(self.world.venue.entries)
            deliver = self.world.arrive if how % 2 else self.world.arrive_unheard
            deliver(net[index % len(net)], late_ms=how // 2 % 2 * LATE_MS)
            self.seen["accepted" if len(self.world.venue.entries) > before else "refused"] += 1

    async def answer_unknown(self, index: int, _: int) -> None:
        if net := self.world.venue.net:
            self.world.answer_unknown(net[index % len(net)])

    # Processes and time.

    async def time(self, which: int, _: int) -> None:
        await self.world.pass_ms(TIMES_MS[which % len(TIMES_MS)])

    async def freeze(self, which: int, _: int) -> None:
        if holder := self.holder(which):
            holder.process.freeze()

    async def thaw(self, which: int, _: int) -> None:
        self.holders[-1 - which % len(self.holders)].process.thaw()

    async def replace(self, killed: int, _: int) -> None:
        """Start another execution; the one before is dead, or only frozen."""
        before = self.holders[-1].process
        before.kill() if killed % 2 else before.freeze()
        self.holders = [*self.holders[-2:], await self.world.start_holder()]
        self.streams.append(self.holders[-1].stream)

    async def restart_core(self, _: int, __: int) -> None:
        self.world.hang_up()
        await self.world.start_core()
        self.seen["core restarted"] += 1

    # The stop.

    async def trip(self, _: int, __: int) -> None:
        """Trip, or lift the trip that holds."""
        if self.world.sealed is not None and self.world.core.ess.latch.state is EssState.TRIPPED:
            self.seen["lifted"] += 1
            self.seen[f"by {self.world.core.ess.latch.release.by}"] += 1
            await self.world.rearm()
        else:
            self.seen["tripped with entries on the way"] += bool(self.world.venue.net)
            self.world.trip()


Move = Callable[[Play, int, int], Awaitable[None]]
# Repeated where it should be frequent.
FREQUENT = (*("send",) * 4, "trip", "talk", "talk", "arrive", "time", "tell", "hear")
RARE = (
    "ask", "want", "hear_and_keep", "tell_and_keep", "lose", "connect_again", "renew", "answer_unknown", "freeze",
    "thaw", "replace", "restart_core",
)  # fmt: skip
MOVES: dict[str, Move] = {name: getattr(Play, name) for name in (*FREQUENT, *RARE)}
