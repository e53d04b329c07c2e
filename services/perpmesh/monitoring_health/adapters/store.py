"""The service's memory in SQL: alerts with their history, and the newest events."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from perpmesh.monitoring_health.adapters import wire
from perpmesh.monitoring_health.application.ports import Transaction
from perpmesh.monitoring_health.domain.alerts import Alert, Severity
from perpmesh.monitoring_health.domain.streams import EVENTS_KEPT, PassedEvent
from perpmesh.platform.database import Database, streams_in, upsert
from perpmesh.platform.outbox import Outbox

TABLES = sa.MetaData()
TRIM_EVERY = 50
RESOLVED_KEPT = 1_000

alerts = sa.Table(
    "alerts",
    TABLES,
    sa.Column("alert_id", sa.String, primary_key=True),
    sa.Column("raised_at_ms", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("resolved_at_ms", sa.BigInteger, nullable=False),
    sa.Column("rule", sa.String, nullable=False),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("severity", sa.String, nullable=False),
    sa.Column("message", sa.String, nullable=False),
)
recent_events = sa.Table(
    "recent_events",
    TABLES,
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("event_id", sa.String, nullable=False),
    sa.Column("type", sa.String, nullable=False),
    sa.Column("stream", sa.String, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("key", sa.String, nullable=False),
    sa.Column("time_ms", sa.BigInteger, nullable=False),
    sa.Column("arrived_at_ms", sa.BigInteger, nullable=False),
    sa.Column("trace_id", sa.String, nullable=False),
    sa.Column("json", sa.String, nullable=False),
)
NEWEST_FIRST = (alerts.c.raised_at_ms.desc(), alerts.c.alert_id)


class SqlStore:
    """Implements `ports.Store`."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def sequences(self) -> Mapping[str, int]:
        async with self._database.reading() as connection:
            rows = await connection.execute(sa.select(streams_in.c.stream, streams_in.c.sequence))
            return {row.stream: row.sequence for row in rows}

    async def recent_events(self) -> Sequence[PassedEvent]:
        newest = sa.select(recent_events).order_by(recent_events.c.position.desc()).limit(EVENTS_KEPT)
        async with self._database.reading() as connection:
            return [_event(row) for row in reversed(list(await connection.execute(newest)))]

    async def put_event(self, tx: Transaction, event: PassedEvent) -> None:
        row = {name: getattr(event, name) for name in recent_events.c.keys() if name != "position"}  # noqa: SIM118 - not a dict
        result = await tx.execute(sa.insert(recent_events).values(row))
        position = int(result.inserted_primary_key[0])
        if position % TRIM_EVERY == 0:
            await tx.execute(sa.delete(recent_events).where(recent_events.c.position <= position - EVENTS_KEPT))

    async def firing(self) -> Sequence[Alert]:
        return await self.alerts(include_resolved=False, limit=RESOLVED_KEPT)

    async def alerts(self, *, include_resolved: bool, limit: int) -> Sequence[Alert]:
        query = sa.select(alerts).order_by(*NEWEST_FIRST).limit(limit)
        if not include_resolved:
            query = query.where(alerts.c.resolved_at_ms == 0)
        async with self._database.reading() as connection:
            return [_alert(row) for row in await connection.execute(query)]

    async def make_known(self, changed: Sequence[Alert]) -> None:
        async with self._database.transaction() as tx:
            for alert in changed:
                await upsert(
                    tx, alerts, alert_id=alert.alert_id, raised_at_ms=alert.raised_at_ms,
                    resolved_at_ms=alert.resolved_at_ms, rule=alert.rule, subject=alert.subject,
                    severity=alert.severity.value, message=alert.message,
                )  # fmt: skip
                await self._outbox.append(tx, wire.alert_event(alert))
            await _trim(tx)


async def _trim(tx: Transaction) -> None:
    resolved = alerts.c.resolved_at_ms > 0
    oldest_kept = (
        sa.select(alerts.c.raised_at_ms)
        .where(resolved)
        .order_by(alerts.c.raised_at_ms.desc())
        .offset(RESOLVED_KEPT)
        .limit(1)
    )
    found = (await tx.execute(oldest_kept)).scalar()
    if found is not None:
        await tx.execute(sa.delete(alerts).where(resolved, alerts.c.raised_at_ms <= found))


def _alert(row: sa.Row[Any]) -> Alert:
    return Alert(
        rule=row.rule,
        subject=row.subject,
        severity=Severity(row.severity),
        message=row.message,
        raised_at_ms=row.raised_at_ms,
        resolved_at_ms=row.resolved_at_ms,
    )


def _event(row: sa.Row[Any]) -> PassedEvent:
    return PassedEvent(
        event_id=row.event_id,
        type=row.type,
        stream=row.stream,
        sequence=row.sequence,
        key=row.key,
        time_ms=row.time_ms,
        arrived_at_ms=row.arrived_at_ms,
        trace_id=row.trace_id,
        json=row.json,
    )
