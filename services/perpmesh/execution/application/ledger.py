"""The command log with what is still open of it in memory: the one way by which orders and trades change."""

import asyncio
from collections.abc import Mapping, Sequence

from perpmesh.execution.application.ports import Log
from perpmesh.execution.domain.dry_run import Judgement
from perpmesh.execution.domain.events import Event, told_order, told_trade
from perpmesh.execution.domain.order import Order
from perpmesh.execution.domain.streaks import Streaks
from perpmesh.execution.domain.trade import Trade
from perpmesh.kernel.money import ZERO

REMEMBERED_TRADES = 1_000  # for streaks of losses


class Ledger:
    """Open trades by symbol, orders whose end is not known by client id; everything else is in the log."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self._trades: dict[str, Trade] = {}
        self._orders: dict[str, Order] = {}
        self.streaks = Streaks()
        self._turn = asyncio.Lock()
        self._owed_orders: dict[str, Order] = {}  # true, and not written yet
        self._owed_trades: dict[str, tuple[Trade, str]] = {}

    async def load(self) -> None:
        """Remember what was open when the process last stopped, and how the newest trades went."""
        self.streaks = Streaks(await self.log.closed_trades(REMEMBERED_TRADES))
        self._trades = {trade.symbol: trade for trade in await self.log.open_trades()}
        self._orders = {order.client_id: order for order in await self.log.unsettled_orders()}

    def trade(self, symbol: str) -> Trade | None:
        return self._trades.get(symbol)

    def trades(self) -> list[Trade]:
        return list(self._trades.values())

    def unsettled(self, symbol: str) -> list[Order]:
        return [order for order in self._orders.values() if order.symbol == symbol]

    def unsettled_anywhere(self) -> list[Order]:
        return list(self._orders.values())

    def symbols(self) -> set[str]:
        return {*self._trades, *(order.symbol for order in self._orders.values())}

    async def order(self, client_id: str) -> Order | None:
        known = self._orders.get(client_id) or self._owed_orders.get(client_id)
        return known or await self.log.order(client_id)

    async def orders_of(self, trade_id: str) -> list[Order]:
        """Return every order of a trade, in the order in which they were made."""
        written = {order.client_id: order for order in await self.log.orders_of(trade_id)}
        owed = {key: order for key, order in self._owed_orders.items() if order.trade_id == trade_id}
        return list({**written, **owed}.values())

    async def any_trade(self, trade_id: str) -> Trade | None:
        """Return a trade, open or over."""
        owed = self._owed_trades.get(trade_id)
        return owed[0] if owed else await self.log.trade(trade_id)

    async def commit(
        self,
        *,
        orders: Sequence[Order] = (),
        trades: Sequence[Trade] = (),
        equity: str = "",
        judgements: Sequence[Judgement] = (),
    ) -> None:
        """Write new states with the events they are due, then remember them; with them, what `keep` could not write."""
        async with self._turn:  # what is owed goes out once, and so do its events
            due_orders = {**self._owed_orders, **{order.client_id: order for order in orders}}
            due_trades = {**self._owed_trades, **{trade.trade_id: (trade, equity) for trade in trades}}
            events: list[Event] = []
            written_orders, written_trades = [], []
            for order in due_orders.values():
                told, due = told_order(order)
                written_orders.append(told)
                events += due
            for trade, worth in due_trades.values():
                marked, due = told_trade(trade, worth)
                written_trades.append(marked)
                events += due
            await self.log.commit(orders=written_orders, trades=written_trades, events=events, judgements=judgements)
            self._forget_owed(due_orders, due_trades)
            for order in written_orders:
                self._remember_order(order)
            for trade in written_trades:
                self.streaks.note(trade)
                self._remember_trade(trade)

    async def keep(
        self, *, orders: Sequence[Order] = (), trades: Sequence[Trade] = (), equity: str = ""
    ) -> Exception | None:
        """Write what the exchange has made true already; return why the store did not take it.

        It is true all the same: it is remembered, and written with whatever is written next. A store that fails must
        keep no stop and no exit from going out, and no position from being looked after.
        """
        try:
            await self.commit(orders=orders, trades=trades, equity=equity)
        except Exception as error:  # noqa: BLE001 - exits never fail: what is owed keeps entries from going out
            for order in orders:
                self._owed_orders[order.client_id] = order
                self._remember_order(order)
            for trade in trades:
                self._owed_trades[trade.trade_id] = trade, equity
                self._remember_trade(trade)
            return error
        return None

    @property
    def owes(self) -> bool:
        """Whether the store lacks something that is true."""
        return bool(self._owed_orders or self._owed_trades)

    def _forget_owed(self, orders: Mapping[str, Order], trades: Mapping[str, tuple[Trade, str]]) -> None:
        """Only what has just been written: something newer may have become true meanwhile."""
        self._owed_orders = {k: o for k, o in self._owed_orders.items() if o is not orders.get(k)}
        self._owed_trades = {k: t for k, t in self._owed_trades.items() if t is not trades.get(k)}

    def _remember_order(self, order: Order) -> None:
        settled = order.status.is_final and (order.executed == ZERO or order.average > ZERO)
        if settled:
            self._orders.pop(order.client_id, None)
        else:
            self._orders[order.client_id] = order

    def _remember_trade(self, trade: Trade) -> None:
        if trade.is_open:
            self._trades[trade.symbol] = trade
        elif (known := self._trades.get(trade.symbol)) and known.trade_id == trade.trade_id:
            del self._trades[trade.symbol]
