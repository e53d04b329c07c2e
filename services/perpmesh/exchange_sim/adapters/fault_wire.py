"""Faults as messages and back, by the names they share: a field of FaultSpec.kind is a kind, its fields are its own."""

from dataclasses import fields
from decimal import Decimal
from typing import Any, get_type_hints

from perpmesh.exchange_sim.domain.fault_plan import Armed
from perpmesh.exchange_sim.domain.faults import KINDS, FaultKind, FaultSpec, Scope
from perpmesh_api.exchange_sim.v1 import faults_pb2 as pb


def spec_from_wire(message: pb.FaultSpec) -> FaultSpec:
    """Read a fault; what was left out is as the kind has it."""
    name = str(message.WhichOneof("kind"))
    kind = KINDS[name]
    hints = get_type_hints(kind)
    given = {field.name: _value(value, hints[field.name]) for field, value in getattr(message, name).ListFields()}
    scope = {field.name: value for field, value in message.scope.ListFields()}
    return FaultSpec(kind(**given), Scope(**scope), message.seed)


def fault_to_wire(fault: Armed, now_ms: int) -> pb.Fault:
    """Tell of a fault: what it is in full, and how often it struck."""
    message = pb.Fault(fault_id=fault.fault_id, kind=fault.spec.name, fired=fault.fired, spent=fault.is_spent(now_ms))
    message.spec.seed = fault.spec.seed
    _fill(message.spec.scope, fault.spec.scope)
    kind = getattr(message.spec, fault.spec.name)
    kind.SetInParent()
    _fill(kind, fault.spec.kind)
    return message


def _fill(message: Any, value: FaultKind | Scope) -> None:
    """Set what differs from "not said"."""
    for field in fields(value):
        held = getattr(value, field.name)
        if held is None or (held in (0, "") and field.default in (0, "")):
            continue
        if isinstance(held, tuple):
            getattr(message, field.name).extend(held)
        else:
            setattr(message, field.name, str(held) if isinstance(held, Decimal) else held)


def _value(value: Any, hint: Any) -> Any:
    if hint == Decimal | None:
        return Decimal(value)
    return tuple(value) if not isinstance(value, (int, float, str)) else value
