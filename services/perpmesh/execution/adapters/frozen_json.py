"""Frozen dataclasses as JSON and back, by their type hints: what the gate looked at is kept whole."""

import dataclasses
import json
import types
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class Unreadable(ValueError):
    """The text was written from another shape than the one it is to be read into."""


def dump(item: Any) -> str:
    """Write a dataclass of dataclasses, Decimals, enums, sequences, sets and mappings by text."""
    return json.dumps(_plain(item), separators=(",", ":"))


def load(kind: type[T], written: str) -> T:
    """Read what `dump` wrote; raise Unreadable when a field is missing or does not fit."""
    try:
        found: T = _rich(kind, json.loads(written))
    except (KeyError, TypeError, ValueError, InvalidOperation, AttributeError) as error:
        raise Unreadable(f"{kind.__name__}: {error!r}") from error
    return found


def _plain(value: Any) -> Any:
    kind: Any = type(value)
    return _writer(kind)(value)


@cache
def _writer(kind: Any) -> Callable[[Any], Any]:
    """Return what writes values of exactly this type; looked up once, for this is done at every entry."""
    if kind in (type(None), bool, int, str):
        return _same
    if kind is Decimal:
        return str
    if issubclass(kind, Enum):
        return _value
    if issubclass(kind, Mapping):
        return lambda value: {key: _plain(item) for key, item in value.items()}
    if issubclass(kind, frozenset):
        return lambda value: sorted(_plain(item) for item in value)
    if issubclass(kind, Sequence):
        return lambda value: [_plain(item) for item in value]
    names = tuple(_hints(kind))
    return lambda value: {name: _plain(getattr(value, name)) for name in names}


def _same(value: Any) -> Any:
    return value


def _value(value: Enum) -> Any:
    return value.value


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _rich(kind: Any, value: Any) -> Any:
    origin = get_origin(kind)
    if origin in (types.UnionType, Union):
        return None if value is None else _rich(next(k for k in get_args(kind) if k is not type(None)), value)
    if origin is not None:
        return _collection(origin, get_args(kind), value)
    if hasattr(kind, "__dataclass_fields__"):
        return kind(**{name: _rich(hint, value[name]) for name, hint in _hints(kind).items()})
    if kind is Decimal or issubclass(kind, Enum):
        return kind(value)
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _collection(origin: Any, kinds: tuple[Any, ...], value: Any) -> Any:
    if issubclass(origin, Mapping):
        return {key: _rich(kinds[1], item) for key, item in value.items()}
    items = [_rich(kinds[0], item) for item in value]
    return frozenset(items) if issubclass(origin, frozenset) else tuple(items)
