"""The safety core and execution, both whole, with an exchange as the referee and everything between them in our hand.

Both sides are the product's own: their use cases, the client that holds the lease, and the words in their bytes.
What lies between is not: words and entries wait here until they are let through, in any order, more than once, or
never; a process can be frozen between any two of its steps, or killed; three clocks run apart.
"""

import asyncio
import inspect
from collections.abc import Coroutine
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

from perpmesh.exchange import commands as c
from perpmesh.exchange.engine import Engine
from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange.symbols import default_symbols
from perpmesh.exchange.words import Side as ExchangeSide
from perpmesh.execution.adapters.lease_client import LeaseClient
from perpmesh.execution.application.assembly import UseCases, assemble
from perpmesh.execution.application.desk import Desk
from perpmesh.execution.application.ledger import Ledger
from perpmesh.execution.application.ports import SignedEntry, Venue, VenueRefused, VenueSilent
from perpmesh.execution.application.submit import Request
from perpmesh.execution.application.tools import Tools
from perpmesh.execution.domain.exchange_clock import Sample
from perpmesh.execution.domain.facts import OrderReport, PriceFact
from perpmesh.execution.domain.words import Side
from perpmesh.kernel.errors import Refused, Unavailable
from perpmesh.kernel.time import Clock
from perpmesh.risk_safety.adapters import ess_wire
from perpmesh.risk_safety.adapters.memory import MemoryPolicyStore, MemoryRiskStore
from perpmesh.risk_safety.application.core import SafetyCore
from perpmesh.risk_safety.application.ess import TripOutcome
from perpmesh.risk_safety.application.policies import PolicyUpdate
from perpmesh.risk_safety.application.ports import Signatory
from perpmesh.risk_safety.domain.ess import Latch, Stage, Trigger, TripOrder
from perpmesh.risk_safety.domain.report import Answer
from perpmesh.testing.engine_venue import ME, EngineVenue
from perpmesh.testing.memory_log import MemoryLog
from perpmesh.testing.true_time import MachineClock, TrueTime
from perpmesh_api.risk_safety.v1 import risk_service_pb2 as pb

SYMBOLS = {"BTCUSDT": Decimal(60_000), "ETHUSDT": Decimal(3_000)}
WALLET = Decimal(1_000_000)
DEEP = Decimal(1_000_000)
BUSY = {"execution.orders_per_minute": "1000", "ess.max_execution_errors": "1000"}  # neither is what is tried here
RECONCILE_MS = 3_000
TURNS = 60  # of another loop, which does not say whether it has something to run
SEND_SECONDS = 3.0
LATE_MS = 49  # by as much the engine may take what the door let in earlier
UNKNOWN_OUTCOME = -1007
OUTSIDE_THE_WINDOW = -1021


class Killed(BaseException):
    """kill -9: nothing in the process may catch it."""


class Process:
    """Whether a process runs, is frozen (SIGSTOP), or is dead."""

    def __init__(self) -> None:
        self._runs = asyncio.Event()
        self._runs.set()
        self.dead = False

    def freeze(self) -> None:
        self._runs.clear()

    def thaw(self) -> None:
        self._runs.set()

    def kill(self) -> None:
        self.dead = True
        self.thaw()

    @property
    def runs(self) -> bool:
        return self._runs.is_set() and not self.dead

    async def step(self) -> None:
        """Go on when the process runs; raise Killed when it is dead."""
        await self._runs.wait()
        if self.dead:
            raise Killed


class Port:
    """Stands before a port: a frozen process neither asks nor hears the answer."""

    def __init__(self, inner: Any, process: Process) -> None:
        self._inner = inner
        self._process = process

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def passed(*args: Any, **kwargs: Any) -> Any:
            await self._process.step()
            try:
                return await found(*args, **kwargs)
            finally:
                await self._process.step()

        return passed


@dataclass(eq=False)
class Packet:
    """An entry on its way to the exchange."""

    entry: SignedEntry
    answer: asyncio.Future[OrderReport]

    def hear(self, answer: OrderReport | Exception) -> None:
        """Let the sender hear, if it still waits."""
        if self.answer.done():
            return
        if isinstance(answer, Exception):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)


