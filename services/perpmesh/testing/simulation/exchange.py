"""The exchange in virtual time: the pure engine, a market that moves, and a road to it on which things go wrong."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any, TypeVar

from perpmesh.exchange import commands as c
from perpmesh.exchange.engine import Engine
from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange.symbols import default_symbols
from perpmesh.exchange.words import OrderType
from perpmesh.exchange.words import Side as ExchangeSide
from perpmesh.execution.adapters.binance_venue import TIMEOUT_SECONDS
from perpmesh.execution.application.ports import SignedEntry, VenueRefused, VenueSilent
from perpmesh.execution.domain.budget import Lane
from perpmesh.execution.domain.exchange_clock import Sample
from perpmesh.execution.domain.facts import AlgoReport, OrderReport
from perpmesh.execution.domain.liquidation import Bracket
from perpmesh.kernel.instrument import Instrument
from perpmesh.kernel.time import Clock
from perpmesh.testing.engine_venue import ME, EngineVenue
from perpmesh.testing.simulation.life import Life
from perpmesh.testing.simulation.plan import SYMBOLS, Fault, Plan
from perpmesh.testing.simulation.referee import Referee

T = TypeVar("T")
DEPOSIT = Decimal(10_000)
PRICES = {"BTCUSDT": Decimal(60_000), "ETHUSDT": Decimal(3_000)}
STEP_SECONDS = 0.5
DRIFT = 0.0006  # of the price, per step: one standard deviation
LANES = {
    "send_entry": Lane.ENTRY, "reduce": Lane.EXIT, "place_conditional": Lane.EXIT, "cancel_order": Lane.EXIT,
    "cancel_conditional": Lane.EXIT, "positions": Lane.CARE, "open_conditionals": Lane.CARE, "conditional": Lane.CARE,
    "order": Lane.CARE, "open_orders": Lane.CARE,
}  # fmt: skip
ONLY_FOR = {
    Fault.STOP_REFUSED: ("place_conditional",),
    Fault.TRIGGER_REJECTED: ("place_conditional",),
    Fault.PARTS: ("send_entry",),
}
RETRY_PAUSE_SECONDS = 0.35


class Exchange:
    """One account on the engine. `moved` hears the symbol of whatever happens to the account."""

    def __init__(self, clock: Clock, referee: Referee, chance: Random) -> None:
        self.clock = clock
        self.engine = Engine(default_symbols())
        self.moved: Callable[[str], None] = lambda _: None
        self.down_until = 0.0
        self._referee = referee
        self._chance = chance
        self._prices = dict(PRICES)
        for symbol in SYMBOLS:
            self._quote(symbol)
        self.apply(c.CreateAccount(ME, DEPOSIT))
        referee.watch(self.engine)

    def apply(self, command: c.Command) -> None:
        """Do it, let the referee look at what it made of the account, and tell whoever listens."""
        now = self.clock.now_ms()
        found = self.engine.apply(command, market_ms=now, wall_ms=now)
        views = [getattr(event, "algo", None) or getattr(event, "order", None) for event in found]
        names = sorted({view.symbol for view in views if view is not None})
        if names:
            self._referee.look()
        for name in names:
            self.moved(name)

    def price(self, symbol: str) -> Decimal:
        return self._prices[symbol]

    def _quote(self, symbol: str) -> None:
        around, tick = self._prices[symbol], self.engine.specs[symbol].tick
        self.apply(c.SetBook(symbol, ((around - tick, Decimal(500)),), ((around + tick, Decimal(500)),)))
        self.apply(c.MarketTrade(symbol, around, Decimal("0.001"), ExchangeSide.BUY))
        self.apply(c.SetMark(symbol, around, around))

    def step(self, symbol: str, share: float | None = None) -> None:
        """Move the price of a symbol by a share of itself, or by as much as chance has it."""
        moved = self._chance.gauss(0, DRIFT) if share is None else share
        tick = self.engine.specs[symbol].tick
        self._prices[symbol] = (self._prices[symbol] * Decimal(1 + moved) / tick).to_integral_value() * tick
        self._quote(symbol)
        self.apply(c.AdvanceTime())


class RoadVenue(EngineVenue):
    """Execution's Venue over a road that has a length, and faults by the plan. Each life of execution has its own."""

    def __init__(self, exchange: Exchange, life: Life, plan: Plan, chance: Random, referee: Referee) -> None:
        super().__init__(exchange.engine, exchange.clock)
        self.exchange = exchange
        self._life = life
        self._plan = plan
        self._chance = chance
        self._referee = referee
        self._fault: Fault | None = None

    def apply(self, command: c.Command) -> Any:
        if self._fault is Fault.PARTS and isinstance(command, c.PlaceOrder):
            command = c.PlaceInParts(command, (30, 30, 40), 150)
        return self.exchange.apply(command)

    # The road.

    async def _do(self, method: str, act: Callable[[], T]) -> T:
        fault, code = self._drawn(method)
        if fault not in (None, Fault.PARTS, Fault.TRIGGER_REJECTED, Fault.STOP_REFUSED):
            self._referee.excuse(self._patience(method) + RETRY_PAUSE_SECONDS)
        return await self._life.outside(method, lambda: self._request(method, act, fault, code))

    def _drawn(self, method: str) -> tuple[Fault | None, int]:
        now = self._life.loop.time()
        if now < self.exchange.down_until:
            return Fault.LOST, 0
        for window in self._plan.windows:
            if window.begins <= now < window.ends and method in (
                window.methods or ONLY_FOR.get(window.fault, (method,))
            ):
                if window.fault is Fault.BANNED and self._lane(method) is Lane.EXIT:
                    continue
                if self._chance.random() < window.share:
                    return window.fault, window.code
        return None, 0

    def _lane(self, method: str) -> Lane:
        return LANES.get(method, Lane.QUERY)

    def _patience(self, method: str) -> float:
        return TIMEOUT_SECONDS[self._lane(method)]

    async def _request(self, method: str, act: Callable[[], T], fault: Fault | None, code: int) -> T:
        there, back = (self._plan.latency_ms / 2000 * self._chance.uniform(0.5, 1.5) for _ in range(2))
        patience = self._patience(method)
        if fault is Fault.LATE:
            self._life.world.spawn(self._arrive_late(act, patience + self._chance.uniform(-0.8, 2)))
        if fault in (Fault.LOST, Fault.LATE):
            await asyncio.sleep(patience)
            raise VenueSilent("TimeoutError")
        await asyncio.sleep(there)
        try:
            answer = self._arrive(act, fault, code)
        finally:
            await asyncio.sleep(back if fault is not Fault.UNANSWERED else patience - there)
        if fault in (Fault.UNANSWERED, Fault.UNKNOWN_DONE):
            raise VenueSilent("TimeoutError" if fault is Fault.UNANSWERED else "408 -1007: unknown")
        return answer

    def _arrive(self, act: Callable[[], T], fault: Fault | None, code: int) -> T:
        """What the exchange does with it, at the moment in which it is there."""
        if fault is Fault.UNKNOWN_NOT_DONE:
            raise VenueSilent("408 -1007: unknown")
        if fault is Fault.OVERLOADED:
            raise VenueRefused(-1008, "overloaded", 503)
        if fault is Fault.BANNED:
            raise VenueRefused(-1003, "too many requests", 429)
        if fault is Fault.STOP_REFUSED:
            raise VenueRefused(code, "as the plan has it") if code != UNEXPECTED else VenueSilent("500 -1001")
        self._fault = fault
        try:
            answer = act()
        except ExchangeError as error:
            raise VenueRefused(error.code, error.message) from error
        finally:
            self._fault = None
        if fault is Fault.TRIGGER_REJECTED and isinstance(answer, AlgoReport):
            self.exchange.apply(c.RejectWhenTriggered(ME, int(answer.exchange_id), "as the plan has it"))
        return answer

    async def _arrive_late(self, act: Callable[[], T], seconds: float) -> None:
        await asyncio.sleep(seconds)
        try:
            act()
        except ExchangeError:
            return  # nobody hears it any more

    # What the referee has to know at the moment of acceptance.

    def _market(self, fields: dict[str, Any], *, reduce_only: bool | None) -> OrderReport:
        if reduce_only is None:
            self._referee.entry_accepted(fields)
        else:
            self._referee.exit_accepted(fields["symbol"])
        return super()._market(fields, reduce_only=reduce_only)

    # What the engine does not ask the road for by itself.

    def budget_left(self) -> bool:
        now = self._life.loop.time()
        return not any(w.fault is Fault.BANNED and w.begins <= now < w.ends for w in self._plan.windows)

    async def send_entry(self, entry: SignedEntry) -> OrderReport:
        self._referee.tally.attempts += 1
        return await super().send_entry(entry)

    async def instruments(self) -> dict[str, Instrument]:
        found = await super().instruments()
        return await self._do("instruments", lambda: found)

    async def clock_sample(self) -> Sample:
        before = self.clock.boot_ms()
        server = await self._do("clock_sample", self.now_ms)
        return Sample(before, server, self.clock.boot_ms())

    async def account_trouble(self) -> str:
        return await self._do("account_trouble", str)

    async def prepare_symbol(self, symbol: str, leverage: int) -> int:
        await self._do("prepare_symbol", lambda: self.apply(c.SetLeverage(ME, symbol, leverage)))
        return leverage

    async def brackets(self) -> dict[str, list[Bracket]]:
        found = await super().brackets()
        return await self._do("brackets", lambda: found)


UNEXPECTED = -1001


def by_hand(exchange: Exchange, symbol: str, side: str, quantity: Decimal) -> None:
    """Somebody else trades on the account."""
    exchange.apply(c.PlaceOrder(ME, symbol, ExchangeSide(side), OrderType.MARKET, quantity))
