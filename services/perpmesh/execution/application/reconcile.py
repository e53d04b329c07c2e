"""Compares our books with the exchange: at start, on a timer, and at once where an event says that something moved."""

import asyncio
from collections.abc import Iterable, Sequence

from perpmesh.execution.application.attend import Attendant
from perpmesh.execution.application.tools import Tools


class Reconciler:
    """Runs for ever. A pass without trouble is what lets entries go out."""

    def __init__(self, tools: Tools, *, attendant: Attendant, symbols: Sequence[str]) -> None:
        self._venue = tools.venue
        self._ledger = tools.ledger
        self._desk = tools.desk
        self._attendant = attendant
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
        for symbol in symbols:
            try:
                await self._attendant.attend(symbol)
            except Exception as error:  # noqa: BLE001 - the next full pass looks again, and says so
                self._diary.warning("symbol not put right", symbol=symbol, error=repr(error))
        await self._read_account()

    async def _read_account(self) -> bool:
        try:
            self._desk.account = await self._venue.account()
        except Exception as error:  # noqa: BLE001 - said, and asked again on the next pass
            self._diary.warning("account not read", error=repr(error))
            return False
        return True

    async def everything(self) -> bool:
        """Put every symbol right; return whether all of it worked."""
        began = self._desk.clock.boot_ms()
        try:
            held = await self._venue.positions()
        except Exception as error:  # noqa: BLE001 - said, and asked again on the next pass
            self._diary.warning("exchange not reconciled", error=repr(error))
            return False
        symbols = {*self._symbols, *self._ledger.symbols(), *(position.symbol for position in held)}
        clean = True
        for symbol in sorted(symbols):
            try:
                await self._attendant.attend(symbol)
            except Exception as error:  # noqa: BLE001 - one symbol's trouble must not hide another's
                clean = False
                self._diary.warning("symbol not put right", symbol=symbol, error=repr(error))
        if await self._read_account() and clean:
            self._desk.reconciled_boot_ms = began
            if self._desk.account_trouble == "STORE_FAILED":
                self._desk.account_trouble = ""
        return clean


async def _until(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
