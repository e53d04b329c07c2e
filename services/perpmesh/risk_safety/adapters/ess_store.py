"""The latch in the service's database: latch, evidence and event in one transaction."""

import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from perpmesh.platform import telemetry
from perpmesh.platform.database import Database, upsert
from perpmesh.platform.outbox import Outbox
from perpmesh.risk_safety.adapters import ess_wire as wire
from perpmesh.risk_safety.adapters.loss_store import write_equity, write_trades
from perpmesh.risk_safety.adapters.operator_store import SqlOperatorStore
from perpmesh.risk_safety.adapters.stage_store import SqlStageStore
from perpmesh.risk_safety.adapters.tables import ess_latch, ess_resets, ess_trips
from perpmesh.risk_safety.application.ports import ResetRecord
from perpmesh.risk_safety.domain.ess import EssState, Latch, Release, Stage, Trigger, Trip, TripMode, TripOrder
from perpmesh.risk_safety.domain.losses import EquityFigures, TradeFigures

log = telemetry.log(__name__)


class SqlEssStore(SqlStageStore, SqlOperatorStore):
    """See ports.EssStore."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        super().__init__(database)
        self._outbox = outbox

    async def load(self) -> Latch | None:
        async with self._database.reading() as connection:
            row = (await connection.execute(sa.select(ess_latch))).first()
            if row is None:
                return None
            query = sa.select(ess_trips).where(ess_trips.c.trip_id == row.trip_id)
            trip = (await connection.execute(query)).first()
        return _latch(row, trip)

    async def save(self, latch: Latch) -> None:
        async with self._database.transaction() as tx:
            await _write_latch(tx, latch)
        log.info("latch", state=latch.state.value, epoch=latch.epoch, paused=latch.paused, released=latch.release.by)

    async def trip(self, latch: Latch) -> None:
        trip = wire.present(latch.trip)
        async with self._database.transaction() as tx:
            await _write_latch(tx, latch)
            await _write_trip(tx, trip)
            await self._outbox.append(tx, wire.ess_tripped(trip))
        order = trip.order
        log.warning(
            "ess tripped", trigger=order.trigger.value, reason=order.reason, actor=order.actor, epoch=trip.epoch
        )

    async def reset(
        self, latch: Latch, record: ResetRecord, figures: Callable[[], tuple[EquityFigures, TradeFigures]]
    ) -> None:
        async with self._database.transaction() as tx:
            equity, trades = figures()
            await _write_latch(tx, latch)
            await write_equity(tx, equity)
            await write_trades(tx, trades)
            await tx.execute(
                sa.insert(ess_resets).values(
                    epoch=record.epoch, stage=record.stage.value, operator=record.operator, approver=record.approver,
                    reason=record.reason, at_ms=record.at_ms,
                )
            )  # fmt: skip
            await self._outbox.append(tx, wire.ess_reset(record))
        log.warning("ess reset", stage=record.stage.value, operator=record.operator, approver=record.approver)


async def _write_latch(tx: AsyncConnection, latch: Latch) -> None:
    release = latch.release
    left = {
        "by": release.by, "canceled_orders": release.canceled_orders, "open_positions": release.open_positions,
        "protected_positions": release.protected_positions,
    }  # fmt: skip
    await upsert(
        tx, ess_latch, id=1, state=latch.state.value, epoch=latch.epoch, stage=latch.stage.value, paused=latch.paused,
        trip_id=latch.trip.trip_id if latch.trip else "", trip_count=latch.trip_count, release=json.dumps(left),
    )  # fmt: skip


async def _write_trip(tx: AsyncConnection, trip: Trip) -> None:
    order = trip.order
    await upsert(
        tx, ess_trips, trip_id=trip.trip_id, epoch=trip.epoch, at_ms=trip.at_ms, market_time_ms=order.market_time_ms,
        trigger=order.trigger.value, reason=order.reason, actor=order.actor, mode=order.mode.value,
        evidence=json.dumps(dict(order.evidence)), request_id=order.request_id,
    )  # fmt: skip


def _latch(row: sa.Row[Any], trip: sa.Row[Any] | None) -> Latch:
    left = json.loads(row.release)
    release = Release(
        by=left["by"], canceled_orders=tuple(left["canceled_orders"]), open_positions=tuple(left["open_positions"]),
        protected_positions=tuple(left["protected_positions"]),
    )  # fmt: skip
    return Latch(
        state=EssState(row.state), epoch=row.epoch, stage=Stage(row.stage), paused=row.paused,
        trip=_trip(trip) if trip else None, trip_count=row.trip_count, release=release,
    )  # fmt: skip


def _trip(row: sa.Row[Any]) -> Trip:
    order = TripOrder(
        trigger=Trigger(row.trigger), reason=row.reason, actor=row.actor, mode=TripMode(row.mode),
        market_time_ms=row.market_time_ms, evidence=json.loads(row.evidence), request_id=row.request_id,
    )  # fmt: skip
    return Trip(trip_id=row.trip_id, order=order, at_ms=row.at_ms, epoch=row.epoch)
