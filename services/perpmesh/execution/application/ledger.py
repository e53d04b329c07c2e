"""The command log with what is still open of it in memory: the one way by which orders and trades change."""

from collections.abc import Sequence

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
        return self._orders.get(client_id) or await self.log.order(client_id)

    async def commit(
        self,
        *,
        orders: Sequence[Order] = (),
        trades: Sequence[Trade] = (),
        equity: str = "",
        judgements: Sequence[Judgement] = (),
    ) -> tuple[list[Order], list[Trade]]:
        """Write new states with the events they are due, then remember them. Return them with their marks set."""
        events: list[Event] = []
        written_orders, written_trades = [], []
        for order in orders:
            told, due = told_order(order)
            written_orders.append(told)
            events += due
        for trade in trades:
            marked, due = told_trade(trade, equity)
            written_trades.append(marked)
            events += due
        await self.log.commit(orders=written_orders, trades=written_trades, events=events, judgements=judgements)
        for order in written_orders:
            self._remember_order(order)
        for trade in written_trades:
            self._remember_trade(trade)
        return written_orders, written_trades

    def _remember_order(self, order: Order) -> None:
        settled = order.status.is_final and (order.executed == ZERO or order.average > ZERO)
        if settled:
            self._orders.pop(order.client_id, None)
        else:
            self._orders[order.client_id] = order

    def _remember_trade(self, trade: Trade) -> None:
        self.streaks.note(trade)
        if trade.is_open:
            self._trades[trade.symbol] = trade
        elif (known := self._trades.get(trade.symbol)) and known.trade_id == trade.trade_id:
            del self._trades[trade.symbol]
