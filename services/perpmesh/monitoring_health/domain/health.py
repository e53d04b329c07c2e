"""How well each component is, and how well the whole mesh is because of it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import Enum

FAILURES_UNTIL_DOWN = 2  # one late answer on a busy machine is a slow component, two are one that is down


class Status(Enum):
    """How well something is."""

    UNKNOWN = "UNKNOWN"  # not checked yet; counts as not serving, for nobody knows
    SERVING = "SERVING"
    DEGRADED = "DEGRADED"
    NOT_SERVING = "NOT_SERVING"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """The outcome of one check."""

    name: str
    ok: bool
    detail: str = ""  # in words, when not ok
    latency_ms: float = 0.0
    final: bool = False  # the component itself said no: a second opinion is not needed


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One component, as its checks up to now show it."""

    name: str
    status: Status = Status.UNKNOWN
    detail: str = "not checked yet"
    latency_ms: float = 0.0
    checked_at_ms: int = 0
    since_ms: int = 0
    failures: int = 0

    def after(self, probe: Probe, now_ms: int) -> "Component":
        """Return the component after one more check."""
        failures = 0 if probe.ok else self.failures + 1
        status = self._status_after(probe, failures)
        return replace(
            self,
            status=status,
            detail="" if probe.ok else probe.detail,
            latency_ms=probe.latency_ms,
            checked_at_ms=now_ms,
            since_ms=self.since_ms if status is self.status else now_ms,
            failures=failures,
        )

    def _status_after(self, probe: Probe, failures: int) -> Status:
        if probe.ok:
            return Status.SERVING
        if probe.final or failures >= FAILURES_UNTIL_DOWN or self.status in (Status.UNKNOWN, Status.NOT_SERVING):
            return Status.NOT_SERVING
        return Status.DEGRADED


def roll_up(components: Iterable[Component], critical: Collection[str]) -> Status:
    """Return the status of the whole: it serves while what trading rests on serves; anything else amiss degrades it."""
    ill = [component for component in components if component.status is not Status.SERVING]
    if any(c.name in critical and c.status is not Status.DEGRADED for c in ill):
        return Status.NOT_SERVING
    return Status.DEGRADED if ill else Status.SERVING


def complaint(components: Iterable[Component]) -> str:
    """Name the components that are not well, with their reasons."""
    ill = [component for component in components if component.status is not Status.SERVING]
    return "; ".join(f"{component.name} {component.status.value}: {component.detail}" for component in ill)
