"""Who may still send an entry: the leases that were granted, and when the last of them has run out.

A lease is good for `valid_ms` from when its holder *asked*; we count from when we answered, which is later, and add a
margin for clocks that run at different rates. So a lease that has run out here has run out at its holder.
"""

from dataclasses import dataclass

FULL_LEASE_MS = 2_000  # no lease was ever granted for longer
MARGIN_MS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """One holder's right to enter, as long as it can possibly last."""

    holder_id: str
    epoch: int
    until_boot_ms: int


class LeaseBook:
    """The leases that may still be alive. What was granted before we started is unknown, and assumed to be full."""

    def __init__(self, started_boot_ms: int) -> None:
        self._unknown_until = started_boot_ms + FULL_LEASE_MS + MARGIN_MS
        self._leases: dict[str, Lease] = {}

    def grant(self, holder_id: str, epoch: int, now: int, valid_ms: int) -> None:
        """Remember a grant. A shorter one does not shorten an earlier one: it may be lost on its way."""
        earlier = self._leases.get(holder_id)
        until = max(now + valid_ms + MARGIN_MS, earlier.until_boot_ms if earlier else 0)
        self._leases[holder_id] = Lease(holder_id=holder_id, epoch=epoch, until_boot_ms=until)

    def acknowledge(self, holder_id: str, epoch: int) -> bool:
        """Forget the holder's lease when it is of `epoch` or older; return whether it was."""
        lease = self._leases.get(holder_id)
        if lease is None or lease.epoch > epoch:
            return False
        del self._leases[holder_id]
        return True

    def live(self, now: int) -> list[Lease]:
        """Return the leases that have not run out, and forget the others."""
        self._leases = {key: lease for key, lease in self._leases.items() if lease.until_boot_ms > now}
        return list(self._leases.values())

    def unknown_holders(self, now: int) -> bool:
        """Whether somebody whom we granted a lease in an earlier life may still hold it."""
        return now < self._unknown_until

    def rival(self, holder_id: str, now: int) -> bool:
        """Whether another holder may be alive: two must never hold at once."""
        return self.unknown_holders(now) or any(lease.holder_id != holder_id for lease in self.live(now))

    def busy_until(self, now: int) -> int | None:
        """Return when the last lease runs out, or None when nobody holds."""
        ends = [lease.until_boot_ms for lease in self.live(now)]
        if self.unknown_holders(now):
            ends.append(self._unknown_until)
        return max(ends, default=None)
