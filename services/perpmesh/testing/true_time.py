"""Time in a simulation of several machines: one true time, and clocks that run a little fast or slow beside it."""

import asyncio
import heapq
from itertools import count

PPM = 1_000_000
START_WALL_MS = 1_750_000_000_000


class TrueTime:
    """Moves only when told to, and wakes whoever waits for a moment that has come."""

    def __init__(self) -> None:
        self.ms = 0
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = count()

    def advance(self, ms: int) -> None:
        self.ms += ms
        while self._waiting and self._waiting[0][0] <= self.ms:
            future = heapq.heappop(self._waiting)[2]
            if not future.done():
                future.set_result(None)

    def until_next_ms(self) -> int:
        """Return for how long nothing happens by itself; at least 1."""
        return max(1, self._waiting[0][0] - self.ms) if self._waiting else 1

    async def pass_ms(self, ms: int) -> None:
        """Wait until `ms` more have passed."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (self.ms + ms, next(self._numbers), future))
        await future


class MachineClock:
    """The clock of one machine: `ppm` parts in a million faster than true time."""

    def __init__(self, time: TrueTime, *, ppm: int = 0, boot_ms: int = 1_000_000, wall_off_ms: int = 0) -> None:
        self._time = time
        self._ppm = ppm
        self._boot_ms = boot_ms
        self._wall_ms = START_WALL_MS + wall_off_ms

    def now_ms(self) -> int:
        return self._wall_ms + self._run()

    def boot_ms(self) -> int:
        return self._boot_ms + self._run()

    def _run(self) -> int:
        return self._time.ms + self._time.ms * self._ppm // PPM

    async def sleep(self, seconds: float) -> None:
        """Wait for as long as this clock says."""
        ends = self.boot_ms() + max(0, round(seconds * 1_000))
        while (left := ends - self.boot_ms()) > 0:
            await self._time.pass_ms(left)
        await asyncio.sleep(0)

    async def wait(self, changed: asyncio.Event, ms: int) -> None:
        """Return when `changed` is set, or after `ms` of this clock."""
        ringing = asyncio.ensure_future(self._ring(changed, ms))
        try:
            await changed.wait()
        finally:
            ringing.cancel()

    async def _ring(self, changed: asyncio.Event, ms: int) -> None:
        await self.sleep(ms / 1_000)
        changed.set()
