"""The alert rules, and how a look at the mesh becomes readings for them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from perpmesh.kernel.time import MS_PER_MINUTE
from perpmesh.monitoring_health.domain.alerts import Reading, Rule, Severity
from perpmesh.monitoring_health.domain.health import Component, Status
from perpmesh.monitoring_health.domain.machine import Machine

RESTART_WINDOW_MS = 10 * MS_PER_MINUTE
YES, NO, HALF = 1.0, 0.0, 0.5


def _flag(name: str, severity: Severity, *, hold_ms: int, clear_ms: int = 2_000) -> Rule:
    return Rule(
        name=name, severity=severity, raise_above=HALF, clear_below=HALF, hold_ms=hold_ms, clear_ms=clear_ms
    )  # fmt: skip


def rules(max_event_lag_ms: float) -> Mapping[str, Rule]:
    """Return every rule by its name."""
    warning, critical = Severity.WARNING, Severity.CRITICAL
    every = [
        _flag("component_down", critical, hold_ms=5_000),
        Rule(
            name="component_slow", severity=warning, raise_above=1_000, clear_below=500, hold_ms=10_000, clear_ms=5_000
        ),
        Rule(
            name="event_lag", severity=critical, raise_above=max_event_lag_ms, clear_below=max_event_lag_ms / 2,
            hold_ms=0, clear_ms=0,
        ),
        Rule(name="disk_low", severity=critical, raise_above=0.95, clear_below=0.93, hold_ms=10_000, clear_ms=10_000),
        Rule(name="memory_high", severity=warning, raise_above=0.92, clear_below=0.88, hold_ms=30_000, clear_ms=10_000),
        Rule(name="process_restarting", severity=warning, raise_above=2.5, clear_below=0.5, hold_ms=0, clear_ms=0),
        Rule(name="dead_letters", severity=warning, raise_above=HALF, clear_below=HALF, hold_ms=0, clear_ms=0),
        _flag("ess_tripped", critical, hold_ms=0, clear_ms=0),
        _flag("unprotected", critical, hold_ms=5_000),
        _flag("external_position", warning, hold_ms=0),
        _flag("cannot_enter", warning, hold_ms=30_000),
        _flag("books_disagree", critical, hold_ms=30_000, clear_ms=5_000),
        _flag("policy_behind", warning, hold_ms=10_000),
    ]  # fmt: skip
    return {rule.name: rule for rule in every}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the services say of themselves. None: nobody answered, so nothing is known."""

    ess_tripped: str | None = None  # the reason of the trip; "" while armed
    blockers: Collection[str] | None = None  # why execution takes no entries
    unprotected: Collection[str] | None = None  # symbols with a position and no stop on the exchange
    external: Collection[str] | None = None  # symbols with a position that nobody here opened
    books_agree: bool | None = None
    policy_behind: Mapping[str, int] | None = None  # service to how many revisions it is behind


@dataclass(slots=True)
class Recent:
    """Counts events per subject over a window: restarts, dead letters."""

    window_ms: int = RESTART_WINDOW_MS
    _times: dict[str, list[int]] = field(default_factory=dict)

    def add(self, subject: str, count: int, now_ms: int) -> None:
        self._times.setdefault(subject, []).extend([now_ms] * count)

    def know(self, subject: str) -> None:
        """From now on `counts` names the subject, even at 0."""
        self._times.setdefault(subject, [])

    def counts(self, now_ms: int) -> Mapping[str, int]:
        for subject, times in self._times.items():
            self._times[subject] = [time for time in times if now_ms - time < self.window_ms]
        return {subject: len(times) for subject, times in self._times.items()}


def of_components(components: Iterable[Component], critical: Collection[str]) -> Iterator[Reading]:
    for component in components:
        if component.status is Status.UNKNOWN:
            continue
        severity = Severity.CRITICAL if component.name in critical else Severity.WARNING
        down = component.status is Status.NOT_SERVING
        message = f"{component.name} does not serve: {component.detail}"
        yield _reading("component_down", component.name, YES if down else NO, message, severity)
        if not component.failures:
            slow = f"{component.name} takes {component.latency_ms:.0f} ms to answer"
            yield _reading("component_slow", component.name, component.latency_ms, slow)


def of_lags(lags: Mapping[str, float]) -> Iterator[Reading]:
    """`lags` are milliseconds that the oldest event not yet seen has waited, by stream; 0 when all were seen."""
    for stream, lag in lags.items():
        yield _reading("event_lag", stream, lag, f"an event of {stream} has waited {lag / 1000:.1f} s")


def of_machine(machine: Machine) -> Iterator[Reading]:
    used = 1 - machine.disk_free_bytes / machine.disk_total_bytes if machine.disk_total_bytes else NO
    yield _reading("disk_low", "state", used, f"the state folder's disk is {used:.0%} full")
    used = 1 - machine.memory_available_bytes / machine.memory_total_bytes if machine.memory_total_bytes else NO
    yield _reading("memory_high", "machine", used, f"{used:.0%} of the machine's memory is in use")


def of_restarts(counts: Mapping[str, int]) -> Iterator[Reading]:
    for name, count in counts.items():
        yield _reading("process_restarting", name, count, f"{name} was started again {count} times in ten minutes")


def of_dead_letters(counts: Mapping[str, int]) -> Iterator[Reading]:
    for name, count in counts.items():
        yield _reading("dead_letters", name, count, f"{name} gave up on {count} events in ten minutes")


def of_facts(facts: Facts) -> Iterator[Reading]:
    if facts.ess_tripped is not None:
        tripped = YES if facts.ess_tripped else NO
        yield _reading("ess_tripped", "mesh", tripped, f"the emergency stop holds: {facts.ess_tripped}")
    if facts.blockers is not None:
        blocked = YES if facts.blockers else NO
        yield _reading("cannot_enter", "execution", blocked, f"no entries: {', '.join(facts.blockers)}")
    if facts.unprotected is not None:
        bare = YES if facts.unprotected else NO
        yield _reading("unprotected", "account", bare, f"no stop covers {', '.join(sorted(facts.unprotected))}")
    if facts.external is not None:
        strange = YES if facts.external else NO
        yield _reading("external_position", "account", strange, f"not opened here: {', '.join(sorted(facts.external))}")
    if facts.books_agree is not None:
        message = "the net PnL of the trades is not the exchange's income"
        yield _reading("books_disagree", "account", NO if facts.books_agree else YES, message)
    for service, behind in (facts.policy_behind or {}).items():
        late = YES if behind > 0 else NO
        yield _reading("policy_behind", service, late, f"{service} is {behind} policy revisions behind")


def _reading(rule: str, subject: str, value: float, message: str, severity: Severity | None = None) -> Reading:
    return Reading(rule=rule, subject=subject, value=value, message=message, severity=severity)
