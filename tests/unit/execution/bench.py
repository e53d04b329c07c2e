"""Execution's use cases on the exchange itself: a pure engine behind the Venue port is the referee."""

import asyncio
import inspect
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from perpmesh.exchange import commands as c
from perpmesh.exchange import views as v
from perpmesh.exchange.engine import Engine
from perpmesh.exchange.symbols import default_symbols
from perpmesh.exchange.words import MarginType, OrderType, TimeInForce
from perpmesh.exchange.words import Side as ExchangeSide
from perpmesh.execution.application.assembly import UseCases, assemble
from perpmesh.execution.application.desk import Desk
from perpmesh.execution.application.entry_lease import Grant
from perpmesh.execution.application.ledger import Ledger
from perpmesh.execution.application.ports import DecisionWork
from perpmesh.execution.application.submit import Request
from perpmesh.execution.application.tools import Tools
from perpmesh.execution.domain.facts import (
    PriceFact,
)
from perpmesh.execution.domain.words import Action, Side, Stage
from perpmesh.kernel.time import ManualClock
from perpmesh.testing.engine_venue import ME, EngineVenue
from perpmesh.testing.memory_log import MemoryLog
from perpmesh.testing.policies import DefaultPolicies

BTC, ETH = "BTCUSDT", "ETHUSDT"
D = Decimal


class Crash(BaseException):
    """kill -9: nothing of ours may catch it."""


