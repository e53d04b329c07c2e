"""The holder's side of the entry lease: what we may send, what is in flight, and when a revocation is honoured."""

import asyncio
from dataclasses import dataclass

from perpmesh.execution.application.ports import Sleep
from perpmesh.execution.domain.lease import Lease
from perpmesh.execution.domain.words import Stage
from perpmesh.kernel.time import Clock

ENGINE_GRACE_MS = 50  # a request that was in time at the door may reach the engine a little later
NO_EPOCH_AFTER = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What risk_safety answered to one asking."""

    sequence: int
    valid_for_ms: int
    epoch: int
    stage: Stage
    policy_revision: int


class EntryLease:
    """Counts from the moment of asking, by our boot clock; a lease of a revoked epoch is no lease."""

    def __init__(self, clock: Clock, sleep: Sleep) -> None:
        self._clock = clock
        self._sleep = sleep
        self._asked: dict[int, int] = {}
        self._revoked_epoch = -1
        self._in_flight: dict[str, int] = {}  # client id: boot clock after which the exchange cannot take it
        self._landed = asyncio.Event()
        self.lease: Lease | None = None
        self.reason = ""

    def asked(self, sequence: int) -> None:
        """Note when we ask: the lease counts from here, not from the answer."""
        self._asked[sequence] = self._clock.boot_ms()
        for old in [number for number in self._asked if number < sequence - 100]:
            del self._asked[old]

    def granted(self, grant: Grant) -> None:
        asked_at = self._asked.pop(grant.sequence, None)
        if asked_at is None or grant.epoch <= self._revoked_epoch:
            return
        ends = asked_at + grant.valid_for_ms
        if self.lease is not None and self.lease.epoch == grant.epoch and self.lease.ends_boot_ms > ends:
            return  # an older asking, answered late
        self.lease = Lease(
            ends_boot_ms=ends, epoch=grant.epoch, stage=grant.stage, policy_revision=grant.policy_revision
        )
        self.reason = ""

    def withheld(self, reason: str) -> None:
        """Not now. What we hold stays good until it ends: it was promised."""
        self.reason = reason
        if self.lease is not None and self.lease.remaining_ms(self._clock.boot_ms()) <= 0:
            self.lease = None

    def revoked(self, epoch: int, reason: str) -> None:
        """No entry from here on under this epoch or an earlier one."""
        self._revoked_epoch = max(self._revoked_epoch, epoch)
        self.lease = None
        self.reason = reason

    def close(self, reason: str) -> None:
        """Nothing enters any more in this process, whatever may still be granted: it is about to end."""
        self.revoked(NO_EPOCH_AFTER, reason)

    def forget(self) -> None:
        """The stream was cut: what was asked on it is not answered any more."""
        self._asked.clear()

    def current(self) -> Lease | None:
        return self.lease

    def still_holds(self, lease: Lease) -> bool:
        """Look once more, right before the send."""
        return self.lease is not None and self.lease.epoch == lease.epoch and lease.remaining_ms(self._now()) > 0

    def departs(self, client_id: str, takeable_ms: int) -> None:
        """An entry is about to be sent. The exchange's door may let it in for `takeable_ms`: window and clock error."""
        now = self._now()
        self._in_flight = {name: ends for name, ends in self._in_flight.items() if ends > now}
        self._in_flight[client_id] = now + takeable_ms + ENGINE_GRACE_MS

    def answered(self, client_id: str) -> None:
        self._in_flight.pop(client_id, None)
        self._landed.set()

    def lands_in_ms(self) -> int:
        """Return after how long every entry in flight can no longer be taken by the exchange; 0: none can now."""
        return max(0, max(self._in_flight.values(), default=0) - self._now())

    async def all_landed(self) -> None:
        """Return when every entry in flight is answered, or can no longer be taken by the exchange."""
        while left := self.lands_in_ms():
            self._landed.clear()
            waits = [asyncio.ensure_future(self._landed.wait()), asyncio.ensure_future(self._sleep(left / 1000))]
            _, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in pending:
                wait.cancel()

    def _now(self) -> int:
        return self._clock.boot_ms()
