"""The PolicyStore in the service's database: a change, its audit line and its events in one transaction."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from perpmesh.platform.database import Database, upsert
from perpmesh.platform.outbox import Outbox
from perpmesh.risk_safety.adapters import policy_wire as wire
from perpmesh.risk_safety.adapters.tables import policy_adoptions, policy_changes, policy_settings
from perpmesh.risk_safety.application.policies import OURSELVES
from perpmesh.risk_safety.domain.policy import recalled, stored
from perpmesh.risk_safety.domain.policy_catalogue import CATALOGUE
from perpmesh.risk_safety.domain.policy_records import Adoption, Change, Setting


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

    async def change_of_request(self, request_id: str) -> Change | None:
        query = sa.select(policy_changes).where(policy_changes.c.request_id == request_id)
        row = (await self._tx.execute(query)).first()
        return _change(row) if row else None

    async def record(self, change: Change) -> None:
        line: dict[str, Any] = {"key": change.key, "revision": change.revision, "actor": change.actor}
        line["at_ms"] = change.at_ms
        await upsert(self._tx, policy_settings, **line, value=stored(change.new))
        audit = {"old": stored(change.old), "new": stored(change.new), "reason": change.reason}
        await self._tx.execute(
            sa.insert(policy_changes).values(**line, **audit, request_id=change.request_id),
        )
        await self._outbox.append(self._tx, wire.policy_updated(change))
        await adopt(self._tx, self._outbox, Adoption(service=OURSELVES, revision=change.revision, at_ms=change.at_ms))


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

    async def history(self, key: str, limit: int) -> Sequence[Change]:
        query = sa.select(policy_changes).order_by(policy_changes.c.revision.desc()).limit(limit)
        if key:
            query = query.where(policy_changes.c.key == key)
        async with self._database.reading() as connection:
            return [_change(row) for row in await connection.execute(query) if row.key in CATALOGUE]

    async def adoptions(self) -> Sequence[Adoption]:
        async with self._database.reading() as connection:
            rows = await connection.execute(sa.select(policy_adoptions).order_by(policy_adoptions.c.service))
            return [Adoption(service=row.service, revision=row.revision, at_ms=row.at_ms) for row in rows]

    async def adopt(self, adoption: Adoption) -> None:
        async with self._database.transaction() as tx:
            await adopt(tx, self._outbox, adoption)


async def adopt(tx: AsyncConnection, outbox: Outbox, adoption: Adoption) -> None:
    """Write our own adoption, and the event that says so."""
    await write_adoption(tx, adoption)
    await outbox.append(tx, wire.policy_adopted(adoption))


async def write_adoption(tx: AsyncConnection, adoption: Adoption) -> None:
    """Write what a service said of itself."""
    await upsert(tx, policy_adoptions, service=adoption.service, revision=adoption.revision, at_ms=adoption.at_ms)


async def _newest(connection: AsyncConnection) -> int:
    return int((await connection.execute(sa.select(sa.func.max(policy_changes.c.revision)))).scalar() or 0)


def _setting(row: sa.Row[Any]) -> Setting:
    value = recalled(CATALOGUE[row.key], row.value)
    return Setting(key=row.key, value=value, revision=row.revision, actor=row.actor, at_ms=row.at_ms)


def _change(row: sa.Row[Any]) -> Change:
    spec = CATALOGUE[row.key]
    return Change(
        revision=row.revision, key=row.key, old=recalled(spec, row.old), new=recalled(spec, row.new), actor=row.actor,
        reason=row.reason, at_ms=row.at_ms, request_id=row.request_id,
    )  # fmt: skip
