"""One task through which everything passes in order of arrival: ticks that are due, then what clients asked."""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from perpmesh.exchange.commands import Command
from perpmesh.exchange.events import Event
from perpmesh.exchange_sim.application.ports import Audience, Batch, Happening, Journal
from perpmesh.exchange_sim.application.venue import Venue
from perpmesh.exchange_sim.domain.replay_clock import UNBOUNDED, ReplayClock
from perpmesh.kernel.errors import InvariantViolated, Overloaded, Refused, Unavailable
from perpmesh.kernel.time import Clock

T = TypeVar("T")

FINE_UP_TO = 5  # × real time; faster than that, a minute moves in its twelve anchors only
CATCH_UP_MS = 120_000  # of market time behind: then the market catches up before any client is served
TICKS_PER_TURN = 64
JOBS_WAITING = 5_000
SNAPSHOT_EVERY_MS = 60_000
IDLE_S = 1.0


@dataclass(slots=True)
class Turn:
    """What a job may do while it is its turn."""

    venue: Venue
    wall_ms: int
    act: "Act"
    happenings: list[Happening] = field(default_factory=list)

    def execute(self, command: Command) -> list[Event]:
        """Do a command, or raise ExchangeError."""
        events = self.act(self.venue, command, self.wall_ms)
        self.tell(events)
        return events

    def tell(self, events: list[Event]) -> None:
        self.happenings += [Happening(event, self.wall_ms) for event in events]


Job = Callable[[Turn], T]
Answer = tuple["asyncio.Future[Any]", Any, Exception | None]
Act = Callable[[Venue, Command, int], list[Event]]


@dataclass(slots=True)
class _Leap:
    """Market time is on its way to `market_ms`, and somebody waits for it to arrive."""

    market_ms: int
    arrived: asyncio.Future[int]


