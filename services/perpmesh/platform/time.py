"""The real clock: the one place that asks the operating system for the time."""

import time


class SystemClock:
    """Wall time and boot time of this machine."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def boot_ms(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
