"""One policy: what kind of value it takes, in which range, and what a caller's word for it means."""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import TypeAlias

from perpmesh.kernel.errors import Invalid
from perpmesh.kernel.money import text

PolicyValue: TypeAlias = Decimal | int | bool | str
RawValue: TypeAlias = Decimal | bool | str | None  # as a caller wrote it; None is neither text, number nor truth

DECIMAL_PATTERN = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
INTEGER_PATTERN = re.compile(r"-?[0-9]{1,15}")
TEXT_MAX = 200


class PolicyType(Enum):
    """What a policy's value may be."""

    DECIMAL = "decimal"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySpec:
    """Everything about a policy but its value."""

    key: str
    type: PolicyType
    default: PolicyValue
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    choices: tuple[str, ...] = ()  # of a text; empty: any
    pattern: str = ""  # a regular expression that a text must match as a whole
    unit: str = ""
    owner: str
    description: str

    def parse(self, raw: RawValue) -> PolicyValue:
        """Return the value that `raw` means.

        Raises:
            Invalid: `raw` is of another type, or out of range; says which type, range and unit are wanted.
        """
        value = _READERS[self.type](raw)
        if value is None:
            raise self._invalid(raw)
        if self.choices and value not in self.choices:
            raise self._invalid(raw)
        if isinstance(value, Decimal | int) and not isinstance(value, bool) and not self._in_range(Decimal(value)):
            raise self._invalid(raw)
        if isinstance(value, str) and self.pattern and not re.fullmatch(self.pattern, value):
            raise self._invalid(raw)
        return value

    def _in_range(self, value: Decimal) -> bool:
        low = self.minimum is None or value >= self.minimum
        return low and (self.maximum is None or value <= self.maximum)

    def _invalid(self, raw: RawValue) -> Invalid:
        shown = "null, a list or an object" if raw is None else text(raw) if isinstance(raw, Decimal) else repr(raw)
        return Invalid(
            f"{self.key} cannot be {shown[:60]}: it takes {self.wanted()}", reason="INVALID_POLICY_VALUE", field="value"
        )

    def wanted(self) -> str:
        """Say in words what values the policy takes."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        words = {
            PolicyType.DECIMAL: "a decimal",
            PolicyType.INTEGER: "an integer",
            PolicyType.BOOLEAN: "true or false",
            PolicyType.TEXT: f"a text of at most {TEXT_MAX} characters",
        }[self.type]
        if self.minimum is not None and self.maximum is not None:
            words += f" from {text(self.minimum)} to {text(self.maximum)}"
        return f"{words} ({self.unit})" if self.unit else words


def stored(value: PolicyValue) -> str:
    """Write a value as the one text that `recalled` reads back."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return text(value) if isinstance(value, Decimal) else str(value)


def recalled(spec: PolicySpec, written: str) -> PolicyValue:
    """Read what `stored` wrote."""
    if spec.type is PolicyType.DECIMAL:
        return Decimal(written)
    if spec.type is PolicyType.INTEGER:
        return int(written)
    return written == "true" if spec.type is PolicyType.BOOLEAN else written


def _decimal(raw: RawValue) -> Decimal | None:
    if isinstance(raw, str):
        raw = Decimal(raw) if DECIMAL_PATTERN.fullmatch(raw) else None
    if not isinstance(raw, Decimal) or not raw.is_finite():
        return None
    return Decimal(text(raw)) + 0  # one spelling for one number: no trailing zeros, no minus zero


def _integer(raw: RawValue) -> int | None:
    if isinstance(raw, str):
        return int(raw) if INTEGER_PATTERN.fullmatch(raw) else None
    if isinstance(raw, Decimal) and raw.is_finite() and raw == raw.to_integral_value():
        return int(raw)
    return None


def _boolean(raw: RawValue) -> bool | None:
    return raw if isinstance(raw, bool) else None


def _text(raw: RawValue) -> str | None:
    return raw if isinstance(raw, str) and len(raw) <= TEXT_MAX else None


_READERS = {
    PolicyType.DECIMAL: _decimal,
    PolicyType.INTEGER: _integer,
    PolicyType.BOOLEAN: _boolean,
    PolicyType.TEXT: _text,
}