class Notes:
    """A diary that keeps what was said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []

    def info(self, event: str, **facts: Any) -> None:
        self.said.append((event, facts))

    warning = error = info


class EnginePrices:
    def __init__(self, engine: Engine, clock: ManualClock) -> None:
        self.engine = engine
        self.clock = clock
        self.age_ms = 0

    def price(self, symbol: str) -> PriceFact | None:
        if symbol not in self.engine.specs:
            return None
        market, depth = self.engine.market(symbol), self.engine.depth(symbol, 1)
        return PriceFact(
            symbol=symbol, last=market.last, mark=market.mark, bid=depth.bids[0][0], ask=depth.asks[0][0],
            market_time_ms=market.time, heard_boot_ms=self.clock.boot_ms() - self.age_ms,
        )  # fmt: skip

    def newest(self) -> PriceFact | None:
        return self.price(BTC)


class Cut:
    """Stands before a port and ends the process at its n-th call: before the call is made, or right after it."""

    def __init__(self, inner: Any, blade: "Blade") -> None:
        self._inner = inner
        self._blade = blade

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def cut(*args: Any, **kwargs: Any) -> Any:
            before, after = self._blade.falls(name)
            if before:
                raise Crash(name)
            try:
                return await found(*args, **kwargs)
            finally:
                if after:
                    raise Crash(name)  # a dead process hears no answer, be it good or bad

        return cut


@dataclass
class Blade:
    """Counts the calls through every port; falls at `at`, counted in halves: 2n before the n-th call, 2n+1 after."""

    at: int = -1
    calls: int = 0
    names: list[str] = field(default_factory=list)

    def falls(self, name: str) -> tuple[bool, bool]:
        self.names.append(name)
        number = self.calls
        self.calls += 1
        return self.at == number * 2, self.at == number * 2 + 1


class Bench:
    """An account with 10,000 USDT, BTC at 60,000 and ETH at 3,000, and execution at its desk."""

    def __init__(self, **policies: str) -> None:
        self.clock = ManualClock()
        self.engine = Engine(default_symbols())
        self.venue = EngineVenue(self.engine, self.clock)
        self.policies = DefaultPolicies(revision=7, **policies)
        self.log = MemoryLog()
        self.notes = Notes()
        self.sequence = 0
        self.price("60000")
        self.price("3000", ETH)
        self.venue.apply(c.CreateAccount(ME, D(10_000)))

    async def sleep(self, seconds: float) -> None:
        self.clock.advance(int(seconds * 1000))
        await asyncio.sleep(0)

    async def start(self, blade: Blade | None = None) -> UseCases:
        """Start the process on what the log and the exchange hold."""
        blade = blade or Blade()
        log, venue = Cut(self.log, blade), Cut(self.venue, blade)
        self.prices = EnginePrices(self.engine, self.clock)
        desk = Desk(self.clock, self.prices)
        tools = Tools(
            venue=venue, ledger=Ledger(log), desk=desk, policies=self.policies, sleep=self.sleep, diary=self.notes
        )
        self.cases = assemble(tools, [BTC, ETH])
        await tools.ledger.load()
        await self.cases.upkeep.once()
        await self.cases.reconciler.everything()
        self.lend()
        return self.cases

    def lend(self, *, stage: Stage = Stage.FULL, valid_ms: int = 2_000, epoch: int = 1, revision: int = 7) -> None:
        self.sequence += 1
        self.cases.lease.asked(self.sequence)
        self.cases.lease.granted(
            Grant(
                sequence=self.sequence, valid_for_ms=valid_ms, epoch=epoch, stage=stage, policy_revision=revision
            )
        )  # fmt: skip

    def price(self, price: str, symbol: str = BTC) -> None:
        """Move the whole market of a symbol: the book around the price, the tape and the mark on it."""
        around, tick = D(price), self.engine.specs[symbol].tick
        self.clock.advance(1)
        self.venue.apply(c.SetBook(symbol, ((around - tick, D(100)),), ((around + tick, D(100)),)))
        self.venue.apply(c.MarketTrade(symbol, around, D("0.001"), ExchangeSide.BUY))
        self.venue.apply(c.SetMark(symbol, around, around))

    def by_hand(self, side: str, quantity: str, symbol: str = BTC, **more: Any) -> None:
        """Somebody else trades on the account."""
        self.venue.apply(c.PlaceOrder(ME, symbol, ExchangeSide(side), OrderType.MARKET, D(quantity), **more))

    def resting(self, side: str, quantity: str, price: str, client_id: str) -> None:
        self.venue.apply(
            c.PlaceOrder(
                ME, BTC, ExchangeSide(side), OrderType.LIMIT, D(quantity), D(price), TimeInForce.GTC,
                client_order_id=client_id,
            )
        )  # fmt: skip

    # What is asked of execution.

    def request(self, name: str, side: str, quantity: str, **more: str) -> Request:
        return Request(
            request_id=name, symbol=more.get("symbol", BTC), side=Side(side), quantity=D(quantity),
            stop_price=D(more.get("stop", "0")), take_profit_price=D(more.get("target", "0")), reason="",
            traceparent="",
        )  # fmt: skip

    async def buy(self, name: str = "r1", quantity: str = "0.01", **more: str) -> Any:
        return await self.cases.submit.entry(self.request(name, "BUY", quantity, **more))

    async def sell(self, name: str = "r1", quantity: str = "0.01", **more: str) -> Any:
        return await self.cases.submit.entry(self.request(name, "SELL", quantity, **more))

    async def exit(self, name: str, side: str, quantity: str) -> Any:
        return await self.cases.submit.exit(self.request(name, side, quantity))

    def decision(self, name: str, action: Action, quantity: str = "0.01", **more: Any) -> DecisionWork:
        stop = {Action.LONG: "59500", Action.SHORT: "60500"}.get(action, "0")
        return DecisionWork(
            decision_id=name, symbol=more.get("symbol", BTC), action=action, quantity=D(quantity),
            reference_price=D(more.get("reference", "60000")), stop_price=D(more.get("stop", stop)),
            take_profit_price=D(more.get("target", "0")), strategy="trend",
            amplification=more.get("amplification", False),
            expires_at_ms=self.clock.now_ms() + more.get("ttl_ms", 5_000), traceparent="",
        )  # fmt: skip

    # What the referee says.

    def amount(self, symbol: str = BTC) -> Decimal:
        return sum((p.amount for p in self.engine.positions(ME, symbol)), D(0))

    def stops(self, symbol: str = BTC) -> list[v.AlgoView]:
        return [a for a in self.engine.open_algos(ME, symbol) if a.type is OrderType.STOP_MARKET]

    def covered(self, symbol: str = BTC) -> bool:
        stops = self.stops(symbol)
        return any(s.close_position for s in stops) or sum((s.quantity for s in stops), D(0)) >= abs(
            self.amount(symbol)
        )

    def told(self, kind: type) -> list[Any]:
        return [event for event in self.log.events if type(event) is kind]

    def isolate(self) -> None:
        self.venue.apply(c.SetMarginType(ME, BTC, MarginType.ISOLATED))