class Sequencer:
    """Owns the venue: nobody else changes it. An answer leaves when all that led to it is durable."""

    def __init__(self, venue: Venue, journal: Journal, audience: Audience, clock: Clock, replay: ReplayClock) -> None:
        self.venue = venue
        self.replay = replay
        self.act: Act = Venue.execute  # how a client's command is done; faults may take its place
        self._journal = journal
        self._audience = audience
        self._clock = clock
        self._jobs: deque[tuple[Job[Any], asyncio.Future[Any]]] = deque()
        self._answers: list[Answer] = []  # they leave when the turn is durable
        self._ended = False
        self._wake = asyncio.Event()
        self._next_snapshot_ms = clock.boot_ms() + SNAPSHOT_EVERY_MS
        self._leap: _Leap | None = None
        self._told_ms = venue.market_ms

    @property
    def market_lag_ms(self) -> int:
        """Return by how much the replay is behind where it should be."""
        return self.replay.market_ms(self._clock.boot_ms()) - self.venue.market_ms

    async def submit(self, job: Job[T]) -> T:
        """Run `job` when its turn comes and return its answer, or raise what it raised."""
        return await self.queue(job)

    def queue(self, job: Job[T]) -> "asyncio.Future[T]":
        """Let `job` wait for its turn and return the future of its answer, or of what it raises."""
        if self._ended:
            raise _gone()
        if len(self._jobs) >= JOBS_WAITING:
            raise Overloaded("too many requests are waiting for the engine", reason="ENGINE_QUEUE_FULL")
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.append((job, answer))
        self._wake.set()
        return answer

    async def change_clock(self, change: Callable[[ReplayClock, int], ReplayClock]) -> ReplayClock:
        """Move the replay's clock, in turn with everything else."""

        def job(turn: Turn) -> ReplayClock:
            self.replay = change(self.replay, self._clock.boot_ms())
            turn.venue.set_clock(self.replay.speed, paused=self.replay.paused)
            return self.replay

        return await self.submit(job)

    async def step(self, ms: int) -> int:
        """Move market time on by `ms` at once and return where it is then; the replay may be paused.

        Nothing is left out: every tick in between happens, and clients are served again when the last one has.
        """
        return await self._leap_to(lambda now_ms: now_ms + ms)

    async def jump(self, market_ms: int) -> int:
        """Move market time on to `market_ms` as `step` does; raise Refused when that is in its past."""
        return await self._leap_to(lambda _: market_ms)

    async def _leap_to(self, target: Callable[[int], int]) -> int:
        arrived: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def job(turn: Turn) -> None:
            now_ms = max(self.replay.market_ms(self._clock.boot_ms()), turn.venue.market_ms)
            if target(now_ms) < now_ms:
                raise Refused("market time only moves forward", reason="MARKET_TIME_PAST", field="market_time_ms")
            self._leap = _Leap(target(now_ms), arrived)

        await self.submit(job)
        self._wake.set()
        return await arrived

    async def run(self) -> None:
        """Run until cancelled, or until the venue or its memory breaks; then nothing is acknowledged any more."""
        try:
            while True:
                await self.turn()
                if not self._jobs and self._leap is None and not self._unbounded and self.market_lag_ms < CATCH_UP_MS:
                    await self._rest()
                else:
                    await asyncio.sleep(0)
        except Exception:
            self._end()
            raise

    async def turn(self) -> None:
        """Do what is due now: some ticks, then all jobs that wait, then tell."""
        wall_ms = self._clock.now_ms()
        happenings = self._ticks(wall_ms)
        self._slip()
        self._arrive()
        if self._leap is None and self.market_lag_ms < CATCH_UP_MS:
            happenings += self._serve()
        for account, key in self.venue.lapsed_listen_keys(wall_ms):
            self._audience.end_user_stream(account, key, wall_ms)
        await self._keep()
        if happenings or self.venue.market_ms != self._told_ms:
            self._tell(happenings)
        self._answer()
        self._snapshot_if_due()

    async def _keep(self) -> None:
        """Make durable what was done in this turn."""
        records = self.venue.take_records()
        if records:
            self._journal.append(records)
        if self._answers:
            await self._journal.sync()

    def _answer(self) -> None:
        answers, self._answers = self._answers, []
        for future, result, error in answers:
            _settle(future, result, error)

    def _end(self) -> None:
        """Tell everybody who waits that nothing was done: what is in memory may not be what is on disk."""
        self._ended = True
        leaping = [self._leap.arrived] if self._leap else []
        for future in [*leaping, *(future for future, *_ in self._answers), *(future for _, future in self._jobs)]:
            _settle(future, None, _gone())

    def snapshot(self) -> None:
        """Keep the whole state now; the journal starts again after it."""
        self._journal.replace(self.venue.snapshot())

    def _ticks(self, wall_ms: int) -> list[Happening]:
        due_ms = self._due_ms()
        fine = self._fine and due_ms - self.venue.market_ms < CATCH_UP_MS
        happenings: list[Happening] = []
        for _ in range(TICKS_PER_TURN):
            market_ms = self.venue.next_ms(fine=fine)
            if market_ms > due_ms:
                break
            happenings += [Happening(event, wall_ms) for event in self.venue.tick(market_ms, wall_ms)]
            if self.venue.is_recorded:  # its messages are not run together
                self._journal.append(self.venue.take_records())
                self._tell(happenings)
                happenings = []
        return happenings

    def _tell(self, happenings: Sequence[Happening]) -> None:
        before_ms, self._told_ms = self._told_ms, self.venue.market_ms
        self._audience.tell(Batch(before_ms, self._told_ms, happenings))

    @property
    def _fine(self) -> bool:
        """Whether each market second has a tick: at low speed, and in steps of a market that stands still."""
        return not self._unbounded and (self.replay.paused or self.replay.speed <= FINE_UP_TO)

    @property
    def _unbounded(self) -> bool:
        return self.replay.speed == UNBOUNDED and not self.replay.paused

    def _due_ms(self) -> float:
        if self._leap is not None:
            return self._leap.market_ms
        return math.inf if self._unbounded else self.replay.market_ms(self._clock.boot_ms())

    def _arrive(self) -> None:
        """End a leap that has no tick before it any more: the replay goes on from there."""
        leap = self._leap
        if leap is not None and self.venue.next_ms(fine=self._fine) > leap.market_ms:
            self.replay = self.replay.moved_to(leap.market_ms, self._clock.boot_ms())
            self._leap = None
            self._answers.append((leap.arrived, leap.market_ms, None))

    def _slip(self) -> None:
        """Faster than the machine can go, market time gives way; only at real time must it catch up with the wall."""
        if self._unbounded or (self.replay.speed != 1 and self.market_lag_ms >= CATCH_UP_MS):
            self.replay = self.replay.moved_to(self.venue.market_ms, self._clock.boot_ms())

    def _serve(self) -> list[Happening]:
        happenings: list[Happening] = []
        for _ in range(len(self._jobs)):
            job, future = self._jobs.popleft()
            turn = Turn(self.venue, self._clock.now_ms(), self.act)
            try:
                result = job(turn)
            except InvariantViolated:
                raise  # what is in memory is no longer what was remembered: start again from the log
            except Exception as error:  # noqa: BLE001 - a job's failure belongs to whoever asked for it
                self._answers.append((future, None, error))
            else:
                self._answers.append((future, result, None))
            happenings += turn.happenings
        return happenings

    async def _rest(self) -> None:
        """Wait for a client or for the next tick, whichever is first."""
        self._wake.clear()
        if self._jobs:
            return
        due_ms = self.replay.real_ms(self.venue.next_ms(fine=self._fine))
        wait_s = min(max((due_ms - self._clock.boot_ms()) / 1_000, 0.001), IDLE_S)
        try:
            async with asyncio.timeout(wait_s):
                await self._wake.wait()
        except TimeoutError:
            return

    def _snapshot_if_due(self) -> None:
        if self._clock.boot_ms() >= self._next_snapshot_ms:
            self._next_snapshot_ms = self._clock.boot_ms() + SNAPSHOT_EVERY_MS
            self.snapshot()


def _settle(future: "asyncio.Future[Any]", result: Any, error: Exception | None) -> None:
    if future.done():
        return  # whoever asked has left
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def _gone() -> Unavailable:
    return Unavailable("the exchange could not remember what it did, and ends")
