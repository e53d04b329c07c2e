"""Both sides of the entry lease as values: each function lets the product's own objects take one step.

An object is made from a value, does what it does, and is read back. Equal steps are taken once and remembered.
"""

from functools import cache
from typing import NamedTuple

from perpmesh.execution.application.entry_lease import EntryLease, Grant
from perpmesh.execution.domain import lease as holder_lease
from perpmesh.execution.domain.lease import Lease
from perpmesh.execution.domain.words import Stage as HeldStage
from perpmesh.kernel.time import ManualClock
from perpmesh.risk_safety.domain import leases
from perpmesh.risk_safety.domain.ess import TRANSITIONS, EssState, Latch, Stage, Step, Trigger, Trip, TripOrder
from perpmesh.risk_safety.domain.lease_rules import Grounds, why_not
from perpmesh.risk_safety.domain.leases import LeaseBook

from .conftest import report

NOW = 1_000
ORDER = TripOrder(trigger=Trigger.MANUAL, reason="model", actor="model")


class Book(NamedTuple):
    """The core's book: how long unknown holders are waited for, and the leases (holder, epoch, time left)."""

    unknown: int = 0
    leases: tuple[tuple[int, int, int], ...] = ()


class Signed(NamedTuple):
    """An entry that is signed: the lease it rests on, its window, and for how long the exchange would take it."""

    epoch: int
    lease_left: int
    window: int
    left: int


class Held(NamedTuple):
    """A holder: its lease, what it has revoked and acknowledged, and its one entry, unsent or in flight."""

    epoch: int = 0
    left: int = 0
    revoked: int = 0
    acknowledged: int = 0
    owes: int = 0  # the revocation that it has still to acknowledge
    entry: Signed | None = None
    flight: int = 0

    def let_go(self) -> "Held":
        return self._replace(acknowledged=self.owes, owes=0)

    def later(self, tick: int) -> "Held":
        """Return it one tick of the world later, in which its own clock made `tick`."""
        entry = self.entry
        if entry is not None:
            entry = entry._replace(lease_left=max(0, entry.lease_left - tick), left=max(0, entry.left - 1))
        left = max(0, self.left - tick)
        return self._replace(
            epoch=self.epoch if left else 0, left=left, entry=entry, flight=max(0, self.flight - tick)
        )  # fmt: skip


# The safety core's side.


def _open(book: Book) -> LeaseBook:
    made = LeaseBook(NOW + book.unknown - leases.FULL_LEASE_MS - leases.MARGIN_MS)
    for holder, epoch, left in book.leases:
        made.grant(str(holder), epoch, NOW + left - leases.FULL_LEASE_MS - leases.MARGIN_MS, leases.FULL_LEASE_MS)
    return made


def _closed(made: LeaseBook, unknown: int) -> Book:
    live = sorted((int(one.holder_id), one.epoch, one.until_boot_ms - NOW) for one in made.live(NOW))
    return Book(unknown, tuple(live))


@cache
def busy(book: Book) -> bool:
    return _open(book).busy_until(NOW) is not None


@cache
def granted(book: Book, holder: int, epoch: int, valid: int, *, rivals: bool) -> Book | None:
    """Return the book after a grant, or None when the rules withhold it."""
    made = _open(book)
    grounds = Grounds(
        latch=Latch(stage=Stage.FULL), counted_trades=0, breached=False, pulling=False, operator_silent=False,
        rival=rivals and made.rival(str(holder), NOW), stale_price_ms=1_000,
    )  # fmt: skip
    if why_not(report(), grounds):
        return None
    made.grant(str(holder), epoch, NOW, valid)
    return _closed(made, book.unknown)


@cache
def acknowledged(book: Book, holder: int, epoch: int) -> Book:
    made = _open(book)
    made.acknowledge(str(holder), epoch)
    return _closed(made, book.unknown)


@cache
def aged(book: Book) -> Book:
    left = tuple((holder, epoch, left - 1) for holder, epoch, left in book.leases if left > 1)
    return Book(max(0, book.unknown - 1), left)


@cache
def tripped(state: EssState, epoch: int) -> tuple[EssState, int]:
    trip = Trip(trip_id="t", order=ORDER, at_ms=0, epoch=epoch + 1)
    latch = Latch(state=state, epoch=epoch, stage=Stage.FULL).tripped(trip)
    return latch.state, latch.epoch


@cache
def reset(state: EssState, epoch: int) -> tuple[EssState, int]:
    assert (state, Step.RESET) in TRANSITIONS
    latch = Latch(state=state, epoch=epoch, stage=Stage.FULL).reset(Stage.FULL)
    return latch.state, latch.epoch


# The holder's side.


async def _never(seconds: float) -> None:
    raise AssertionError(seconds)


def _awake(held: Held, ago: int = 0) -> tuple[EntryLease, ManualClock]:
    """Make the holder, `ago` ticks before now."""
    clock = ManualClock(boot_ms=NOW - ago)
    made = EntryLease(clock, _never)
    if held.revoked:
        made.revoked(held.revoked, "")
    if held.left:
        made.lease = _lease(held.epoch, held.left)
    return made, clock


def _lease(epoch: int, left: int) -> Lease:
    return Lease(ends_boot_ms=NOW + left, epoch=epoch, stage=HeldStage.FULL, policy_revision=0)


def _asleep(made: EntryLease, held: Held) -> Held:
    lease = made.current()
    left = lease.remaining_ms(NOW) if lease else 0
    return held._replace(epoch=lease.epoch if lease and left else 0, left=left)


@cache
def heard_grant(held: Held, age: int, epoch: int, valid: int) -> Held:
    """Return the holder after a grant that answers what it asked `age` ago."""
    made, clock = _awake(held, age)
    made.asked(1)
    clock.advance(age)
    made.granted(Grant(sequence=1, valid_for_ms=valid, epoch=epoch, stage=HeldStage.FULL, policy_revision=0))
    return _asleep(made, held)


@cache
def revoked(held: Held, epoch: int) -> Held:
    made, _ = _awake(held)
    made.revoked(epoch, "tripped")
    newest = max(held.revoked, epoch)
    owes = newest if newest > held.acknowledged else 0
    return _asleep(made, held)._replace(revoked=newest, owes=owes)


@cache
def window(held: Held, error: int) -> int:
    lease = _awake(held)[0].current()
    return holder_lease.entry_window_ms(lease, NOW, error) if lease else 0


@cache
def still_holds(held: Held, entry: Signed) -> bool:
    return _awake(held)[0].still_holds(_lease(entry.epoch, entry.lease_left))


@cache
def departed(held: Held, takeable: int) -> Held:
    made, _ = _awake(held)
    made.departs("entry", takeable)
    return held._replace(entry=None, flight=made.lands_in_ms())


def forget() -> None:
    """Forget every remembered step: the constants are about to change."""
    for step in (busy, granted, acknowledged, aged, heard_grant, revoked, window, still_holds, departed):
        step.cache_clear()
