"""The engine's own store: every decision with its event, and what was learned."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from perpmesh.ai_engine.adapters import wire
from perpmesh.ai_engine.application.ports import ClosedTrade
from perpmesh.ai_engine.domain.decision import Decision
from perpmesh.ai_engine.domain.selector import Cell, Key, Selector
from perpmesh.platform.database import Database, upsert
from perpmesh.platform.outbox import Outbox
from perpmesh_api.ai_engine.v1 import decision_service_pb2 as pb

RETAINED_HOLDS = 20_000  # of what abstained; what was acted on is kept for good
TRIM_EVERY = 500
TABLES = sa.MetaData()

decisions = sa.Table(
    "decisions",
    TABLES,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("decision_id", sa.String, nullable=False, unique=True),
    sa.Column("symbol", sa.String, nullable=False),
    sa.Column("action", sa.String, nullable=False),
    sa.Column("executed", sa.Boolean, nullable=False),
    sa.Column("amplification", sa.Boolean, nullable=False),
    sa.Column("trade_id", sa.String, nullable=False, index=True),
    sa.Column("regime", sa.String, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Index("decisions_by_symbol", "symbol", "number"),
)
cells = sa.Table(
    "selector_cells",
    TABLES,
    sa.Column("regime", sa.String, primary_key=True),
    sa.Column("strategy", sa.String, primary_key=True),
    sa.Column("trades", sa.Integer, nullable=False),
    sa.Column("weight", sa.Float, nullable=False),
    sa.Column("total", sa.Float, nullable=False),
)
rewards = sa.Table(
    "selector_rewards",
    TABLES,
    sa.Column("trade_id", sa.String, primary_key=True),
    sa.Column("strategy", sa.String, nullable=False),
    sa.Column("regime", sa.String, nullable=False),
    sa.Column("decision_id", sa.String, nullable=False),
    sa.Column("reward", sa.Float, nullable=False),
    sa.Column("closed_at_ms", sa.BigInteger, nullable=False),
)


class SqlJournal:
    """See ports.Journal."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def record(self, decision: Decision) -> bool:
        async with self._database.transaction() as tx:
            here = sa.select(decisions.c.number).where(decisions.c.decision_id == decision.decision_id)
            if (await tx.execute(here)).first() is not None:
                return False
            inserted = await tx.execute(sa.insert(decisions).values(**_row(decision)))
            if decision.executed:
                await self._outbox.append(tx, wire.decision_made(decision))
            number = int((inserted.inserted_primary_key or (0,))[0])
            if number % TRIM_EVERY == 0:
                old = (decisions.c.number <= number - RETAINED_HOLDS) & (decisions.c.action == "HOLD")
                await tx.execute(sa.delete(decisions).where(old))
        return True

    async def newest(self, *, symbol: str = "", include_holds: bool = True, limit: int = 50) -> list[Decision]:
        query = sa.select(decisions).order_by(decisions.c.number.desc()).limit(limit)
        if symbol:
            query = query.where(decisions.c.symbol == symbol)
        if not include_holds:
            query = query.where(decisions.c.action != "HOLD")
        async with self._database.reading() as connection:
            return [_decision(row) for row in await connection.execute(query)]

    async def amplified(self, trade_id: str) -> bool:
        query = sa.select(decisions.c.number).where(
            decisions.c.trade_id == trade_id, decisions.c.amplification, decisions.c.executed
        )
        async with self._database.reading() as connection:
            return (await connection.execute(query)).first() is not None


class SqlLessons:
    """See ports.Lessons; bound to the transaction of one event."""

    def __init__(self, tx: AsyncConnection) -> None:
        self._tx = tx

    async def known(self, trade_id: str) -> bool:
        query = sa.select(rewards.c.trade_id).where(rewards.c.trade_id == trade_id)
        return (await self._tx.execute(query)).first() is not None

    async def regime_of(self, decision_id: str) -> str:
        query = sa.select(decisions.c.regime).where(decisions.c.decision_id == decision_id)
        label = (await self._tx.execute(query)).scalar() or ""
        return str(label).partition("/")[0]

    async def keep(self, trade: ClosedTrade, regime: str, changed: Sequence[tuple[Key, Cell]]) -> None:
        await self._tx.execute(
            sa.insert(rewards).values(
                trade_id=trade.trade_id, strategy=trade.strategy, regime=regime, decision_id=trade.decision_id,
                reward=trade.reward, closed_at_ms=trade.closed_at_ms,
            )
        )  # fmt: skip
        for (of_regime, strategy), cell in changed:
            await upsert(
                self._tx, cells, regime=of_regime, strategy=strategy,
                trades=cell.trades, weight=cell.weight, total=cell.total,
            )  # fmt: skip


async def recall_selector(database: Database) -> Selector:
    """Return the selector as it was when the service stopped."""
    async with database.reading() as connection:
        rows = await connection.execute(sa.select(cells))
        return Selector({(row.regime, row.strategy): Cell(row.trades, row.weight, row.total) for row in rows})


def _row(decision: Decision) -> dict[str, Any]:
    return {
        "decision_id": decision.decision_id,
        "symbol": decision.symbol,
        "action": decision.verdict.action.value,
        "executed": decision.executed,
        "amplification": decision.verdict.amplification,
        "trade_id": decision.trade_id,
        "regime": decision.regime,
        "payload": wire.decision_to(decision).SerializeToString(deterministic=True),
    }


def _decision(row: sa.Row[Any]) -> Decision:
    return wire.decision_from(pb.Decision.FromString(row.payload), trade_id=row.trade_id)
