"""Execution's use cases on the exchange itself: a pure engine behind the Venue port is the referee."""

import asyncio
import inspect
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from perpmesh.exchange import commands as c
from perpmesh.exchange import views as v
from perpmesh.exchange.engine import Engine
from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange.symbols import SymbolSpec, default_symbols
from perpmesh.exchange.words import MarginType, OrderType, TimeInForce, WorkingType
from perpmesh.exchange.words import Side as ExchangeSide
from perpmesh.execution.application.assembly import UseCases, assemble
from perpmesh.execution.application.desk import Desk
from perpmesh.execution.application.entry_lease import Grant
from perpmesh.execution.application.ledger import Ledger
from perpmesh.execution.application.ports import DecisionWork, SignedEntry, VenueRefused, VenueSilent
from perpmesh.execution.application.submit import Request
from perpmesh.execution.application.tools import Tools
from perpmesh.execution.domain.events import Event
from perpmesh.execution.domain.exchange_clock import Sample
from perpmesh.execution.domain.facts import (
    AccountFact,
    AlgoReport,
    Fill,
    IncomeRow,
    OrderReport,
    PositionFact,
    PriceFact,
)
from perpmesh.execution.domain.order import Order
from perpmesh.execution.domain.trade import Trade
from perpmesh.execution.domain.words import Action, OrderStatus, Side, Stage
from perpmesh.kernel.instrument import Instrument
from perpmesh.kernel.time import ManualClock

BTC, ETH = "BTCUSDT", "ETHUSDT"
ME = "me"
D = Decimal
STATUSES = {"NEW": OrderStatus.WORKING, "EXPIRED_IN_MATCH": OrderStatus.EXPIRED}
POLICIES = {
    "execution.max_slippage_pct": "0.01",
    "execution.default_stop_pct": "0.01",
    "execution.max_stop_distance_pct": "0.10",
    "execution.price_stale_ms": "2000",
    "execution.clock_offset_block_ms": "500",
    "execution.reconcile_interval_ms": "3000",
    "execution.protection_deadline_ms": "5000",
    "execution.orders_per_minute": "60",
    "execution.leverage": "5",
    "risk.max_risk_per_trade_pct": "0.005",
    "risk.max_open_risk_pct": "0.02",
    "risk.max_gross_exposure": "2.0",
    "risk.max_position_exposure": "1.0",
}


class Crash(BaseException):
    """kill -9: nothing of ours may catch it."""


class FixedPolicies:
    def __init__(self, **changed: str) -> None:
        self.values = {**POLICIES, **changed}
        self.revision = 7

    def decimal(self, key: str) -> Decimal:
        return D(self.values[key])

    def integer(self, key: str) -> int:
        return int(D(self.values[key]))


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


