"""The emergency stop: a trip is durable before anything else, and when it returns nobody can send an entry."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from perpmesh.kernel.errors import Refused, Unavailable
from perpmesh.kernel.ids import derived_id
from perpmesh.kernel.time import Clock
from perpmesh.risk_safety.application.ports import Alarm, EssStore
from perpmesh.risk_safety.domain.ess import EssState, Latch, Release, Stage, Trip, TripMode, TripOrder
from perpmesh.risk_safety.domain.leases import LeaseBook
from perpmesh.risk_safety.domain.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class TripOutcome:
    """What holds after a trip."""

    trip: Trip
    already_tripped: bool
    release: Release


class Ess:
    """The latch, and the holders of the entry lease it is pulled away from. Call `open` first."""

    def __init__(self, store: EssStore, clock: Clock, alarm: Alarm) -> None:
        self._store = store
        self._clock = clock
        self._alarm = alarm
        self._turn = asyncio.Lock()  # one change of the latch at a time
        self._changed = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []
        self._said = Release()  # what the holders last said of their orders and positions
        self._armed_epoch = 0  # the newest epoch in which leases were granted
        self._was_held = True  # whether anybody held when the trip began
        self.demanded: TripOrder | None = None  # wanted, not yet durable; nothing is granted meanwhile
        self.wake = asyncio.Event()  # set when `demanded` is
        self.leases = LeaseBook(clock.boot_ms())
        self.latch = Latch(stage=Stage.SHADOW)

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` at every change of the latch, after it is durable and before anybody waits."""
        self._listeners.append(listener)

    async def open(self, fresh: Latch) -> None:
        """Recall the latch; in a fresh state folder it is `fresh`."""
        found = await self._store.load()
        if found is None:
            await self._store.save(fresh)
        self.latch = found or fresh
        self._armed_epoch = self.latch.epoch - (self.latch.trip is not None)

    def demand(self, order: TripOrder) -> None:
        """Stop granting at once; the trip is made durable by whoever runs `pull`."""
        if self.latch.state is EssState.ARMED and self.demanded is None:
            self.demanded = order
            self.wake.set()

    async def trip(self, order: TripOrder) -> TripOutcome:
        """Latch the stop, and return when no holder is left. A trip that holds already is joined.

        Raises:
            Unavailable: it could not be made durable. Entries stay blocked in memory, and it is tried again.
        """
        already = await self.pull(order)
        await self._let_go()
        if self.latch.trip is None:
            raise Refused("the trip was reset while it was waited for", reason="RESET_MEANWHILE")
        return TripOutcome(trip=self.latch.trip, already_tripped=already, release=self.latch.release)

    async def pull(self, order: TripOrder) -> bool:
        """Make the trip durable and revoke every lease; return whether somebody else had tripped it before."""
        self.demanded = self.demanded or order
        async with self._turn:
            earlier = self.latch.trip
            if earlier is None:
                self._was_held = self.leases.busy_until(self._clock.boot_ms()) is not None
                self._armed_epoch = self.latch.epoch
                self._said = replace(self._said, by="none", canceled_orders=())
                await self._write_trip(self.latch.tripped(self._evidence(order)))
            elif order.mode is TripMode.FLATTEN and earlier.order.mode is not TripMode.FLATTEN:
                await self._write_trip(self.latch.escalated())
            self.demanded = None
        return earlier is not None and not (order.request_id and earlier.order.request_id == order.request_id)

    def _evidence(self, order: TripOrder) -> Trip:
        now, epoch = self._clock.now_ms(), self.latch.epoch + 1
        order = replace(order, evidence={**order.evidence, "stage": self.latch.stage.value})
        return Trip(trip_id=derived_id("trip", epoch, now), order=order, at_ms=now, epoch=epoch)

    async def _write_trip(self, latch: Latch) -> None:
        try:
            await self._store.trip(latch)
        except Exception as error:
            self._tell()
            raise Unavailable(f"the trip is not durable yet; entries are blocked meanwhile: {error!r}") from error
        self.latch = latch
        self._tell()

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()
        self._changed.set()

    async def _let_go(self) -> None:
        while not await self.settle():
            now = self._clock.boot_ms()
            until = self.leases.busy_until(now)
            if until is not None:
                self._changed.clear()
                await self._alarm.wait(self._changed, until - now)

    async def settle(self) -> bool:
        """Finish a trip whose holders have all let go; return whether nothing is left to wait for."""
        async with self._turn:
            if self.latch.state is not EssState.TRIPPING:
                return True
            if self.leases.busy_until(self._clock.boot_ms()) is not None:
                return False
            by = self._said.by if self._said.by != "none" or not self._was_held else "expired"
            latch = self.latch.released(replace(self._said, by=by))
            await self._store.save(latch)
            self.latch = latch
            self._tell()
            return True

    def hear(self, report: Report) -> None:
        """Take in what a holder says of its orders and positions, and whether it has let go."""
        self._said = replace(
            self._said, open_positions=report.open_positions, protected_positions=report.protected_positions
        )
        word = report.acknowledged
        if word is None or word.epoch <= self._armed_epoch:
            return  # a holder repeats its newest acknowledgement, long after that trip is over
        canceled = tuple(sorted({*self._said.canceled_orders, *word.canceled_orders}))
        let_go = self.leases.acknowledge(report.holder_id, word.epoch)
        last = let_go and self.leases.busy_until(self._clock.boot_ms()) is None
        self._said = replace(self._said, canceled_orders=canceled, by="acknowledged" if last else self._said.by)
        self._changed.set()

    async def change(self, make: Callable[[Latch], Latch], write: Callable[[Latch], Awaitable[None]]) -> None:
        """Replace the latch by what `make` makes of it, once `write` has made that durable."""
        async with self._turn:
            latch = make(self.latch)
            await write(latch)
            self.latch = latch
            self._tell()

    async def pause(self, *, paused: bool) -> None:
        """Stop or allow new entries without a trip; it survives restarts, and lifts no trip."""
        await self.change(lambda latch: replace(latch, paused=paused), self._store.save)
