"""What the stage has earned, and which critical alerts are open, in the service's database."""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from perpmesh.platform.database import Database, upsert
from perpmesh.risk_safety.adapters.tables import open_alerts, stage_time, stage_trades
from perpmesh.risk_safety.domain.staging import Standing


class SqlStageStore:
    """See ports.StageStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load_standing(self) -> tuple[Standing, Mapping[str, str]]:
        async with self._database.reading() as connection:
            time = (await connection.execute(sa.select(stage_time))).first()
            trades = (await connection.execute(sa.select(stage_trades))).first()
            alerts = await connection.execute(sa.select(open_alerts))
            found = {row.alert_id: row.message for row in alerts}
        epoch = max((row.epoch for row in (time, trades) if row), default=0)
        return Standing(
            epoch=epoch,
            healthy_ms=time.healthy_ms if time and time.epoch == epoch else 0,
            clean_trades=trades.clean_trades if trades and trades.epoch == epoch else 0,
        ), found

    async def save_healthy_ms(self, epoch: int, ms: int) -> None:
        async with self._database.transaction() as tx:
            await upsert(tx, stage_time, id=1, epoch=epoch, healthy_ms=ms)


async def write_clean_trades(tx: AsyncConnection, standing: Standing) -> None:
    """Write the run of clean trades."""
    await upsert(tx, stage_trades, id=1, epoch=standing.epoch, clean_trades=standing.clean_trades)


async def write_alert(tx: AsyncConnection, alert_id: str, message: str) -> None:
    """Write that an alert is open."""
    await upsert(tx, open_alerts, alert_id=alert_id, message=message)


async def drop_alert(tx: AsyncConnection, alert_id: str) -> None:
    """Write that an alert is over."""
    await tx.execute(sa.delete(open_alerts).where(open_alerts.c.alert_id == alert_id))
