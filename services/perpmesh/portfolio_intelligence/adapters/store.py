"""The service's memory in SQL: trades, income, the peak and the equity curve. Decimals are kept as text."""

from collections.abc import Sequence
from decimal import Decimal

import sqlalchemy as sa

from perpmesh.kernel.money import text
from perpmesh.platform.database import Database, upsert
from perpmesh.portfolio_intelligence.application.ports import Kept, Transaction
from perpmesh.portfolio_intelligence.config import CURVE_POINTS_KEPT
from perpmesh.portfolio_intelligence.domain.books import Income, Trade
from perpmesh.portfolio_intelligence.domain.equity import EquityPoint, Peak

TABLES = sa.MetaData()
TRIM_EVERY_MINUTES = 60

trades = sa.Table(
    "trades",
    TABLES,
    sa.Column("trade_id", sa.String, primary_key=True),
    sa.Column("symbol", sa.String, nullable=False),
    sa.Column("opened_at_ms", sa.BigInteger, nullable=False),
    sa.Column("closed_at_ms", sa.BigInteger, nullable=False),
    sa.Column("net_pnl", sa.String, nullable=False),
)
income = sa.Table(
    "income",
    TABLES,
    sa.Column("tran_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("type", sa.String, primary_key=True),
    sa.Column("symbol", sa.String, nullable=False),
    sa.Column("amount", sa.String, nullable=False),
    sa.Column("time_ms", sa.BigInteger, nullable=False),
)
equity_curve = sa.Table(
    "equity_curve",
    TABLES,
    sa.Column("minute", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("market_time_ms", sa.BigInteger, nullable=False),
    sa.Column("equity", sa.String, nullable=False),
)
peaks = sa.Table(
    "peaks",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("equity", sa.String, nullable=False),
)


class SqlStore:
    """Implements `ports.Store`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> Kept:
        newest = sa.select(equity_curve).order_by(equity_curve.c.minute.desc()).limit(1)
        async with self._database.reading() as connection:
            kept_trades = await connection.execute(sa.select(trades).order_by(trades.c.opened_at_ms))
            kept_income = await connection.execute(sa.select(income).order_by(income.c.time_ms, income.c.tran_id))
            peak = (await connection.execute(sa.select(peaks.c.equity))).scalar()
            point = (await connection.execute(newest)).first()
            return Kept(
                trades=[_trade(row) for row in kept_trades],
                income=[_income(row) for row in kept_income],
                peak=Peak(Decimal(peak)) if peak else Peak(),
                newest_point=_point(point) if point else None,
            )

    async def put_trade(self, tx: Transaction, trade: Trade) -> None:
        closed = sa.select(trades.c.trade_id).where(trades.c.trade_id == trade.trade_id, trades.c.closed_at_ms > 0)
        if (await tx.execute(closed)).first() is not None:
            return
        await upsert(
            tx, trades, trade_id=trade.trade_id, symbol=trade.symbol, opened_at_ms=trade.opened_at_ms,
            closed_at_ms=trade.closed_at_ms, net_pnl=text(trade.net_pnl),
        )  # fmt: skip

    async def add_income(self, rows: Sequence[Income]) -> Sequence[Income]:
        if not rows:
            return []
        since = min(row.time_ms for row in rows)
        known = sa.select(income.c.tran_id, income.c.type).where(income.c.time_ms >= since)
        async with self._database.reading() as connection:
            seen = {(row.tran_id, row.type) for row in await connection.execute(known)}
        fresh = list({(row.tran_id, row.type): row for row in rows if (row.tran_id, row.type) not in seen}.values())
        if fresh:
            async with self._database.transaction() as tx:
                await tx.execute(sa.insert(income), [_values(row) for row in fresh])
        return fresh

    async def mark(self, peak: Peak, point: EquityPoint | None) -> None:
        async with self._database.transaction() as tx:
            await upsert(tx, peaks, id=1, equity=text(peak.equity))
            if point is None:
                return
            await upsert(
                tx, equity_curve, minute=point.minute, market_time_ms=point.market_time_ms, equity=text(point.equity)
            )
            if point.minute % TRIM_EVERY_MINUTES == 0:
                await tx.execute(sa.delete(equity_curve).where(equity_curve.c.minute <= await _oldest_but(tx)))

    async def curve(self, from_market_time_ms: int, limit: int) -> Sequence[EquityPoint]:
        query = (
            sa.select(equity_curve)
            .where(equity_curve.c.market_time_ms >= from_market_time_ms)
            .order_by(equity_curve.c.minute.desc())
            .limit(limit)
        )
        async with self._database.reading() as connection:
            return [_point(row) for row in reversed(list(await connection.execute(query)))]


async def _oldest_but(tx: Transaction) -> int:
    """Return the newest minute that is one too many; -1 when none is."""
    query = sa.select(equity_curve.c.minute).order_by(equity_curve.c.minute.desc()).offset(CURVE_POINTS_KEPT).limit(1)
    found = (await tx.execute(query)).scalar()
    return -1 if found is None else int(found)


def _trade(row: sa.Row[tuple[object, ...]]) -> Trade:
    return Trade(
        trade_id=row.trade_id,
        symbol=row.symbol,
        opened_at_ms=row.opened_at_ms,
        closed_at_ms=row.closed_at_ms,
        net_pnl=Decimal(row.net_pnl),
    )


def _income(row: sa.Row[tuple[object, ...]]) -> Income:
    return Income(
        tran_id=row.tran_id, type=row.type, symbol=row.symbol, amount=Decimal(row.amount), time_ms=row.time_ms
    )


def _values(row: Income) -> dict[str, object]:
    return {
        "tran_id": row.tran_id,
        "type": row.type,
        "symbol": row.symbol,
        "amount": text(row.amount),
        "time_ms": row.time_ms,
    }


def _point(row: sa.Row[tuple[object, ...]]) -> EquityPoint:
    return EquityPoint(market_time_ms=row.market_time_ms, equity=Decimal(row.equity))