class MemoryLog:
    """Log in memory: it outlives a crash of the use cases, as a disk does."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.trades: dict[str, Trade] = {}
        self.events: list[Event] = []
        self.decisions: dict[str, DecisionWork] = {}
        self.full = False

    async def commit(self, *, orders=(), trades=(), events=()) -> None:
        await asyncio.sleep(0)
        if self.full:
            raise OSError("no space left on device")
        self.orders.update({order.client_id: order for order in orders})
        self.trades.update({trade.trade_id: trade for trade in trades})
        self.events += events

    async def order(self, client_id):
        return self.orders.get(client_id)

    async def orders_of(self, trade_id):
        return [order for order in self.orders.values() if order.trade_id == trade_id]

    async def unsettled_orders(self):
        return [o for o in self.orders.values() if not o.status.is_final or (o.executed and not o.average)]

    async def trade(self, trade_id):
        return self.trades.get(trade_id)

    async def open_trades(self):
        return [trade for trade in self.trades.values() if trade.is_open]

    async def pending_decisions(self):
        return list(self.decisions.values())

    async def finish_decision(self, decision_id):
        self.decisions.pop(decision_id, None)


class EngineVenue:
    """Venue on the engine, with Binance's door in front: timestamp and recvWindow are checked by its own clock."""

    def __init__(self, engine: Engine, clock: ManualClock) -> None:
        self.engine = engine
        self.clock = clock
        self.faults: dict[str, list[Any]] = {}
        self.entries: list[dict[str, Any]] = []
        self.asked: Counter[str] = Counter()
        self.trouble = ""
        self.budget = True
        self.skew_ms = 0  # the exchange's clock minus ours

    def now_ms(self) -> int:
        return self.clock.now_ms() + self.skew_ms

    def fault(self, method: str, *kinds: Any) -> None:
        """Let the next calls of `method` go wrong: "lost", "unanswered" (done, but not told), a code, or None: well."""
        self.faults[method] = list(kinds)

    async def _do(self, method: str, act: Callable[[], Any]) -> Any:
        self.asked[method] += 1
        await asyncio.sleep(0)
        queued = self.faults.get(method)
        fault = queued.pop(0) if queued else None
        if fault == "lost":
            raise VenueSilent("the request was lost")
        if isinstance(fault, int):
            raise VenueRefused(fault, "as the test says")
        try:
            answer = act()
        except ExchangeError as error:
            raise VenueRefused(error.code, error.message) from error
        if fault == "unanswered":
            raise VenueSilent("the answer was lost")
        return answer

    def apply(self, command: c.Command) -> Any:
        return self.engine.apply(command, market_ms=self.clock.now_ms(), wall_ms=self.now_ms())

    def sign_entry(self, **fields: Any) -> SignedEntry:
        return SignedEntry(fields["client_id"], fields)

    async def send_entry(self, entry: SignedEntry) -> OrderReport:
        return await self._do("send_entry", lambda: self._enter(entry.body))

    def _enter(self, fields: dict[str, Any]) -> OrderReport:
        if self.now_ms() - fields["timestamp_ms"] > fields["window_ms"]:
            raise ExchangeError(-1021, "Timestamp for this request is outside of the recvWindow.")
        report = self._market(fields, reduce_only=None)
        self.entries.append(fields)
        return report

    def _market(self, fields: dict[str, Any], *, reduce_only: bool | None) -> OrderReport:
        side = ExchangeSide(fields["side"].value)
        self.apply(
            c.PlaceOrder(
                ME, fields["symbol"], side, OrderType.MARKET, fields["quantity"], reduce_only=reduce_only,
                client_order_id=fields["client_id"],
            )
        )  # fmt: skip
        found = self.engine.order(ME, fields["symbol"], client_order_id=fields["client_id"])
        return self._report(found, told_price=False)

    async def reduce(self, **fields: Any) -> OrderReport:
        return await self._do("reduce", lambda: self._market(fields, reduce_only=True))

    async def place_conditional(
        self, *, symbol: str, side: Side, kind: str, trigger: Decimal, client_id: str, quantity: Decimal | None = None
    ) -> AlgoReport:
        def act() -> AlgoReport:
            self.apply(
                c.PlaceAlgoOrder(
                    ME, symbol, ExchangeSide(side.value), OrderType(kind), trigger, quantity,
                    close_position=quantity is None, reduce_only=None if quantity is None else True,
                    working_type=WorkingType.MARK_PRICE, client_algo_id=client_id,
                )
            )  # fmt: skip
            return self._algo(self.engine.algo(ME, client_algo_id=client_id))

        return await self._do("place_conditional", act)

    async def cancel_order(self, symbol: str, client_id: str) -> None:
        await self._do("cancel_order", lambda: self.apply(c.CancelOrder(ME, symbol, client_order_id=client_id)))

    async def cancel_conditional(self, client_id: str) -> None:
        await self._do("cancel_conditional", lambda: self.apply(c.CancelAlgoOrder(ME, client_algo_id=client_id)))

    async def order(self, symbol: str, *, client_id: str = "", exchange_id: str = "") -> OrderReport | None:
        named = {"order_id": int(exchange_id)} if exchange_id else {"client_order_id": client_id}
        try:
            return await self._do("order", lambda: self._report(self.engine.order(ME, symbol, **named)))
        except VenueRefused as refused:
            if refused.code == -2013:
                return None
            raise

    async def conditional(self, client_id: str) -> AlgoReport | None:
        try:
            return await self._do("conditional", lambda: self._algo(self.engine.algo(ME, client_algo_id=client_id)))
        except VenueRefused as refused:
            if refused.code == -2013:
                return None
            raise

    async def open_orders(self, symbol: str) -> list[OrderReport]:
        return await self._do("open_orders", lambda: [self._report(o) for o in self.engine.open_orders(ME, symbol)])

    async def open_conditionals(self, symbol: str) -> list[AlgoReport]:
        return await self._do("open_conditionals", lambda: [self._algo(a) for a in self.engine.open_algos(ME, symbol)])

    async def positions(self, symbol: str = "") -> list[PositionFact]:
        def act() -> list[PositionFact]:
            found = self.engine.positions(ME, symbol or None)
            return [
                PositionFact(symbol=p.symbol, signed=p.amount, entry=p.entry_price, mark=p.mark_price)
                for p in found
                if p.amount
            ]

        return await self._do("positions", act)

    async def account(self) -> AccountFact:
        def act() -> AccountFact:
            view = self.engine.account(ME)
            held = tuple(
                PositionFact(symbol=p.symbol, signed=p.amount, notional=p.notional) for p in view.positions if p.amount
            )
            return AccountFact(wallet=view.wallet, equity=view.margin_balance, available=view.available, positions=held)

        return await self._do("account", act)

    async def fills(self, symbol: str, *, order_id: str = "", from_id: int = 0) -> list[Fill]:
        def act() -> list[Fill]:
            rows = [t for t in self.engine.trades(ME, symbol) if not order_id or str(t.order_id) == order_id]
            return [_fill(row) for row in rows if row.trade_id >= from_id]

        return await self._do("fills", act)

    async def income(self, symbol: str, start_ms: int) -> list[IncomeRow]:
        def act() -> list[IncomeRow]:
            rows = [row for row in self.engine.income(ME) if row.symbol == symbol and row.time >= start_ms]
            return [
                IncomeRow(kind=r.type.value, amount=r.amount, time_ms=r.time, trade_id=r.trade_id, tran_id=r.tran_id)
                for r in rows
            ]

        return await self._do("income", act)

    async def instruments(self) -> dict[str, Instrument]:
        return {spec.symbol: _instrument(spec) for spec in default_symbols()}

    async def clock_sample(self) -> Sample:
        return Sample(self.clock.boot_ms(), self.now_ms(), self.clock.boot_ms())

    async def account_trouble(self) -> str:
        return self.trouble

    async def prepare_symbol(self, symbol: str, leverage: int) -> None:
        self.apply(c.SetLeverage(ME, symbol, leverage))

    def budget_left(self) -> bool:
        return self.budget

    def _report(self, order: v.OrderView, *, told_price: bool = True) -> OrderReport:
        word = order.status.value
        return OrderReport(
            client_id=order.client_order_id, exchange_id=str(order.order_id), symbol=order.symbol,
            side=Side(order.side.value), status=STATUSES.get(word) or OrderStatus(word), executed=order.executed,
            average=order.avg_price if told_price else D(0), reduce_only=order.reduce_only, time_ms=order.time,
        )  # fmt: skip

    def _algo(self, algo: v.AlgoView) -> AlgoReport:
        return AlgoReport(
            client_id=algo.client_algo_id, exchange_id=str(algo.algo_id), symbol=algo.symbol,
            side=Side(algo.side.value), type=algo.type.value, status=algo.status.value,
            trigger_price=algo.trigger_price, quantity=algo.quantity, close_position=algo.close_position,
            reduce_only=algo.reduce_only, actual_order_id=str(algo.actual_order_id or ""),
            actual_quantity=algo.actual_quantity, actual_price=algo.actual_price, reject_reason=algo.reject_reason,
        )  # fmt: skip


def _fill(row: v.TradeView) -> Fill:
    return Fill(
        trade_id=row.trade_id, order_id=str(row.order_id), side=Side(row.side.value), price=row.price,
        quantity=row.quantity, realized=row.realized, commission=row.commission, time_ms=row.time,
    )  # fmt: skip


def _instrument(spec: SymbolSpec) -> Instrument:
    return Instrument(
        symbol=spec.symbol, tick=spec.tick, step=spec.step, min_quantity=spec.min_quantity,
        max_quantity=spec.max_quantity, market_max_quantity=spec.market_max_quantity, min_notional=spec.min_notional,
        min_price=spec.min_price, max_price=spec.max_price,
    )  # fmt: skip


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
        self.policies = FixedPolicies(**policies)
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
