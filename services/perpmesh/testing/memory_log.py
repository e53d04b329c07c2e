"""Execution's command log in memory, for simulations and tests: what is in it survives a restart, as on disk."""

import asyncio
from collections.abc import Sequence

from perpmesh.execution.application.ports import DecisionWork
from perpmesh.execution.domain.dry_run import Judgement
from perpmesh.execution.domain.events import Event
from perpmesh.execution.domain.order import Order
from perpmesh.execution.domain.trade import Trade
from perpmesh.execution.domain.words import OrderStatus, TradeStatus


class MemoryLog:
    """See execution's ports.Log. Set `full` to make every write fail, as a full disk does."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.trades: dict[str, Trade] = {}
        self.events: list[Event] = []
        self.decisions: dict[str, DecisionWork] = {}
        self.judged: list[Judgement] = []
        self.full = False

    async def commit(
        self,
        *,
        orders: Sequence[Order] = (),
        trades: Sequence[Trade] = (),
        events: Sequence[Event] = (),
        judgements: Sequence[Judgement] = (),
    ) -> None:
        await asyncio.sleep(0)
        if self.full:
            raise OSError("no space left on device")
        self.orders.update({order.client_id: order for order in orders})
        self.trades.update({trade.trade_id: trade for trade in trades})
        self.events += events
        self.judged += judgements

    async def judgements(self, *, before: int, limit: int) -> Sequence[tuple[int, Judgement | None]]:
        numbered = list(enumerate(self.judged, 1))
        return numbered[: before - 1 if before else None][::-1][:limit]

    async def order(self, client_id: str) -> Order | None:
        return self.orders.get(client_id)

    async def orders_of(self, trade_id: str) -> Sequence[Order]:
        return [order for order in self.orders.values() if order.trade_id == trade_id]

    async def unsettled_orders(self) -> Sequence[Order]:
        return [o for o in self.orders.values() if not o.status.is_final or (o.executed and not o.average)]

    async def trade(self, trade_id: str) -> Trade | None:
        return self.trades.get(trade_id)

    async def open_trades(self) -> Sequence[Trade]:
        return [trade for trade in self.trades.values() if trade.is_open]

    async def closed_trades(self, limit: int) -> Sequence[Trade]:
        over = [trade for trade in self.trades.values() if trade.status is TradeStatus.CLOSED]
        return list(reversed(over))[:limit]

    async def trim(self, before_ms: int, limit: int) -> int:
        held = {trade.trade_id for trade in self.trades.values() if trade.is_open}
        gone = [name for name, order in self.orders.items() if _is_old(order, before_ms) and order.trade_id not in held]
        for name in gone[:limit]:
            del self.orders[name]
        kept = {order.trade_id for order in self.orders.values()}
        over = [
            name for name, trade in self.trades.items()
            if trade.status.is_over and trade.updated_ms < before_ms and name not in kept
        ]  # fmt: skip
        for name in over[:limit]:
            del self.trades[name]
        return len(gone[:limit]) + len(over[:limit])

    async def pending_decisions(self) -> Sequence[DecisionWork]:
        return sorted(self.decisions.values(), key=lambda work: work.expires_at_ms)

    async def finish_decision(self, decision_id: str) -> None:
        self.decisions.pop(decision_id, None)


def _is_old(order: Order, before_ms: int) -> bool:
    ended = order.status.is_final and order.status is not OrderStatus.LOST
    return ended and order.updated_ms < before_ms and not (order.executed and not order.average)
