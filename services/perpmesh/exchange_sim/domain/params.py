"""The parameters of one request, read as the venue reads them: strings from query and body, the query winning."""

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import TypeVar
from urllib.parse import unquote_plus

from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange_sim.domain.refusals import refusal

E = TypeVar("E", bound=Enum)

DIGITS_MAX = 20  # before or after the point; no price and no quantity has more
BOOLEANS = {"true": True, "false": False}
INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
SYMBOL_RANGE = "^[A-Z0-9-_.]{1,20}$"
SYMBOL = re.compile(r"[A-Za-z0-9-_.]{1,20}")


def missing(name: str) -> ExchangeError:
    return refusal(-1102, name)


def one_missing(first: str, second: str) -> ExchangeError:
    return ExchangeError(-1102, f"Param '{first}' or '{second}' must be sent, but both were empty/null!")


def invalid(name: str) -> ExchangeError:
    return refusal(-1130, name)


def parse_parameters(query: str, body: str) -> "Params":
    """Read url-encoded text; raise -1101 when either part names a parameter twice."""
    return Params(_part(query) if not body else {**_part(body), **_part(query)})


def _part(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    coded = "%" in text or "+" in text
    for pair in text.split("&") if text else ():
        name, _, value = pair.partition("=")
        if coded:
            name, value = unquote_plus(name), unquote_plus(value)
        if name in values:
            raise refusal(-1101, name)
        values[name] = value
    return values


class Params:
    """Named strings. An empty one is refused where it is read: -1102 when it is mandatory, -1105 when it is not."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str | None:
        value = self._values.get(name)
        if value == "":
            raise refusal(-1105, name)
        return value

    def needed(self, name: str) -> str:
        """Return a parameter, or raise -1102."""
        value = self._values.get(name)
        if not value:
            raise missing(name)
        return value

    def symbol(self, name: str = "symbol") -> str | None:
        """Return a symbol in capitals, or raise -1100 when no symbol could be spelled like it."""
        value = self.text(name)
        if value is not None and not SYMBOL.fullmatch(value):
            raise refusal(-1100, name, SYMBOL_RANGE)
        return value and value.upper()

    def integer(self, name: str) -> int | None:
        value = self.text(name)
        if value is None:
            return None
        if not INTEGER.fullmatch(value):
            raise missing(name)
        return int(value)

    def needed_integer(self, name: str) -> int:
        self.needed(name)
        return self.integer(name) or 0

    def limit(self, default: int, largest: int) -> int:
        """Return `limit`, at most the largest; raise -1130 under one."""
        value = self.integer("limit")
        if value is None:
            return default
        if value < 1:
            raise invalid("limit")
        return min(value, largest)

    def decimal(self, name: str) -> Decimal | None:
        value = self.text(name)
        if value is None:
            return None
        if not DECIMAL.fullmatch(value):
            raise missing(name)
        number = Decimal(value)
        if len(value) <= DIGITS_MAX and "e" not in value and "E" not in value:
            return number
        if abs(number.adjusted()) > DIGITS_MAX or len(number.as_tuple().digits) > DIGITS_MAX:
            raise missing(name)
        return number

    def needed_decimal(self, name: str) -> Decimal:
        self.needed(name)
        return self.decimal(name) or Decimal(0)

    def boolean(self, name: str, code: int = -1130) -> bool | None:
        """Return a boolean however it is spelled: true, True, "true"; or raise `code`."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return BOOLEANS[value.strip('"').lower()]
        except KeyError:
            raise _wrong(code, name, value) from None

    def needed_boolean(self, name: str) -> bool:
        self.needed(name)
        return bool(self.boolean(name))

    def one_of(self, name: str, kind: type[E], code: int = -1130) -> E | None:
        """Return a word of a closed vocabulary, or raise `code`."""
        value = self._values.get(name)
        if value is None:
            return None
        if value == "":
            raise refusal(-1105, name)
        found: E | None = _words(kind).get(value.upper())
        if found is None:
            raise _wrong(code, name, value)
        return found


@cache
def _words(kind: type[E]) -> dict[str, E]:
    """Return a vocabulary by its words."""
    return {word.value: word for word in kind}


def _wrong(code: int, name: str, value: str) -> ExchangeError:
    """Return the refusal of a word that is not in its vocabulary; texts name the parameter, or else the word."""
    return refusal(code, *{-1130: (name,), -4031: (value,)}.get(code, ()))
