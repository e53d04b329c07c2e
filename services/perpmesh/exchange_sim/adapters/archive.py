"""The archive as an SQLite file beside the log: one table a kind, each row under its own number.

It is written behind the log and told everything again after a crash, so a row may come twice: the second takes the
place of the first. What was never logged is removed on opening.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final, cast

from perpmesh.exchange.engine import Engine
from perpmesh.exchange.events import AlgoUpdated, Event, IncomeBooked, OrderUpdated
from perpmesh.exchange.views import AlgoView, IncomeView, OrderView, TradeView
from perpmesh.exchange.words import AlgoStatus, Execution
from perpmesh.exchange_sim.adapters import codec
from perpmesh.exchange_sim.adapters.archive_rows import Columns, algo_row, fill_row, income_row, order_row
from perpmesh.exchange_sim.application.history import FOREVER, R, Wanted

TABLES: Final[dict[type, str]] = {OrderView: "orders", AlgoView: "algos", TradeView: "trades", IncomeView: "income"}
SCHEMA = """
CREATE TABLE IF NOT EXISTS {table} (
    account TEXT, id INTEGER, symbol TEXT, order_id INTEGER, label TEXT, at_ms INTEGER, body TEXT,
    PRIMARY KEY (account, id, symbol, order_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS {table}_by_time ON {table} (account, at_ms);
"""
LABELLED: Final = ("orders", "algos", "income")
BY_LABEL = "CREATE INDEX IF NOT EXISTS {table}_by_label ON {table} (account, label, id)"
ROWS_WAITING = 500
FILLS = (Execution.TRADE, Execution.CALCULATED)
UNDECIDED = (AlgoStatus.NEW, AlgoStatus.TRIGGERING)


class SqliteArchive:
    """Holds few rows in memory, and the file's newest pages."""

    def __init__(self, file: Path | None) -> None:
        """Open `file`, or without one a temporary file that goes with the process."""
        self._base = sqlite3.connect(str(file) if file else "", isolation_level=None)
        self._waiting: dict[str, list[Columns]] = {table: [] for table in TABLES.values()}
        self._count = 0
        self._base.execute("PRAGMA journal_mode = WAL")
        self._base.execute("PRAGMA synchronous = NORMAL")
        for table in TABLES.values():
            self._base.executescript(SCHEMA.format(table=table))
        for table in LABELLED:
            self._base.execute(BY_LABEL.format(table=table))
        if file:
            file.chmod(0o600)

    def keep(self, facts: Iterable[Event]) -> None:
        for fact in facts:
            kind = type(fact)
            if kind is OrderUpdated:
                self._keep_order(cast("OrderUpdated", fact))
            elif kind is IncomeBooked:
                booked = cast("IncomeBooked", fact)
                self._add("income", income_row(booked.account, booked.row))
            elif kind is AlgoUpdated:
                told = cast("AlgoUpdated", fact)
                if told.algo.status not in UNDECIDED:
                    self._add("algos", algo_row(told.account, told.algo))
        if self._count >= ROWS_WAITING:
            with suppress(sqlite3.Error):  # a full disk is the log's to complain of; the rows wait
                self._write()

    def settle(self) -> None:
        self._write()
        self._base.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def select(self, kind: type[R], wanted: Wanted) -> list[R]:
        self._write()
        conditions, values = _conditions(wanted)
        order = "DESC" if wanted.newest else "ASC"
        found = self._base.execute(
            f"SELECT body FROM {TABLES[kind]} WHERE {' AND '.join(conditions)} ORDER BY id {order} LIMIT ?",  # noqa: S608
            (*values, wanted.limit),
        )
        rows = [codec.read(kind, body) for (body,) in found]
        return rows[::-1] if wanted.newest else rows

    def agree_with(self, engine: Engine) -> None:
        """Remove what the machine, as it was restored, has not seen yet; its log will tell it again."""
        counters = engine.counters()
        limits = {"orders": counters.order_id, "algos": counters.algo_id, "income": counters.tran_id}
        for table, limit in limits.items():
            self._base.execute(f"DELETE FROM {table} WHERE id >= ?", (limit,))  # noqa: S608
        for symbol, trade_id in counters.trade_ids.items():
            self._base.execute("DELETE FROM trades WHERE symbol = ? AND id > ?", (symbol, trade_id))
        for account in engine.accounts():
            for algo in engine.all_algos(account):
                if algo.status not in UNDECIDED:
                    self._add("algos", algo_row(account, algo))
            self._remove("orders", account, [order.order_id for order in engine.open_orders(account)])
            self._remove("algos", account, [algo.algo_id for algo in engine.open_algos(account)])
        self._write()

    def close(self) -> None:
        self._write()
        self._base.close()

    def _keep_order(self, fact: OrderUpdated) -> None:
        if fact.execution in FILLS:
            self._add("trades", fill_row(fact))
        if not fact.now[6].is_open:
            self._add("orders", order_row(fact))

    def _add(self, table: str, columns: Columns) -> None:
        self._waiting[table].append(columns)
        self._count += 1

    def _remove(self, table: str, account: str, numbers: list[int]) -> None:
        rows = [(account, number) for number in numbers]
        self._base.executemany(f"DELETE FROM {table} WHERE account = ? AND id = ?", rows)  # noqa: S608

    def _write(self) -> None:
        if not self._count:
            return
        self._base.execute("BEGIN")
        try:
            for table, rows in self._waiting.items():
                self._base.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?)", rows)  # noqa: S608
            self._base.execute("COMMIT")
        except sqlite3.Error:
            if self._base.in_transaction:
                self._base.execute("ROLLBACK")
            raise
        for rows in self._waiting.values():
            rows.clear()
        self._count = 0


def _conditions(wanted: Wanted) -> tuple[list[str], list[str | int]]:
    """Return what a row must satisfy. Numbers beyond any row's are brought to what SQLite can compare."""
    asked: dict[str, str | int | None] = {
        "account = ?": wanted.account,
        "id >= ?": wanted.first_id or None,
        "symbol = ?": wanted.symbol,
        "label = ?": wanted.label,
        "order_id = ?": wanted.order_id,
        "at_ms >= ?": wanted.start,
        "at_ms <= ?": wanted.end,
    }
    chosen = {condition: _bounded(value) for condition, value in asked.items() if value is not None}
    return list(chosen), list(chosen.values())


def _bounded(value: str | int) -> str | int:
    return value if isinstance(value, str) else max(-FOREVER, min(FOREVER, value))
