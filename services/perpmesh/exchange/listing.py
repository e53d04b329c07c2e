"""The rules of a symbol that changes while it trades: what its status allows, which filters it has now."""

from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

from perpmesh.exchange.commands import ChangeSymbol
from perpmesh.exchange.errors import refusal
from perpmesh.exchange.symbols import SymbolSpec
from perpmesh.exchange.words import SymbolStatus

STATUS = "status"
WHOLE = ("max_orders",)


def check_open(spec: SymbolSpec, *, reduce_only: bool) -> None:
    """Refuse an order that the symbol's status does not allow; before settlement positions may only be reduced."""
    if spec.status is SymbolStatus.TRADING or (spec.status.is_matched and reduce_only):
        return
    raise refusal(-4140 if spec.status.is_matched else -4108)


def changes(spec: SymbolSpec, command: ChangeSymbol) -> dict[str, str]:
    """Return what the command changes, as text, or refuse what makes no sense."""
    asked = {f.name: getattr(command, f.name) for f in fields(command) if f.name != "symbol"}
    wanted = {name: value for name, value in asked.items() if value is not None}
    for name, value in wanted.items():
        if name != STATUS and not (Decimal(value).is_finite() and value > 0):
            raise refusal(-1130, name)
    for name, grain in zip(("tick", "step"), spec.grains, strict=True):
        if wanted.get(name, grain) % grain:
            raise refusal(-1130, name)
    return {name: str(value) for name, value in wanted.items()}


def with_rules(spec: SymbolSpec, rules: dict[str, str]) -> SymbolSpec:
    """Return the specification with the rules that have changed since the symbol was listed."""
    price_grain, quantity_grain = spec.grains
    values: dict[str, Any] = {name: _value(name, text) for name, text in rules.items()}
    return replace(spec, price_grain=price_grain, quantity_grain=quantity_grain, **values) if values else spec


def _value(name: str, text: str) -> SymbolStatus | Decimal | int:
    if name == STATUS:
        return SymbolStatus(text)
    return int(text) if name in WHOLE else Decimal(text)
