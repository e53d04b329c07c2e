"""Records as lines of JSON and back, by their type hints."""

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from functools import cache
from operator import attrgetter
from types import UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from perpmesh.exchange import commands
from perpmesh.exchange_sim.application import records
from perpmesh.exchange_sim.application.records import Commanded, Record

T = TypeVar("T")
KINDS: dict[str, type] = {
    kind.__name__: kind for kind in (*get_args(commands.Command), *get_args(records.Record)) if isinstance(kind, type)
}


def encode(record: Record) -> str:
    """Write a record on one line."""
    if type(record) is Commanded:
        return f'["Commanded",{_ENCODER.encode(_row(record.command))},{record.wall_ms}]'  # nearly all of them
    return _ENCODER.encode(_row(record))


def decode(line: str) -> Record:
    """Read what `encode` wrote."""
    record: Record = _read(json.loads(line))
    return record


def write(value: Any) -> str:
    """Write the fields of one dataclass of plain values."""
    return _ENCODER.encode(_values(cast("Any", type(value)))(value))


def read(kind: type[T], text: str) -> T:
    """Read what `write` wrote of a `kind`."""
    pairs = zip(_readers(cast("Any", kind)), json.loads(text), strict=True)
    return kind(*[reader(value) for reader, value in pairs])


def _row(value: Any) -> tuple[Any, ...]:
    """Return the name and the fields of a dataclass; the encoder comes back for those that are one themselves."""
    kind: Any = type(value)
    return kind.__name__, *_values(kind)(value)


def _other(value: Any) -> Any:
    """Write what JSON has no word for. The vocabularies are str enums, which it writes by their value."""
    return str(value) if isinstance(value, Decimal) else _row(value)


_ENCODER = json.JSONEncoder(separators=(",", ":"), check_circular=False, default=_other)


@cache
def _values(kind: Any) -> Callable[[Any], tuple[Any, ...]]:
    """Return what reads the fields of a dataclass, in their order."""
    names = [field.name for field in fields(kind)]
    if len(names) > 1:
        return attrgetter(*names)  # which makes a tuple only of more than one
    return lambda value: tuple(getattr(value, name) for name in names)


def _read(row: list[Any]) -> Any:
    kind = KINDS[row[0]]
    return kind(*[reader(value) for reader, value in zip(_readers(kind), row[1:], strict=True)])


@cache
def _readers(kind: type) -> tuple[Callable[[Any], Any], ...]:
    hints = get_type_hints(kind)
    return tuple(_reader(hints[field.name]) for field in fields(kind))


def _reader(hint: Any) -> Callable[[Any], Any]:
    options = (
        [option for option in get_args(hint) if option is not type(None)] if isinstance(hint, UnionType) else [hint]
    )
    if any(is_dataclass(option) for option in options):
        return _read
    if get_origin(hint) is tuple:
        return tuple
    made = next((option for option in options if option is Decimal or issubclass(option, Enum)), None)
    return (lambda value: None if value is None else made(value)) if made else (lambda value: value)
