"""An event loop whose clock stands still while anything can run, and jumps to the next timer when nothing can."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

EPOCH_MS = 1_750_000_000_000
BOOT_MS = 1_000_000


class Stuck(RuntimeError):
    """Nothing can run and no timer is set: whoever is waited for will never come."""


class _Instant(selectors.SelectSelector):
    """Waits for no file: it moves the loop's clock instead of the world's."""

    def __init__(self, move: Callable[[float | None], None]) -> None:
        super().__init__()
        self._move = move

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._move(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop in virtual time. An hour with a thousand timers takes as long as a thousand callbacks."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_Instant(self._move))

    def time(self) -> float:
        """Return virtual seconds since the loop was made."""
        return self._now

    def _move(self, seconds: float | None) -> None:
        if seconds is None:
            raise Stuck(f"nothing is left to happen at {self._now:.3f} s")
        self._now += max(0.0, seconds)


class VirtualClock:
    """See kernel.time.Clock: reads the loop. `skew_ms` moves wall time alone, as a clock that is set wrong does."""

    def __init__(self, loop: asyncio.AbstractEventLoop, skew_ms: int = 0) -> None:
        self._loop = loop
        self.skew_ms = skew_ms

    def _elapsed_ms(self) -> int:
        return int(self._loop.time() * 1000 + 1e-6)  # a timer of 0.3 s ends at 300 ms, not at 299

    def now_ms(self) -> int:
        return EPOCH_MS + self._elapsed_ms() + self.skew_ms

    def boot_ms(self) -> int:
        return BOOT_MS + self._elapsed_ms()


def run_virtually(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run `main` to its end in virtual time; return what it returns. Whatever still runs then is canceled."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main())
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(10))
        loop.close()
