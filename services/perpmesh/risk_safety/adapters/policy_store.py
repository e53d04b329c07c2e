"""The PolicyStore in the service's database: a change, its audit line and its events in one transaction."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from perpmesh.platform.database import Database, upsert
from perpmesh.platform.outbox import Outbox
from perpmesh.risk_safety.adapters import policy_wire as wire
from perpmesh.risk_safety.adapters.tables import policy_adoptions, policy_audit, policy_settings
from perpmesh.risk_safety.application.policies import OURSELVES
from perpmesh.risk_safety.application.ports import HistoryQuery
from perpmesh.risk_safety.domain.policy import recalled, stored
from perpmesh.risk_safety.domain.policy_catalogue import CATALOGUE
from perpmesh.risk_safety.domain.policy_records import Adoption, Change, Setting

OLDER_AUDIT = "policy_changes"


class SqlPolicyTransaction:
    """See ports.PolicyTransaction."""

    def __init__(self, tx: AsyncConnection, outbox: Outbox) -> None:
        self._tx = tx
        self._outbox = outbox

    async def revision(self) -> int:
        return await _newest(self._tx)

    async def setting(self, key: str) -> Setting | None:
        row = (await self._tx.execute(sa.select(policy_settings).where(policy_settings.c.key == key))).first()
        return _setting(row) if row else None

    async def changes_of_request(self, request_id: str) -> Sequence[Change]:
        query = sa.select(policy_audit).where(policy_audit.c.request_id == request_id).order_by(policy_audit.c.key)
        return [_change(row) for row in await self._tx.execute(query)]

    async def record(self, changes: Sequence[Change]) -> None:
        for change in changes:
            await self._write(change)
        first = changes[0]
        await self._outbox.append(self._tx, wire.policy_updated(changes))
        await adopt(self._tx, self._outbox, Adoption(service=OURSELVES, revision=first.revision, at_ms=first.at_ms))

    async def _write(self, change: Change) -> None:
        line: dict[str, Any] = {"key": change.key, "revision": change.revision, "actor": change.actor}
        line["at_ms"] = change.at_ms
        await upsert(self._tx, policy_settings, **line, value=stored(change.new))
        audit = {"old": stored(change.old), "new": stored(change.new), "reason": change.reason}
        audit |= {"request_id": change.request_id, "source": change.source}
        await self._tx.execute(sa.insert(policy_audit).values(**line, **audit))


class SqlPolicyStore:
    """See ports.PolicyStore."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[SqlPolicyTransaction]:
        async with self._database.transaction() as tx:
            yield SqlPolicyTransaction(tx, self._outbox)

    async def everything(self) -> tuple[Mapping[str, Setting], int]:
        async with self._database.reading() as connection:
            rows = await connection.execute(sa.select(policy_settings))
            return {row.key: _setting(row) for row in rows if row.key in CATALOGUE}, await _newest(connection)

    async def history(self, query: HistoryQuery) -> Sequence[Change]:
        column = policy_audit.c
        wanted = sa.select(policy_audit).where(column.key.in_(CATALOGUE)).limit(query.limit)
        if query.key:
            wanted = wanted.where(column.key == query.key)
        if query.actor:
            wanted = wanted.where(column.actor == query.actor)
        if query.before:
            wanted = wanted.where(column.revision < query.before)
        async with self._database.reading() as connection:
            rows = await connection.execute(wanted.order_by(column.revision.desc(), column.key))
            return [_change(row) for row in rows]

    async def adoptions(self) -> Sequence[Adoption]:
        async with self._database.reading() as connection:
            rows = await connection.execute(sa.select(policy_adoptions).order_by(policy_adoptions.c.service))
            return [Adoption(service=row.service, revision=row.revision, at_ms=row.at_ms) for row in rows]

    async def adopt(self, adoption: Adoption) -> None:
        async with self._database.transaction() as tx:
            await adopt(tx, self._outbox, adoption)


async def upgrade(database: Database) -> None:
    """Take over the audit of a store in which one revision was one change."""
    async with database.transaction() as tx:
        if not await tx.run_sync(lambda connection: sa.inspect(connection).has_table(OLDER_AUDIT)):
            return
        columns = [column for column in policy_audit.c if column.name != "source"]
        older = sa.table(OLDER_AUDIT, *(sa.column(column.name) for column in columns))
        rows = sa.select(*older.c, sa.literal("").label("source"))
        await tx.execute(sa.insert(policy_audit).from_select([*older.c.keys(), "source"], rows))
        await tx.execute(sa.text(f"DROP TABLE {OLDER_AUDIT}"))


async def adopt(tx: AsyncConnection, outbox: Outbox, adoption: Adoption) -> None:
    """Write our own adoption, and the event that says so."""
    await write_adoption(tx, adoption)
    await outbox.append(tx, wire.policy_adopted(adoption))


async def write_adoption(tx: AsyncConnection, adoption: Adoption) -> None:
    """Write what a service said of itself."""
    await upsert(tx, policy_adoptions, service=adoption.service, revision=adoption.revision, at_ms=adoption.at_ms)


async def _newest(connection: AsyncConnection) -> int:
    return int((await connection.execute(sa.select(sa.func.max(policy_audit.c.revision)))).scalar() or 0)


def _setting(row: sa.Row[Any]) -> Setting:
    value = recalled(CATALOGUE[row.key], row.value)
    return Setting(key=row.key, value=value, revision=row.revision, actor=row.actor, at_ms=row.at_ms)


def _change(row: sa.Row[Any]) -> Change:
    spec = CATALOGUE[row.key]
    return Change(
        revision=row.revision, key=row.key, old=recalled(spec, row.old), new=recalled(spec, row.new), actor=row.actor,
        reason=row.reason, at_ms=row.at_ms, request_id=row.request_id, source=row.source,
    )  # fmt: skip
