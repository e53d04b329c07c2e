"""An older store is brought up to date at the start, or refused with what to do; its rows stay."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from perpmesh.ai_engine.adapters import store as ai_engine
from perpmesh.execution.adapters import store as execution
from perpmesh.platform.database import PLATFORM, opened
from perpmesh.platform.schema import SchemaMismatch, together
from perpmesh.platform.settings import MeshSettings
from perpmesh.risk_safety.adapters import tables as risk_safety


def orders(*more: sa.Column[object] | sa.Index) -> sa.MetaData:
    metadata = sa.MetaData()
    sa.Table("orders", metadata, sa.Column("id", sa.String, primary_key=True), *more)
    return metadata


def note(**options: object) -> "sa.Column[object]":
    return sa.Column("note", sa.String, **options)  # type: ignore[arg-type]


@pytest.fixture
def settings(tmp_path: Path) -> MeshSettings:
    return MeshSettings(state_dir=tmp_path)


async def write_one(settings: MeshSettings, metadata: sa.MetaData) -> None:
    async with opened(settings, "execution", metadata) as database, database.transaction() as tx:
        await tx.execute(sa.insert(metadata.tables["orders"]).values(id="one"))


async def rows(settings: MeshSettings, metadata: sa.MetaData) -> list[tuple[object, ...]]:
    async with opened(settings, "execution", metadata) as database, database.reading() as connection:
        return [tuple(row) for row in await connection.execute(sa.select(metadata.tables["orders"]))]


@pytest.mark.parametrize(
    ("newer", "row"),
    [
        (orders(note(nullable=True)), ("one", None)),
        (orders(note(nullable=False, server_default="none yet")), ("one", "none yet")),
        (orders(note(nullable=True), sa.Index("orders_by_note", "note")), ("one", None)),
    ],
)
async def test_what_was_added_since_is_added_once_and_rows_stay(
    settings: MeshSettings, newer: sa.MetaData, row: tuple[object, ...]
) -> None:
    await write_one(settings, orders())
    assert await rows(settings, newer) == [row]
    assert await rows(settings, newer) == [row]


async def test_a_version_that_knows_less_goes_on_with_what_it_knows(settings: MeshSettings) -> None:
    await write_one(settings, orders(note(nullable=True)))
    assert await rows(settings, orders()) == [("one",)]


@pytest.mark.parametrize(
    ("older", "newer", "why"),
    [
        (orders(), orders(note(nullable=False)), "add_column orders.note"),
        (orders(note(nullable=False, default="x")), orders(), "remove_column orders.note"),
        (orders(note(nullable=True)), orders(note(nullable=False, default="x")), "modify_nullable orders note"),
    ],
)
async def test_what_cannot_be_added_to_is_refused_with_what_to_do(
    settings: MeshSettings, older: sa.MetaData, newer: sa.MetaData, why: str
) -> None:
    await write_one(settings, older)
    before = await rows(settings, older)
    with pytest.raises(SchemaMismatch, match=f"execution was written by another version .*{why}.*move the state"):
        await rows(settings, newer)
    assert await rows(settings, older) == before


@pytest.mark.parametrize("metadata", [ai_engine.TABLES, execution.TABLES, risk_safety.TABLES])
def test_a_store_made_today_differs_from_todays_tables_in_nothing(metadata: sa.MetaData) -> None:
    tables = together([PLATFORM, metadata])
    with sa.create_engine("sqlite://").connect() as connection:
        tables.create_all(connection)
        assert compare_metadata(MigrationContext.configure(connection), tables) == []
