"""The command log in the service's own store: orders, trades and decisions, written together with their events."""

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from typing import Any, TypeVar, get_type_hints

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from perpmesh.execution.adapters import frozen_json, wire
from perpmesh.execution.application.ports import DecisionWork
from perpmesh.execution.domain.dry_run import Judgement
from perpmesh.execution.domain.events import Event
from perpmesh.execution.domain.order import Order
from perpmesh.execution.domain.trade import Trade
from perpmesh.execution.domain.words import OrderStatus, TradeStatus
from perpmesh.kernel.money import ZERO
from perpmesh.kernel.time import Clock
from perpmesh.platform.broadcast import Broadcast
from perpmesh.platform.database import Database, upsert
from perpmesh.platform.outbox import Outbox

T = TypeVar("T")
TABLES = sa.MetaData()
PAGE = 100


def _column(name: str, kind: type, *, key: str) -> sa.Column[Any]:
    """A Decimal and an enum are text; everything is there always."""
    column_type: Any = {int: sa.BigInteger, bool: sa.Boolean}.get(kind, sa.String)
    return sa.Column(name, column_type, primary_key=name == key, nullable=False, index=name in ("trade_id", "status"))


def _table(name: str, kind: type, *, key: str) -> sa.Table:
    hints = get_type_hints(kind)
    columns = [_column(field.name, hints[field.name], key=key) for field in dataclasses.fields(kind)]
    return sa.Table(name, TABLES, sa.Column("number", sa.BigInteger, nullable=False, index=True), *columns)


orders = _table("orders", Order, key="client_id")
trades = _table("trades", Trade, key="trade_id")
decisions = sa.Table(
    "decisions",
    TABLES,
    sa.Column("pending", sa.Boolean, nullable=False, index=True),
    *(
        _column(field.name, get_type_hints(DecisionWork)[field.name], key="decision_id")
        for field in dataclasses.fields(DecisionWork)
    ),
)


judged = sa.Table(
    "judgements",
    TABLES,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("judgement", sa.String, nullable=False),  # JSON
)
KEPT_JUDGEMENTS = 5_000
KEPT_JUDGEMENTS_SLACK = 100


def _judgement(written: str) -> Judgement | None:
    try:
        return frozen_json.load(Judgement, written)
    except frozen_json.Unreadable:
        return None


def _row(item: Any) -> dict[str, Any]:
    return {field.name: _plain(getattr(item, field.name)) for field in dataclasses.fields(item)}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.value if isinstance(value, Enum) else value


def _item(kind: type[T], row: Any) -> T:
    hints = get_type_hints(kind)
    return kind(**{name: _rich(hints[name], getattr(row, name)) for name in hints})


def _rich(kind: Any, value: Any) -> Any:
    return kind(value) if kind is Decimal or issubclass(kind, Enum) else value


OPEN_TRADES = [status.value for status in TradeStatus if not status.is_over]
DONE_ORDERS = [status.value for status in OrderStatus if status.is_final and status is not OrderStatus.LOST]
OPEN_ORDERS = [status.value for status in OrderStatus if not status.is_final]


def _is_priced() -> sa.ColumnElement[bool]:
    return sa.or_(sa.cast(orders.c.executed, sa.Float) == 0, sa.cast(orders.c.average, sa.Float) != 0)


