"""Stopping: no entry any more, resting ones gone, and on request every position closed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from perpmesh.execution.application.attend import Attendant
from perpmesh.execution.application.entry_lease import EntryLease
from perpmesh.execution.application.exits import Exits
from perpmesh.execution.application.ports import VenueRefused, VenueSilent
from perpmesh.execution.application.tools import Tools
from perpmesh.execution.domain.facts import PositionFact
from perpmesh.execution.domain.order import Order
from perpmesh.execution.domain.words import Leg

PAUSE_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Flattened:
    """What was sent, and what is open all the same."""

    orders: list[Order]
    remaining: list[PositionFact]


@dataclass(frozen=True, slots=True, kw_only=True)
class Honoured:
    """A revocation that holds: nothing in flight can still reach the exchange."""

    epoch: int
    canceled: list[str]
    open_positions: list[str]
    protected_positions: list[str]


class Flatten:
    """Closes positions, one symbol or all; also what a revocation of the lease asks for."""

    def __init__(
        self, tools: Tools, *, exits: Exits, attendant: Attendant, lease: EntryLease, symbols: Sequence[str]
    ) -> None:
        self._venue = tools.venue
        self._ledger = tools.ledger
        self._desk = tools.desk
        self._exits = exits
        self._attendant = attendant
        self._lease = lease
        self._symbols = symbols
        self._sleep = tools.sleep
        self._diary = tools.diary

    async def flatten(self, symbol: str = "", *, origin: str = "", **marks: str) -> Flattened:
        """Cancel resting entries and close at market; protection stays until the position is gone."""
        symbols = [symbol] if symbol else sorted(await self._held())
        results = await asyncio.gather(
            *(self._one(each, f"{origin}/{each}" if origin else "", marks) for each in symbols)
        )
        remaining = [self._desk.positions[each] for each in symbols if each in self._desk.positions]
        return Flattened(orders=[order for sent in results for order in sent], remaining=remaining)

    async def _held(self) -> set[str]:
        known = {*self._symbols, *self._desk.positions, *self._ledger.symbols()}
        try:
            return known | {position.symbol for position in await self._venue.positions()}
        except (VenueSilent, VenueRefused):
            return known

    async def _one(self, symbol: str, origin: str, marks: dict[str, str]) -> list[Order]:
        try:
            await self._exits.cancel_entries(symbol)
        except (VenueSilent, VenueRefused) as error:
            self._diary.warning("resting entries not canceled", symbol=symbol, error=repr(error))
        async with self._desk.locks[symbol]:
            sent = await self._exits.close(symbol, Leg.FLATTEN, origin=origin, **marks)
            if not sent and self._ledger.trade(symbol) is None:
                return sent
            try:
                await self._attendant.attend_locked(symbol)
            except Exception as error:  # noqa: BLE001 - what counts is done; reconciliation does the rest
                self._diary.warning("not put right yet", symbol=symbol, error=repr(error))
        return [await self._ledger.order(order.client_id) or order for order in sent]

    async def honour(self, epoch: int, reason: str) -> Honoured:
        """Return once no entry of ours can reach the exchange any more and resting ones are canceled."""
        self._lease.revoked(epoch, reason)
        canceled, _ = await asyncio.gather(self._cancel_all(), self._lease.all_landed())
        held = sorted(self._desk.positions)
        return Honoured(
            epoch=epoch, canceled=canceled, open_positions=held,
            protected_positions=[symbol for symbol in held if symbol in self._desk.protected],
        )  # fmt: skip

    async def _cancel_all(self) -> list[str]:
        """Cancel until it worked: a resting entry that stands is not a revocation that holds."""
        symbols = sorted({*self._symbols, *self._desk.positions, *self._ledger.symbols()})
        while True:
            try:
                every = await asyncio.gather(*(self._exits.cancel_entries(symbol) for symbol in symbols))
            except (VenueSilent, VenueRefused) as error:
                self._diary.warning("resting entries not canceled", error=repr(error))
                await self._sleep(PAUSE_SECONDS)
            else:
                return [client_id for canceled in every for client_id in canceled]
