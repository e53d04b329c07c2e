"""The parameters of one request, read as the venue reads them: strings from query and body, the query winning."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import TypeVar
from urllib.parse import unquote_plus

from perpmesh.exchange.errors import ExchangeError

E = TypeVar("E", bound=Enum)

DIGITS_MAX = 20  # before or after the point; no price and no quantity has more
BOOLEANS = {"true": True, "false": False}


def missing(name: str) -> ExchangeError:
    return ExchangeError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def invalid(name: str) -> ExchangeError:
    return ExchangeError(-1130, f"Data sent for parameter '{name}' is not valid.")


def parse_parameters(query: str, body: str) -> "Params":
    """Read url-encoded text."""
    values: dict[str, str] = {}
    for text in (body, query):
        for part in text.split("&"):
            name, _, value = part.partition("=")
            values[_plain(name)] = _plain(value)
    return Params(values)


def _plain(text: str) -> str:
    return unquote_plus(text) if "%" in text or "+" in text else text


class Params:
    """Named strings; an empty one counts as not sent."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {name: value for name, value in values.items() if value != ""}

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str | None:
        return self._values.get(name)

    def needed(self, name: str) -> str:
        """Return a parameter, or raise -1102."""
        value = self._values.get(name)
        if value is None:
            raise missing(name)
        return value

    def integer(self, name: str) -> int | None:
        value = self._values.get(name)
        if value is None:
            return None
        try:
            return int(value)
        except ValueError:
            raise missing(name) from None

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
        value = self._values.get(name)
        if value is None:
            return None
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise missing(name) from None
        if not number.is_finite() or abs(number.adjusted()) > DIGITS_MAX or len(number.as_tuple().digits) > DIGITS_MAX:
            raise missing(name)
        return number

    def boolean(self, name: str) -> bool | None:
        """Return a boolean however it is spelled: true, True, "true"."""
        value = self._values.get(name)
        if value is None:
            return None
        try:
            return BOOLEANS[value.strip('"').lower()]
        except KeyError:
            raise invalid(name) from None

    def one_of(self, name: str, kind: type[E], refusal: ExchangeError | None = None) -> E | None:
        """Return a word of a closed vocabulary, or raise `refusal`."""
        value = self._values.get(name)
        if value is None:
            return None
        try:
            return kind(value.upper())
        except ValueError:
            raise refusal or invalid(name) from None
