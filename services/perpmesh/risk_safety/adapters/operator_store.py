"""Who tried what, and when an operator was last heard of, in the service's database."""

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from perpmesh.platform.database import Database, upsert
from perpmesh.risk_safety.adapters.tables import attempts, operator_heartbeat
from perpmesh.risk_safety.domain.attempts import Attempt

KEPT = 100_000  # attempts; what was done is also in the trips, the resets and the changes of policy, for ever


class SqlOperatorStore:
    """See ports.OperatorStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, attempt: Attempt, *, heartbeat_ms: int) -> None:
        async with self._database.transaction() as tx:
            added = await tx.execute(
                sa.insert(attempts).values(
                    at_ms=attempt.at_ms, action=attempt.action, actor=attempt.actor, role=attempt.role,
                    asked=json.dumps(dict(attempt.asked)), outcome=attempt.outcome, message=attempt.message,
                )
            )  # fmt: skip
            newest = added.inserted_primary_key
            await tx.execute(sa.delete(attempts).where(attempts.c.sequence <= (newest[0] if newest else 0) - KEPT))
            if heartbeat_ms:
                await upsert(tx, operator_heartbeat, id=1, at_ms=heartbeat_ms)

    async def attempts(self, action: str, limit: int) -> Sequence[Attempt]:
        query = sa.select(attempts).order_by(attempts.c.sequence.desc()).limit(limit)
        if action:
            query = query.where(attempts.c.action == action)
        async with self._database.reading() as connection:
            return [_attempt(row) for row in await connection.execute(query)]

    async def last_heartbeat_ms(self) -> int:
        async with self._database.reading() as connection:
            return int((await connection.execute(sa.select(operator_heartbeat.c.at_ms))).scalar() or 0)

    async def save_heartbeat(self, at_ms: int) -> None:
        async with self._database.transaction() as tx:
            await upsert(tx, operator_heartbeat, id=1, at_ms=at_ms)


def _attempt(row: sa.Row[Any]) -> Attempt:
    return Attempt(
        sequence=row.sequence, at_ms=row.at_ms, action=row.action, actor=row.actor, role=row.role,
        asked=json.loads(row.asked), outcome=row.outcome, message=row.message,
    )  # fmt: skip
