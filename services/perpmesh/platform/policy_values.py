"""A proposed value of a policy, checked by what the PolicyStore says that the policy takes."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from google.protobuf.struct_pb2 import Value

from perpmesh.kernel.errors import Invalid, NotFound
from perpmesh_api.risk_safety.v1 import policy_service_pb2 as pb

WORDS = {pb.POLICY_TYPE_BOOLEAN: "true or false", pb.POLICY_TYPE_INTEGER: "an integer", pb.POLICY_TYPE_TEXT: "a text"}


def accepted(known: Mapping[str, pb.Policy], key: str, value: Value) -> str:
    """Return the value as text.

    Raises:
        NotFound: no policy is called that.
        Invalid: the policy does not take this value.
    """
    if key not in known:
        raise NotFound(f"no policy is called {key[:100]}", reason="UNKNOWN_POLICY", field="values")
    policy, written = known[key], _written(value)
    if written is None or not _fits(policy, value, written):
        wanted = WORDS.get(policy.type, "a decimal")
        bounds = f" from {policy.min} to {policy.max}" if policy.min and policy.max else ""
        raise Invalid(f"{key} takes {wanted}{bounds}", reason="INVALID_POLICY_VALUE", field="values")
    return written


def _written(value: Value) -> str | None:
    kind = value.WhichOneof("kind")
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind == "number_value":
        return f"{Decimal(repr(value.number_value)):f}" if abs(value.number_value) < float("inf") else None
    return value.string_value if kind == "string_value" else None


def _fits(policy: pb.Policy, value: Value, written: str) -> bool:
    if policy.type in (pb.POLICY_TYPE_BOOLEAN, pb.POLICY_TYPE_TEXT):
        return value.HasField("bool_value" if policy.type == pb.POLICY_TYPE_BOOLEAN else "string_value")
    try:
        number = Decimal(written)
    except InvalidOperation:
        return False
    if value.HasField("bool_value") or not number.is_finite():
        return False
    if policy.type == pb.POLICY_TYPE_INTEGER and number != number.to_integral_value():
        return False
    low, high = policy.min or written, policy.max or written
    return Decimal(low) <= number <= Decimal(high)
