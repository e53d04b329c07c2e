"""Compares our books with the exchange: at start, on a timer, and at once where an event says that something moved."""

import asyncio
from collections.abc import Iterable, Sequence

from perpmesh.execution.application.attend import Attendant
from perpmesh.execution.application.following import WATCH_SECONDS, Follower
from perpmesh.execution.application.ports import VenueRefused
from perpmesh.execution.application.tools import Tools


class Reconciler:
    """Runs for ever. A pass without trouble is what lets entries go out."""

    def __init__(self, tools: Tools, *, attendant: Attendant, follower: Follower, symbols: Sequence[str]) -> None:
        self._venue = tools.venue
        self._ledger = tools.ledger
        self._desk = tools.desk
        self._attendant = attendant
        self._follower = follower
        self._sleep = tools.sleep
        self._policies = tools.policies
        self._symbols = symbols
        self._diary = tools.diary
        self._dirty: set[str] = set()
        self._wake = asyncio.Event()
        self._all = False

    def moved(self, symbols: Iterable[str] = ()) -> None:
        """Something happened on these symbols; none named: look at everything now."""
        named = set(symbols)
        self._dirty |= named
        self._all = self._all or not named
        self._wake.set()

    async def follow(self) -> None:
        """Look at the marks between the passes: a stop may be due to follow, a trade to end."""
        while True:
            if due := self._follower.due():
                self.moved(due)
            await self._sleep(WATCH_SECONDS)

    async def run(self) -> None:
        """Reconcile on the policy's interval; between, what was named."""
        loop = asyncio.get_running_loop()
        due = 0.0
        while True:
            if loop.time() >= due or self._all:
                self._all = False
                self._dirty.clear()
                await self.everything()
                due = loop.time() + self._policies.integer("execution.reconcile_interval_ms") / 1000
            elif self._dirty:
                await self._named()
            self._wake.clear()
            if not self._dirty and not self._all:
                await _until(self._wake, max(0.0, due - loop.time()))

    async def _named(self) -> None:
        symbols, self._dirty = self._dirty, set()
        await self._attend_each(symbols)
        await self._read_account()

    async def _attend_each(self, symbols: Iterable[str]) -> bool:
        clean = True
        for symbol in sorted(symbols):
            try:
                await self._attendant.attend(symbol)
            except Exception as error:  # noqa: BLE001 - one symbol's trouble must not hide another's
                clean = False
                self._failed("symbol not put right", error, symbol=symbol)
        return clean

    def _failed(self, what: str, error: Exception, **facts: str) -> None:
        if isinstance(error, VenueRefused):
            self._desk.heed(error)
        self._diary.warning(what, error=repr(error), **facts)

    async def _read_account(self) -> bool:
        try:
            self._desk.account = await self._venue.account()
        except Exception as error:  # noqa: BLE001 - said, and asked again on the next pass
            self._failed("account not read", error)
            return False
        return True

    async def _write_owed(self) -> bool:
        """Write what the store did not take when it became true."""
        try:
            if self._ledger.owes:
                await self._ledger.commit()
        except Exception as error:  # noqa: BLE001 - said, and tried again on the next pass
            self._failed("what is true is not written", error)
            return False
        return True

    async def everything(self) -> bool:
        """Put every symbol right; return whether all of it worked."""
        began = self._desk.clock.boot_ms()
        try:
            held = await self._venue.positions()
        except Exception as error:  # noqa: BLE001 - said, and asked again on the next pass
            self._failed("exchange not reconciled", error)
            await self._attend_each(self._desk.unprotected())  # what is naked is closed without being seen
            return False
        symbols = {*self._symbols, *self._ledger.symbols(), *(position.symbol for position in held)}
        clean = await self._attend_each(symbols) and await self._write_owed()
        if await self._read_account() and clean:
            self._desk.reconciled_boot_ms = began
            self._desk.store_failed = False
        return clean


async def _until(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
