"""Execution's Venue on the pure engine: the exchange itself answers, with Binance's door in front of it."""

import asyncio
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

from perpmesh.exchange import commands as c
from perpmesh.exchange import views as v
from perpmesh.exchange.engine import Engine
from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange.symbols import SymbolSpec, default_symbols
from perpmesh.exchange.words import OrderType, PositionSide, WorkingType
from perpmesh.exchange.words import Side as ExchangeSide
from perpmesh.execution.application.ports import SignedEntry, VenueRefused, VenueSilent
from perpmesh.execution.domain.exchange_clock import Sample
from perpmesh.execution.domain.facts import ONE_WAY, AccountFact, AlgoReport, Fill, IncomeRow, OrderReport, PositionFact
from perpmesh.execution.domain.liquidation import Bracket
from perpmesh.execution.domain.words import OrderStatus, Side
from perpmesh.kernel.instrument import Instrument
from perpmesh.kernel.time import Clock

ME = "me"
D = Decimal
T = TypeVar("T")
UNKNOWN_ORDER = -2013
STATUSES = {"NEW": OrderStatus.WORKING, "EXPIRED_IN_MATCH": OrderStatus.EXPIRED}


class EngineVenue:
    """Venue on the engine, with Binance's door in front: timestamp and recvWindow are checked by its own clock."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
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

    async def _do(self, method: str, act: Callable[[], T]) -> T:
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
        side, leg = ExchangeSide(fields["side"].value), fields.get("position_side", ONE_WAY)
        self.apply(
            c.PlaceOrder(
                ME, fields["symbol"], side, OrderType.MARKET, fields["quantity"],
                reduce_only=reduce_only if leg == ONE_WAY else None, client_order_id=fields["client_id"],
                position_side=None if leg == ONE_WAY else PositionSide(leg),
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
        named: dict[str, Any] = {"order_id": int(exchange_id)} if exchange_id else {"client_order_id": client_id}
        try:
            return await self._do("order", lambda: self._report(self.engine.order(ME, symbol, **named)))
        except VenueRefused as refused:
            if refused.code == UNKNOWN_ORDER:
                return None
            raise

    async def conditional(self, client_id: str) -> AlgoReport | None:
        try:
            return await self._do("conditional", lambda: self._algo(self.engine.algo(ME, client_algo_id=client_id)))
        except VenueRefused as refused:
            if refused.code == UNKNOWN_ORDER:
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
                PositionFact(
                    symbol=p.symbol,
                    signed=p.amount,
                    position_side=p.position_side.value,
                    entry=p.entry_price,
                    mark=p.mark_price,
                )
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

    async def prepare_symbol(self, symbol: str, leverage: int) -> int:
        self.apply(c.SetLeverage(ME, symbol, leverage))
        return leverage

    async def brackets(self) -> dict[str, list[Bracket]]:
        return {
            spec.symbol: [Bracket(D(tier.cap), tier.maintenance_rate, D(tier.cum)) for tier in spec.brackets]
            for spec in default_symbols()
        }

    async def countdown(self, symbol: str, wait_ms: int) -> None:
        await self._do("countdown", lambda: self.apply(c.CountdownCancelAll(ME, symbol, wait_ms)))

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
