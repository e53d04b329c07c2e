"""Remembers what was told to the mesh, in the transaction that tells it."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from perpmesh.features import Liquidity, Regime, Trend, Volatility
from perpmesh.market_data.adapters import wire
from perpmesh.market_data.domain.candle import Candle
from perpmesh.market_data.domain.conditions import Conditions
from perpmesh.platform.database import Database, upsert
from perpmesh.platform.outbox import Outbox

TABLES = sa.MetaData()

last_closed = sa.Table(
    "last_closed",
    TABLES,
    sa.Column("symbol", sa.String, primary_key=True),
    sa.Column("interval", sa.String, primary_key=True),
    sa.Column("open_time_ms", sa.BigInteger, nullable=False),
)
regimes_table = sa.Table(
    "regimes",
    TABLES,
    sa.Column("symbol", sa.String, primary_key=True),
    sa.Column("trend", sa.String, nullable=False),
    sa.Column("volatility", sa.String, nullable=False),
    sa.Column("liquidity", sa.String, nullable=False),
)


class SqlJournal:
    """The marks of what was published, and the outbox that publishes."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def marks(self) -> dict[tuple[str, str], int]:
        async with self._database.reading() as connection:
            rows = await connection.execute(sa.select(last_closed))
            return {(row.symbol, row.interval): row.open_time_ms for row in rows}

    async def regimes(self) -> dict[str, Regime]:
        async with self._database.reading() as connection:
            rows = await connection.execute(sa.select(regimes_table))
            return {
                row.symbol: Regime(Trend(row.trend), Volatility(row.volatility), Liquidity(row.liquidity))
                for row in rows
            }

    async def record(self, candles: Sequence[Candle], changed: Conditions | None = None) -> None:
        async with self._database.transaction() as tx:
            for each in candles:
                await self._outbox.append(tx, wire.candle_closed(each))
            await _set_marks(tx, candles)
            if changed is not None:
                await self._outbox.append(tx, wire.conditions_updated(changed))
                await _set_regime(tx, changed)

    async def set_marks(self, candles: Sequence[Candle]) -> None:
        async with self._database.transaction() as tx:
            await _set_marks(tx, candles)


async def _set_marks(tx: AsyncConnection, candles: Sequence[Candle]) -> None:
    newest: dict[tuple[str, str], int] = {}
    for each in candles:
        key = (each.symbol, each.interval)
        newest[key] = max(newest.get(key, 0), each.open_time_ms)
    for (symbol, interval), opening in newest.items():
        await upsert(tx, last_closed, symbol=symbol, interval=interval, open_time_ms=opening)


async def _set_regime(tx: AsyncConnection, now: Conditions) -> None:
    await upsert(
        tx,
        regimes_table,
        symbol=now.symbol,
        trend=now.regime.trend.value,
        volatility=now.regime.volatility.value,
        liquidity=now.regime.liquidity.value,
    )
