"""What the PolicyStore remembers: settings, the audit of every change, and who runs which revision."""

from dataclasses import dataclass

from perpmesh.risk_safety.domain.policy import PolicyValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A value somebody set."""

    key: str
    value: PolicyValue
    revision: int
    actor: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of the audit. Those of one revision were made together."""

    revision: int
    key: str
    old: PolicyValue
    new: PolicyValue
    actor: str
    reason: str
    at_ms: int
    request_id: str = ""
    source: str = ""  # what made it beside an update of one policy: "profile conservative", "rollback to 3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """Which revision a service last said it runs."""

    service: str
    revision: int
    at_ms: int
