"""Time is an input: the domain is handed a moment, it never looks for one.

Two clocks run in the mesh. *Wall time* (this Clock) drives safety: leases, TTLs, staleness, signing.
*Market time* drives accounting: candles, loss-limit days, funding. Market time is never asked of a clock;
it arrives inside market data and events, as `market_time_ms`.
"""

from typing import Protocol

MS_PER_SECOND = 1_000
MS_PER_MINUTE = 60_000
MS_PER_HOUR = 3_600_000
MS_PER_DAY = 86_400_000


class Clock(Protocol):
    """Where a service asks what time it is."""

    def now_ms(self) -> int:
        """Return wall time: milliseconds since the Unix epoch, UTC. May be stepped by the operating system."""
        ...

    def boot_ms(self) -> int:
        """Return milliseconds on a clock that never steps and also counts suspend (CLOCK_BOOTTIME)."""
        ...


class ManualClock:
    """A clock that moves only when told to; simulations and tests run on it."""

    def __init__(self, now_ms: int = 1_750_000_000_000, boot_ms: int = 1_000_000) -> None:
        self._now_ms = now_ms
        self._boot_ms = boot_ms

    def now_ms(self) -> int:
        return self._now_ms

    def boot_ms(self) -> int:
        return self._boot_ms

    def advance(self, ms: int) -> None:
        """Move both clocks forward, as ordinary life does."""
        self._now_ms += ms
        self._boot_ms += ms

    def step_wall(self, ms: int) -> None:
        """Move wall time alone, as an NTP step does."""
        self._now_ms += ms


def utc_day(ms: int) -> int:
    """Return the number of the UTC day that contains `ms`."""
    return ms // MS_PER_DAY


def utc_week(ms: int) -> int:
    """Return the number of the UTC week (Monday 00:00) that contains `ms`. 1970-01-01 was a Thursday."""
    return (ms // MS_PER_DAY + 3) // 7