class WiredVenue(EngineVenue):
    """The exchange at the end of a wire: entries wait in `net` until the world lets them arrive."""

    def __init__(self, engine: Engine, clock: MachineClock) -> None:
        super().__init__(engine, clock)
        self.net: list[Packet] = []
        self._patience = clock

    async def send_entry(self, entry: SignedEntry) -> OrderReport:
        packet = Packet(entry, asyncio.get_running_loop().create_future())
        self.net.append(packet)
        patience = asyncio.ensure_future(self._patience.sleep(SEND_SECONDS))
        waits: list[asyncio.Future[Any]] = [packet.answer, patience]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        patience.cancel()
        packet.hear(VenueSilent("no answer in time"))
        return packet.answer.result()

    def would_take(self, packet: Packet, late_ms: int) -> bool:
        """Whether the engine would take an entry now that passed the door up to `late_ms` ago."""
        fields = packet.entry.body
        return bool(self.now_ms() - late_ms - fields["timestamp_ms"] <= fields["window_ms"])

    def arrive(self, packet: Packet, late_ms: int) -> OrderReport | Exception:
        """Let an entry that passed the door `late_ms` ago into the engine; return what it answers."""
        fields = packet.entry.body
        try:
            if not self.would_take(packet, late_ms):
                raise ExchangeError(OUTSIDE_THE_WINDOW, "Timestamp for this request is outside of the recvWindow.")
            report = self._market(fields, reduce_only=None)
        except ExchangeError as error:
            return VenueRefused(error.code, error.message)
        self.entries.append(fields)
        return report


