"""The entry lease, and the fence it builds: an entry's recvWindow ends before the lease does."""

from dataclasses import dataclass

from perpmesh.execution.domain.words import Stage

MAX_WINDOW_MS = 1_000
MIN_WINDOW_MS = 50  # under this an entry would be answered -1021 anyway


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to add risk until `ends_boot_ms` of our own boot clock."""

    ends_boot_ms: int
    epoch: int
    stage: Stage
    policy_revision: int

    def remaining_ms(self, boot_ms: int) -> int:
        return max(0, self.ends_boot_ms - boot_ms)


def entry_window_ms(lease: Lease, boot_ms: int, clock_error_ms: int) -> int:
    """Return the recvWindow of an entry stamped now; 0 when too little of the lease is left.

    The exchange takes a request until its own clock reads timestamp + recvWindow. Our idea of that clock is off by
    at most `clock_error_ms`, so the last moment at which it can take this one lies before the lease's end.
    """
    window = min(MAX_WINDOW_MS, lease.remaining_ms(boot_ms) - clock_error_ms)
    return window if window >= MIN_WINDOW_MS else 0
