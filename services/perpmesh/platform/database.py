"""A service's own store: SQLAlchemy Core over SQLite (embedded) or PostgreSQL, one writer at a time.

Every write goes through `transaction()`, which commits state, events and marks together or not at all.
On SQLite a commit is durable when it returns (WAL, synchronous=FULL).
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from perpmesh.platform.schema import bring_up_to_date
from perpmesh.platform.settings import MeshSettings

PLATFORM = sa.MetaData()

events_out = sa.Table(
    "events_out",
    PLATFORM,
    sa.Column("stream", sa.String, primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True),
    sa.Column("event_id", sa.String, nullable=False),
    sa.Column("type", sa.String, nullable=False),
    sa.Column("key", sa.String, nullable=False),
    sa.Column("time_ms", sa.BigInteger, nullable=False),
    sa.Column("traceparent", sa.String, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
)
streams_out = sa.Table(
    "streams_out",
    PLATFORM,
    sa.Column("stream", sa.String, primary_key=True),
    sa.Column("newest_sequence", sa.BigInteger, nullable=False),
    sa.Column("published_sequence", sa.BigInteger, nullable=False),
    sa.Column("incarnation", sa.String, nullable=False),
)
streams_in = sa.Table(
    "streams_in",
    PLATFORM,
    sa.Column("stream", sa.String, primary_key=True),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("incarnation", sa.String, nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
)
requests = sa.Table(
    "requests",
    PLATFORM,
    sa.Column("method", sa.String, primary_key=True),
    sa.Column("request_id", sa.String, primary_key=True),
    sa.Column("fingerprint", sa.String, nullable=False),
    sa.Column("response", sa.LargeBinary, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
)
policy_copy = sa.Table(
    "policy_copy",
    PLATFORM,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("policies", sa.LargeBinary, nullable=False),
)


class Database:
    """A service's store. Reads may run beside each other; writes wait their turn."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._turn = asyncio.Lock()
        self._after_commit: list[Callable[[], None]] = []

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call `callback` after every commit."""
        self._after_commit.append(callback)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Write: commit when the block ends well, roll back when it raises. Not reentrant."""
        async with self._turn, self.engine.begin() as connection:
            yield connection
        for callback in self._after_commit:
            callback()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Read what is committed."""
        async with self.engine.connect() as connection:
            yield connection


@asynccontextmanager
async def opened(settings: MeshSettings, service: str, metadata: sa.MetaData) -> AsyncIterator[Database]:
    """Open the store of `service`, with the tables of `metadata` and the platform's own, made when missing, and
    brought up to date when an older version made them.

    Raises:
        SchemaMismatch: another version wrote the store in a form that cannot be added to.
    """
    url = settings.service_database_url(service)
    engine = _sqlite_engine(url) if url.startswith("sqlite") else _postgres_engine(url, service)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(bring_up_to_date, service, (PLATFORM, metadata))
        yield Database(engine)
    finally:
        await engine.dispose()


def _sqlite_engine(url: str) -> AsyncEngine:
    Path(url.removeprefix("sqlite+aiosqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(url)

    @event.listens_for(engine.sync_engine, "connect")
    def _pragmas(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def _postgres_engine(url: str, service: str) -> AsyncEngine:
    engine = create_async_engine(url, connect_args={"server_settings": {"search_path": service}})

    @event.listens_for(engine.sync_engine, "connect")
    def _schema(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(f'CREATE SCHEMA IF NOT EXISTS "{service}"')
        cursor.close()

    return engine


async def upsert(tx: AsyncConnection, table: sa.Table, **values: Any) -> None:
    """Insert a row, or replace the non-key columns of the row with the same primary key."""
    insert: Any = (postgresql if tx.dialect.name == "postgresql" else sqlite).insert(table)
    keys = [column.name for column in table.primary_key]
    others = {name: value for name, value in values.items() if name not in keys}
    statement = insert.values(**values)
    statement = (
        statement.on_conflict_do_update(index_elements=keys, set_=others)
        if others
        else statement.on_conflict_do_nothing(index_elements=keys)
    )
    await tx.execute(statement)