class EnginePrices:
    """Execution's prices, read from the engine."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def price(self, symbol: str) -> PriceFact | None:
        if symbol not in SYMBOLS:
            return None
        market, depth = self._engine.market(symbol), self._engine.depth(symbol, 1)
        return PriceFact(
            symbol=symbol, last=market.last, mark=market.mark, bid=depth.bids[0][0], ask=depth.asks[0][0],
            market_time_ms=market.time, heard_boot_ms=self._clock.boot_ms(),
        )  # fmt: skip

    def newest(self) -> PriceFact | None:
        return self.price(next(iter(SYMBOLS)))


class Silence:
    """A diary that nobody reads."""

    def info(self, event: str, **facts: Any) -> None: ...

    warning = error = info


class NoTrades:
    """An outbox from which nothing was sent."""

    async def newest_sequence(self, topic: str) -> int:  # noqa: ARG002 - of any topic
        return 0


class Anybody:
    """Signatures for a core that is asked for no reset."""

    def verify(self, token: str, *, field: str) -> Signatory:
        raise AssertionError((token, field))


class Stream:
    """One connection between a holder and a life of the core: the words on it, as bytes, each way."""

    def __init__(self, core: SafetyCore) -> None:
        self.core = core
        self.up: list[bytes] = []
        self.down: list[bytes] = []
        core.desk.attach(self.link)

    def link(self, answer: Answer) -> None:
        self.down.append(ess_wire.lease_answer(answer).SerializeToString())


class Holder:
    """One life of execution."""

    def __init__(
        self, clock: MachineClock, engine: Engine, venue: EngineVenue, log: MemoryLog, core: SafetyCore
    ) -> None:
        self.process = Process()
        self.clock = clock
        desk = Desk(clock, EnginePrices(engine, clock))
        tools = Tools(
            venue=cast("Venue", Port(venue, self.process)), ledger=Ledger(Port(log, self.process)), desk=desk,
            policies=core.policies, sleep=cast("Any", Port(clock, self.process)).sleep, diary=Silence(),
        )  # fmt: skip
        self.cases: UseCases = assemble(tools, list(SYMBOLS))
        self.client = LeaseClient(cast("Any", None), cast("Any", NoTrades()), self.cases)
        self.stream = Stream(core)

    async def start(self) -> None:
        await self.cases.tools.ledger.load()
        await self.cases.upkeep.once()
        await self.cases.reconciler.everything()

    def connect(self, core: SafetyCore) -> None:
        """Open another stream; what is on the old one may still reach the core, and never comes back."""
        self.client.begin()
        self.stream = Stream(core)

    async def ask(self) -> None:
        self.stream.up.append((await self.client.report()).SerializeToString())

    def hear(self, word: bytes) -> None:
        self.client.heard(pb.HoldEntryLeaseResponse.FromString(word))


@dataclass(frozen=True)
class Clocks:
    """How far the clocks of the three machines are apart."""

    core_ppm: int = 0  # against the holder's
    exchange_ahead_ms: int = 0
    doubt_ms: int = 0  # by as much the holder errs about the exchange's clock, as far as it can know


@dataclass
class World:
    """Everything there is. Call `begin` first; `core` and `holder` are the lives that run now."""

    clocks: Clocks = field(default_factory=Clocks)
    sealed: int | None = None  # how many entries the exchange had accepted when Trip returned; None: it did not yet

    def __post_init__(self) -> None:
        self._tasks: list[asyncio.Task[Any]] = []
        self._lives: list[Holder] = []
        self._trips: list[asyncio.Task[TripOutcome]] = []
        self.time = TrueTime()
        self._core_clock = MachineClock(self.time, ppm=self.clocks.core_ppm, boot_ms=77_000)
        self._exchange_clock = MachineClock(self.time, wall_off_ms=self.clocks.exchange_ahead_ms)
        self._holder_clock = MachineClock(self.time)
        self._policies, self.store, self._log = MemoryPolicyStore(), MemoryRiskStore(), MemoryLog()
        self._engine = Engine(default_symbols())
        self.venue = WiredVenue(self._engine, self._exchange_clock)
        self.venue.clock_sample = self._sample  # type: ignore[method-assign]
        self._open_market()

    def _open_market(self) -> None:
        self.venue.apply(c.CreateAccount(ME, WALLET))
        for symbol, price in SYMBOLS.items():
            tick = self._engine.specs[symbol].tick
            self.venue.apply(c.SetBook(symbol, ((price - tick, DEEP),), ((price + tick, DEEP),)))
            self.venue.apply(c.MarketTrade(symbol, price, Decimal("0.001"), ExchangeSide.BUY))
            self.venue.apply(c.SetMark(symbol, price, price))

    async def _sample(self) -> Sample:
        """Answer from the far end of the round trip, so that the holder errs by all of its doubt."""
        now, doubt = self._holder_clock.boot_ms(), self.clocks.doubt_ms
        return Sample(now - 2 * doubt, self.venue.now_ms(), now)

    # Lives.

    async def begin(self) -> None:
        """Start both, let the unknown holders' time pass, and grant the lease."""
        asyncio.get_running_loop().set_exception_handler(_unless_killed)
        await self.start_core()
        for key, value in BUSY.items():
            await self.core.policies.update(
                PolicyUpdate(key=key, raw=value, expected_revision=None, actor="t", reason="", request_id="")
            )
        await self.start_holder()
        await self.pass_ms(2_200)
        await self.renew()

    async def start_core(self) -> None:
        """Begin a life of the core over what its stores hold; an earlier one is gone."""
        self.core = SafetyCore(
            policy_store=self._policies, ess_store=self.store, loss_store=self.store.losses, signatures=Anybody(),
            clock=self._core_clock, alarm=self._core_clock,
        )  # fmt: skip
        await self.core.open(Latch(stage=Stage.FULL))

    def hang_up(self) -> None:
        """End the trips that somebody waits for: the core is gone, and they hear nothing."""
        for trip in self._trips:
            trip.cancel()

    async def start_holder(self) -> Holder:
        """Begin a life of execution over its log; an earlier one may still run."""
        self.holder = Holder(self._holder_clock, self._engine, self.venue, self._log, self.core)
        self._lives.append(self.holder)  # one that is frozen for good keeps what it was at
        await self.done(self.holder.start())
        return self.holder

    # Time and work.

    async def settle(self) -> None:
        """Let everything that can run now run."""
        ready = getattr(asyncio.get_running_loop(), "_ready", None)  # what asyncio's own loop has still to run
        turns = 0
        while turns == 0 or ready or (ready is None and turns < TURNS):
            await asyncio.sleep(0)
            turns += 1

    async def pass_ms(self, ms: int) -> None:
        self.time.advance(ms)
        await self.settle()

    async def done(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Return what `work` returns, letting time pass while it waits."""
        task = self.spawn(work)
        await self.settle()
        while not task.done():
            await self.pass_ms(self.time.until_next_ms())
        return await task

    def spawn(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        task = asyncio.ensure_future(_unharmed(work))
        self._tasks = [*(one for one in self._tasks if not one.done()), task]
        return task

    async def end(self) -> None:
        """Kill every execution, and cancel whatever is under way on this loop."""
        for life in self._lives:
            life.process.kill()
        await self.settle()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await self.settle()

    # The wire.

    async def hear(self, stream: Stream, index: int = 0, *, keep: bool = False) -> None:
        """Let one word reach the core, unless the stream leads to a dead one; `keep`: it will arrive once more."""
        word = stream.up[index] if keep else stream.up.pop(index)
        if stream.core is not self.core:
            return
        await stream.core.desk.hear(ess_wire.lease_report(pb.HoldEntryLeaseRequest.FromString(word)), stream.link)

    def tell(self, holder: Holder, index: int = 0, *, keep: bool = False) -> None:
        """Let one answer reach a holder."""
        holder.hear(holder.stream.down[index] if keep else holder.stream.down.pop(index))

    async def exchange_words(self, holder: Holder) -> None:
        """Let everything on a holder's stream arrive, in order."""
        while holder.process.runs and (holder.stream.up or holder.stream.down):
            if holder.stream.up:
                await self.hear(holder.stream)
            else:
                self.tell(holder)
            await asyncio.sleep(0)

    async def renew(self) -> None:
        """Let the newest holder reconcile and ask, and let both be heard."""
        if self.holder.cases.reporter.reconciled_age_ms() > RECONCILE_MS:
            await self.done(self.holder.cases.reconciler.everything())
        await self.holder.ask()
        await self.exchange_words(self.holder)

    # Entries.

    def want(self, name: str, symbol: str, holder: Holder | None = None) -> "asyncio.Task[Any]":
        """Ask execution for an entry."""
        return self.spawn((holder or self.holder).cases.submit.entry(_request(name, symbol)))

    def arrive(self, packet: Packet, *, late_ms: int = 0) -> None:
        """Let an entry reach the exchange, and its sender hear of it."""
        self.venue.net.remove(packet)
        packet.hear(self.venue.arrive(packet, late_ms))

    def arrive_unheard(self, packet: Packet, *, late_ms: int = 0) -> None:
        """Let an entry reach the exchange, and its sender hear nothing."""
        self.venue.net.remove(packet)
        self.venue.arrive(packet, late_ms)
        packet.hear(VenueSilent("the answer was lost"))

    def answer_unknown(self, packet: Packet) -> None:
        """Tell the sender −1007 while its entry is still on the way."""
        packet.hear(VenueRefused(UNKNOWN_OUTCOME, "Send status unknown; execution status unknown.", 408))

    # The stop.

    def trip(self) -> "asyncio.Task[TripOutcome]":
        self._trips = [*(one for one in self._trips if not one.done()), self.spawn(self._trip())]
        return self._trips[-1]

    async def _trip(self) -> TripOutcome:
        outcome = await self.core.ess.trip(TripOrder(trigger=Trigger.MANUAL, reason="drill", actor="t"))
        self.sealed = len(self.venue.entries)
        return outcome

    async def rearm(self) -> None:
        """Lift the trip past its signatures."""
        await self.core.ess.change(lambda latch: latch.reset(Stage.FULL), self.store.save)
        self.sealed = None

    def leak(self) -> str:
        """Return how an entry was accepted, or would be, after Trip has returned; "" when none was and none can be."""
        if self.sealed is None:
            return ""
        if accepted := [entry["client_id"] for entry in self.venue.entries[self.sealed :]]:
            return f"accepted after Trip has returned: {accepted}"
        on_the_way = [packet.entry.client_id for packet in self.venue.net if self.venue.would_take(packet, LATE_MS)]
        return f"on the way after Trip has returned: {on_the_way}" if on_the_way else ""


def _unless_killed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    if not isinstance(context.get("exception"), Killed):
        loop.default_exception_handler(context)


async def _unharmed(work: Coroutine[Any, Any, Any]) -> Any:
    """Run work of a process: its death ends it, and a refusal is one way to end."""
    try:
        return await work
    except (Killed, Refused, Unavailable):
        return None


def _request(name: str, symbol: str) -> Request:
    return Request(
        request_id=name, symbol=symbol, side=Side.BUY, quantity=Decimal("0.01"), stop_price=Decimal(0),
        take_profit_price=Decimal(0), reason="", traceparent="",
    )  # fmt: skip
