"""Alerts: rules as data, one alert per (rule, subject), raised after a hold time and resolved with hysteresis."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum


class Severity(Enum):
    """How bad an alert is."""

    WARNING = "WARNING"  # look at it today
    CRITICAL = "CRITICAL"  # look at it now


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When a reading is an alert.

    A value above `raise_above` for `hold_ms` raises it; it stays until the value was at or below `clear_below` for
    `clear_ms`. Between the two it stays as it is.
    """

    name: str
    severity: Severity
    raise_above: float
    clear_below: float
    hold_ms: int
    clear_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One figure of one subject. What was not read now stays as it was: not knowing is no reason to be calm."""

    rule: str
    subject: str
    value: float
    message: str
    severity: Severity | None = None  # instead of the rule's


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One condition on one subject."""

    rule: str
    subject: str
    severity: Severity
    message: str
    raised_at_ms: int
    resolved_at_ms: int = 0

    @property
    def alert_id(self) -> str:
        return f"{self.rule}/{self.subject}"

    @property
    def firing(self) -> bool:
        return self.resolved_at_ms == 0


class AlertBook:
    """What fires now, and what is about to. Pure: give it readings and the time, do what it returns."""

    def __init__(self, rules: Mapping[str, Rule], firing: Iterable[Alert] = ()) -> None:
        self.rules = rules
        self._firing = {alert.alert_id: alert for alert in firing}
        self._turning: dict[str, int] = {}  # alert id to since when its reading says the opposite

    @property
    def firing(self) -> Sequence[Alert]:
        """What fires now, newest first."""
        return sorted(self._firing.values(), key=lambda alert: -alert.raised_at_ms)

    def changes(self, readings: Iterable[Reading], now_ms: int) -> list[Alert]:
        """Return the alerts that these readings raise or resolve; nothing fires until it was taken by `take`."""
        found = (self._change(reading, now_ms) for reading in readings)
        return [alert for alert in found if alert is not None]

    def take(self, alert: Alert) -> None:
        """Remember a change that was made known."""
        self._turning.pop(alert.alert_id, None)
        if alert.firing:
            self._firing[alert.alert_id] = alert
        else:
            self._firing.pop(alert.alert_id, None)

    def _change(self, reading: Reading, now_ms: int) -> Alert | None:
        rule = self.rules[reading.rule]
        alert_id = f"{reading.rule}/{reading.subject}"
        fires = self._firing.get(alert_id)
        turns = reading.value <= rule.clear_below if fires else reading.value > rule.raise_above
        if not turns:
            self._turning.pop(alert_id, None)
            return None
        since = self._turning.setdefault(alert_id, now_ms)
        if now_ms - since < (rule.clear_ms if fires else rule.hold_ms):
            return None
        if fires:
            return replace(fires, resolved_at_ms=now_ms)
        return Alert(
            rule=reading.rule, subject=reading.subject, severity=reading.severity or rule.severity,
            message=reading.message, raised_at_ms=now_ms,
        )  # fmt: skip
