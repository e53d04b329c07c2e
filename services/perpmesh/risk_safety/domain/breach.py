"""What a trigger shows for itself: what was measured, the limit, and over which window."""

from collections.abc import Mapping
from dataclasses import dataclass

from perpmesh.risk_safety.domain.ess import Trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A limit is reached, or something has lasted too long, with the figures that show it."""

    trigger: Trigger
    reason: str
    evidence: Mapping[str, str]


def shown(*, measured: object, limit: object, window: str, **facts: object) -> Mapping[str, str]:
    """Return evidence: the three things that every trigger shows, and what it knows besides."""
    return {"measured": str(measured), "limit": str(limit), "window": window} | {k: str(v) for k, v in facts.items()}
