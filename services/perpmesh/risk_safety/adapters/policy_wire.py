"""Where protobuf meets the words of policy."""

from collections.abc import Sequence
from decimal import Decimal

from google.protobuf.struct_pb2 import Value

from perpmesh.kernel.money import text
from perpmesh.risk_safety.application.policies import Policy
from perpmesh.risk_safety.domain.policy import PolicySpec, PolicyType, PolicyValue, RawValue
from perpmesh.risk_safety.domain.policy_catalogue import CATALOGUE
from perpmesh.risk_safety.domain.policy_history import Difference
from perpmesh.risk_safety.domain.policy_records import Adoption, Change
from perpmesh.risk_safety.domain.profiles import Profile
from perpmesh_api.common.v1 import policy_events_pb2
from perpmesh_api.risk_safety.v1 import policy_service_pb2 as pb
from perpmesh_api.risk_safety.v1 import risk_events_pb2

_TYPES = {
    PolicyType.DECIMAL: pb.POLICY_TYPE_DECIMAL,
    PolicyType.INTEGER: pb.POLICY_TYPE_INTEGER,
    PolicyType.BOOLEAN: pb.POLICY_TYPE_BOOLEAN,
    PolicyType.TEXT: pb.POLICY_TYPE_TEXT,
}


def raw_value(value: Value) -> RawValue:
    """Return what a caller wrote; None for a list, an object or null, which no policy takes."""
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        return Decimal(repr(value.number_value))  # the shortest decimal that JSON's number stands for
    if kind in ("string_value", "bool_value"):
        word: str | bool = getattr(value, kind)
        return word
    return None


def value(word: PolicyValue) -> Value:
    """Write a policy's value: exact decimals as strings."""
    if isinstance(word, bool):
        return Value(bool_value=word)
    if isinstance(word, int):
        return Value(number_value=word)
    return Value(string_value=text(word) if isinstance(word, Decimal) else word)


def policy(policy: Policy) -> pb.Policy:
    spec, setting = policy.spec, policy.setting
    return pb.Policy(
        key=spec.key, value=value(policy.value), type=_TYPES[spec.type], min=_bound(spec, "minimum"),
        max=_bound(spec, "maximum"), unit=spec.unit, owner=spec.owner, description=spec.description,
        default_value=value(spec.default), revision=setting.revision if setting else 0,
        updated_by=setting.actor if setting else "", updated_at_ms=setting.at_ms if setting else 0,
    )  # fmt: skip


def _bound(spec: PolicySpec, name: str) -> str:
    bound: Decimal | None = getattr(spec, name)
    return "" if bound is None else text(bound)


def policy_change(change: Change) -> pb.PolicyChange:
    return pb.PolicyChange(
        revision=change.revision, key=change.key, old_value=value(change.old), new_value=value(change.new),
        actor=change.actor, reason=change.reason, updated_at_ms=change.at_ms, source=change.source,
    )  # fmt: skip


def policy_updated(changes: Sequence[Change]) -> risk_events_pb2.PolicyUpdated:
    """Tell one revision: its first change at the top, for whoever reads one, and all of them below."""
    first = changes[0]
    return risk_events_pb2.PolicyUpdated(
        policy_key=first.key, old_value=value(first.old), new_value=value(first.new), revision=first.revision,
        actor=first.actor, reason=first.reason, updated_at_ms=first.at_ms, source=first.source,
        changes=[
            risk_events_pb2.PolicyValueChange(key=line.key, old_value=value(line.old), new_value=value(line.new))
            for line in changes
        ],
    )  # fmt: skip


def difference(found: Difference) -> pb.PolicyDifference:
    spec = CATALOGUE[found.key]
    return pb.PolicyDifference(
        key=found.key, from_value=value(found.left), to_value=value(found.right), unit=spec.unit, owner=spec.owner
    )


def profile(found: Profile, *, active: bool) -> pb.Profile:
    settings = [pb.PolicySetting(key=key, value=value(wanted)) for key, wanted in sorted(found.values.items())]
    return pb.Profile(name=found.name, description=found.description, settings=settings, active=active)


def policy_adopted(adoption: Adoption) -> policy_events_pb2.PolicyAdopted:
    return policy_events_pb2.PolicyAdopted(
        service=adoption.service, revision=adoption.revision, adopted_at_ms=adoption.at_ms
    )


def adoption_of(event: policy_events_pb2.PolicyAdopted) -> Adoption:
    return Adoption(service=event.service, revision=event.revision, at_ms=event.adopted_at_ms)
