"""Dataclasses to canonical JSON and back, by their type hints: how a state is kept, compared and restored."""

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from hashlib import sha256
from types import UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")

DERIVED = "derived"  # in a field's metadata: it follows from the others and is not kept

Decoder = Callable[[Any], Any]


def dump(value: object) -> bytes:
    """Write `value` as JSON: a dataclass is the list of its fields; equal values give equal bytes."""
    return json.dumps(_plain(value), separators=(",", ":"), ensure_ascii=False).encode()


def load(kind: type[T], data: bytes) -> T:
    """Read what `dump` wrote for a value of type `kind`."""
    decode: Callable[[Any], T] = _decoder(cast("Any", kind))
    return decode(json.loads(data))


def shape(*kinds: Any) -> str:
    """Return a digest of the fields and types that values of these kinds are kept with: another shape, another form."""
    seen: dict[str, str] = {}
    for kind in kinds:
        _describe(kind, seen)
    return sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()[:16]


def _describe(kind: Any, seen: dict[str, str]) -> None:
    for part in get_args(kind):
        _describe(part, seen)
    if not is_dataclass(kind) or str(kind) in seen:
        return
    hints = get_type_hints(kind)
    seen[str(kind)] = str([(name, str(hints[name])) for name in _names(cast("Any", kind))])
    for name in _names(cast("Any", kind)):
        _describe(hints[name], seen)


def _plain(value: object) -> Any:
    if is_dataclass(value):
        return [_plain(getattr(value, name)) for name in _names(cast("Any", type(value)))]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if not field.metadata.get(DERIVED))


@cache
def _decoder(kind: Any) -> Decoder:
    if is_dataclass(kind):
        return _dataclass_decoder(kind)
    if get_origin(kind) is not None:
        return _generic_decoder(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    return lambda value: value


def _dataclass_decoder(kind: Any) -> Decoder:
    hints = get_type_hints(kind)
    parts = [_decoder(hints[name]) for name in _names(kind)]
    names = _names(kind)
    return lambda values: kind(**{n: part(v) for n, part, v in zip(names, parts, values, strict=True)})


def _generic_decoder(kind: Any) -> Decoder:
    origin, args = get_origin(kind), get_args(kind)
    if origin is dict:
        key, item = _key_decoder(args[0]), _decoder(args[1])
        return lambda value: {key(k): item(v) for k, v in value.items()}
    if origin is list:
        element = _decoder(args[0])
        return lambda value: [element(v) for v in value]
    if origin is UnionType:  # only `X | None`
        present = _decoder(args[0])
        return lambda value: None if value is None else present(value)
    raise TypeError(f"no way to read {kind}")


def _key_decoder(kind: Any) -> Decoder:
    return int if kind is int else _decoder(kind)
