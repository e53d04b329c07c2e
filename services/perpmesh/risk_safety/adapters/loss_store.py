"""The figures of the loss limits in the service's database."""

from collections.abc import Callable
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from perpmesh.platform.database import Database, upsert
from perpmesh.risk_safety.adapters.tables import equity_figures, trade_figures
from perpmesh.risk_safety.domain.losses import EquityFigures, TradeFigures


class SqlLossStore:
    """See ports.LossStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> tuple[EquityFigures, TradeFigures]:
        async with self._database.reading() as connection:
            return await _equity(connection), await _trades(connection)

    async def save_equity(self, newest: Callable[[], EquityFigures]) -> None:
        async with self._database.transaction() as tx:
            await write_equity(tx, newest())


async def _equity(connection: AsyncConnection) -> EquityFigures:
    row = (await connection.execute(sa.select(equity_figures))).first()
    if row is None:
        return EquityFigures()
    return EquityFigures(
        equity=Decimal(row.equity), market_time_ms=row.market_time_ms, day_start=Decimal(row.day_start),
        week_start=Decimal(row.week_start), peak=Decimal(row.peak),
    )  # fmt: skip


async def _trades(connection: AsyncConnection) -> TradeFigures:
    row = (await connection.execute(sa.select(trade_figures))).first()
    if row is None:
        return TradeFigures()
    return TradeFigures(
        sequence=row.sequence, consecutive_losses=row.consecutive_losses, newest_pnl=Decimal(row.newest_pnl)
    )


async def write_equity(tx: AsyncConnection, figures: EquityFigures) -> None:
    await upsert(
        tx, equity_figures, id=1, equity=str(figures.equity), market_time_ms=figures.market_time_ms,
        day_start=str(figures.day_start), week_start=str(figures.week_start), peak=str(figures.peak),
    )  # fmt: skip


async def write_trades(tx: AsyncConnection, figures: TradeFigures) -> None:
    await upsert(
        tx, trade_figures, id=1, sequence=figures.sequence, consecutive_losses=figures.consecutive_losses,
        newest_pnl=str(figures.newest_pnl),
    )  # fmt: skip
