"""Brings an older store up to date at the start: what has been added since is added, anything else is refused.

Nothing is ever dropped or rewritten: rows of money and safety stay as they were written.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

VERSION = sa.Table("schema_version", sa.MetaData(), sa.Column("version", sa.Integer, primary_key=True))
LEFT_ALONE = ("remove_table", "remove_index")  # an older version's; they are in nobody's way


class SchemaMismatch(RuntimeError):
    """The store was written by another version of this software, and cannot be brought up to date."""


def bring_up_to_date(connection: sa.Connection, service: str, metadata: Sequence[sa.MetaData]) -> None:
    """Make what is missing of the tables of `metadata`.

    Raises:
        SchemaMismatch: more than additions would be needed; nothing has changed.
    """
    VERSION.create(connection, checkfirst=True)
    for each in metadata:
        each.create_all(connection)
    found, wanted = connection.execute(sa.select(VERSION.c.version)).scalar(), digest(metadata)
    if found == wanted:
        return
    if found is not None:
        _add(connection, service, metadata)
        connection.execute(sa.delete(VERSION))
    connection.execute(sa.insert(VERSION).values(version=wanted))


def digest(metadata: Sequence[sa.MetaData]) -> int:
    """Return a number for the form of these tables and indexes: another form, another number."""
    dialect: Any = sqlite.dialect()
    tables = [table for each in metadata for table in each.sorted_tables]
    made = [str(CreateTable(table).compile(dialect=dialect)) for table in tables]
    made += sorted(str(CreateIndex(index).compile(dialect=dialect)) for table in tables for index in table.indexes)
    return int(sha256("".join(made).encode()).hexdigest()[:7], 16)


def together(metadata: Sequence[sa.MetaData]) -> sa.MetaData:
    """Return all tables of a store as one."""
    whole = sa.MetaData()
    for table in [VERSION, *(table for each in metadata for table in each.sorted_tables)]:
        table.to_metadata(whole)
    return whole


def _add(connection: sa.Connection, service: str, metadata: Sequence[sa.MetaData]) -> None:
    # Half a second of imports that a store of this version never needs.
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415
    from alembic.migration import MigrationContext  # noqa: PLC0415
    from alembic.operations import Operations  # noqa: PLC0415

    context, wanted = MigrationContext.configure(connection), together(metadata)
    changes = [change for change in _flat(compare_metadata(context, wanted)) if change[0] not in LEFT_ALONE]
    impossible = [_told(change) for change in changes if not _is_addition(change)]
    if impossible:
        raise SchemaMismatch(
            f"the store of {service} was written by another version of perpmesh ({'; '.join(impossible)}): run that "
            "version, or move the state folder away and begin anew"
        )
    operations = Operations(context)
    for change in changes:
        if change[0] == "add_column":
            operations.add_column(change[2], change[3].copy())
        elif change[0] == "add_index":
            change[1].create(connection)


def _flat(changes: Any) -> Iterator[tuple[Any, ...]]:
    """What changes of one column comes as a list."""
    for change in changes:
        yield from change if isinstance(change, list) else (change,)


def _is_addition(change: tuple[Any, ...]) -> bool:
    """Whether rows that are there stay good: a column that may be empty, or says what it is then."""
    if change[0] in {"add_column", "remove_column"}:
        return change[3].nullable or change[3].server_default is not None
    return bool(change[0] == "add_index")


def _told(change: tuple[Any, ...]) -> str:
    if change[0] in {"add_column", "remove_column"}:
        return f"{change[0]} {change[2]}.{change[3].name}"
    return " ".join([change[0], *(str(part) for part in change[1:4] if isinstance(part, str))])