class SqlLog:
    """Log, in SQLite or PostgreSQL. Also hands each change to whoever watches."""

    def __init__(self, database: Database, outbox: Outbox, clock: Clock) -> None:
        self._database = database
        self._outbox = outbox
        self._clock = clock
        self._newest: dict[str, int] = {}
        self.order_changes: Broadcast[Order] = Broadcast()
        self.trade_changes: Broadcast[Trade] = Broadcast()

    async def commit(
        self,
        *,
        orders: Sequence[Order] = (),
        trades: Sequence[Trade] = (),
        events: Sequence[Event] = (),
        judgements: Sequence[Judgement] = (),
    ) -> None:
        async with self._database.transaction() as tx:
            for order in orders:
                await self._write(tx, _ORDERS, order)
            for trade in trades:
                await self._write(tx, _TRADES, trade)
            for judgement in judgements:
                await self._judged(tx, judgement)
            for event in events:
                await self._outbox.append(tx, wire.event(event), traceparent=wire.traceparent_of(event))
        for order in orders:
            self.order_changes.send(order)
        for trade in trades:
            self.trade_changes.send(trade)

    async def _write(self, tx: AsyncConnection, table: sa.Table, item: Order | Trade) -> None:
        """Replace the row, or add one at the end: `number` keeps the order in which things were first written."""
        if table.name not in self._newest:
            self._newest[table.name] = (await tx.execute(sa.select(sa.func.max(table.c.number)))).scalar() or 0
        self._newest[table.name] += 1
        row = _row(item)
        insert: Any = (postgresql if tx.dialect.name == "postgresql" else sqlite).insert(table)
        statement = insert.values(number=self._newest[table.name], **row)
        keys = [column.name for column in table.primary_key]
        await tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=row))

    async def _judged(self, tx: AsyncConnection, judgement: Judgement) -> None:
        """Keep what the gate looked at, and forget the oldest now and then."""
        inserted = await tx.execute(sa.insert(judged).values(judgement=frozen_json.dump(judgement)))
        (number,) = inserted.inserted_primary_key or (0,)
        if number % KEPT_JUDGEMENTS_SLACK == 0:
            await tx.execute(sa.delete(judged).where(judged.c.number <= number - KEPT_JUDGEMENTS))

    async def judgements(self, *, before: int, limit: int) -> Sequence[tuple[int, Judgement | None]]:
        query = sa.select(judged).order_by(judged.c.number.desc()).limit(limit)
        query = query.where(judged.c.number < before) if before else query
        async with self._database.reading() as connection:
            return [(row.number, _judgement(row.judgement)) for row in await connection.execute(query)]

    async def order(self, client_id: str) -> Order | None:
        found = await self._read(Order, sa.select(orders).where(orders.c.client_id == client_id))
        return found[0] if found else None

    async def orders_of(self, trade_id: str) -> Sequence[Order]:
        query = sa.select(orders).where(orders.c.trade_id == trade_id).order_by(orders.c.number)
        return await self._read(Order, query)

    async def unsettled_orders(self) -> Sequence[Order]:
        """Return orders whose end or price is not known."""
        unpriced = sa.and_(orders.c.executed != "0", orders.c.average == "0")
        query = sa.select(orders).where(sa.or_(orders.c.status.in_(OPEN_ORDERS), unpriced))
        return [
            order
            for order in await self._read(Order, query.order_by(orders.c.number))
            if not order.status.is_final or (order.executed > ZERO and order.average == ZERO)
        ]

    async def list_orders(self, *, symbol: str, open_only: bool, limit: int) -> Sequence[Order]:
        query = sa.select(orders).order_by(orders.c.number.desc()).limit(limit)
        query = query.where(orders.c.symbol == symbol) if symbol else query
        return await self._read(Order, query.where(orders.c.status.in_(OPEN_ORDERS)) if open_only else query)

    async def trade(self, trade_id: str) -> Trade | None:
        found = await self._read(Trade, sa.select(trades).where(trades.c.trade_id == trade_id))
        return found[0] if found else None

    async def open_trades(self) -> Sequence[Trade]:
        query = sa.select(trades).where(trades.c.status.in_(OPEN_TRADES)).order_by(trades.c.number)
        return await self._read(Trade, query)

    async def closed_trades(self, limit: int) -> Sequence[Trade]:
        over = sa.select(trades).where(trades.c.status == TradeStatus.CLOSED.value)
        return await self._read(Trade, over.order_by(trades.c.number.desc()).limit(limit))

    async def list_trades(self, *, symbol: str, open_only: bool, limit: int) -> Sequence[Trade]:
        query = sa.select(trades).order_by(trades.c.number.desc()).limit(limit)
        query = query.where(trades.c.symbol == symbol) if symbol else query
        return await self._read(Trade, query.where(trades.c.status.in_(OPEN_TRADES)) if open_only else query)

    async def pending_decisions(self) -> Sequence[DecisionWork]:
        """Return the next page of decisions that nobody has acted on, those first that expire first."""
        query = sa.select(decisions).where(decisions.c.pending).order_by(decisions.c.expires_at_ms).limit(PAGE)
        return await self._read(DecisionWork, query)

    async def finish_decision(self, decision_id: str) -> None:
        async with self._database.transaction() as tx:
            await tx.execute(sa.update(decisions).where(decisions.c.decision_id == decision_id).values(pending=False))

    async def trim(self, before_ms: int, limit: int) -> int:
        old_orders = sa.select(orders.c.client_id).where(
            orders.c.updated_ms < before_ms, orders.c.status.in_(DONE_ORDERS), _is_priced(),
            orders.c.trade_id.not_in(sa.select(trades.c.trade_id).where(trades.c.status.in_(OPEN_TRADES))),
        )  # fmt: skip
        old_trades = sa.select(trades.c.trade_id).where(
            trades.c.updated_ms < before_ms, trades.c.status.not_in(OPEN_TRADES),
            trades.c.trade_id.not_in(sa.select(orders.c.trade_id)),
        )  # fmt: skip
        old_decisions = sa.select(decisions.c.decision_id).where(
            sa.not_(decisions.c.pending), decisions.c.expires_at_ms < before_ms
        )
        gone = 0
        async with self._database.transaction() as tx:
            for key, old in (
                (orders.c.client_id, old_orders), (trades.c.trade_id, old_trades),
                (decisions.c.decision_id, old_decisions),
            ):  # fmt: skip
                page = old.limit(limit).subquery()
                gone += (await tx.execute(sa.delete(key.table).where(key.in_(sa.select(page))))).rowcount
        return gone

    async def _read(self, kind: type[T], query: Any) -> list[T]:
        async with self._database.reading() as connection:
            return [_item(kind, row) for row in await connection.execute(query)]


_ORDERS, _TRADES = orders, trades  # where an argument has the table's name


async def add_decision(tx: AsyncConnection, work: DecisionWork) -> None:
    """Write a decision as work to be done, in the transaction that marks its event as handled."""
    await upsert(tx, decisions, pending=True, **_row(work))
