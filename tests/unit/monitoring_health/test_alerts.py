"""An alert is raised once, after its hold time, and resolved with hysteresis."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from perpmesh.monitoring_health.domain.alerts import Alert, AlertBook, Reading, Rule, Severity

RULE = Rule(name="hot", severity=Severity.WARNING, raise_above=90, clear_below=80, hold_ms=3_000, clear_ms=2_000)


def book(firing: list[Alert] | None = None) -> AlertBook:
    return AlertBook({"hot": RULE}, firing or [])


def read(alerts: AlertBook, value: float, now_ms: int) -> list[str]:
    reading = Reading(rule="hot", subject="disk", value=value, message=f"{value}")
    changes = alerts.changes([reading], now_ms)
    for change in changes:
        alerts.take(change)
    return [("raised" if change.firing else "resolved") for change in changes]


def test_it_is_raised_when_the_condition_has_held_long_enough() -> None:
    alerts = book()
    assert read(alerts, 95, 0) == []
    assert read(alerts, 95, 2_999) == []
    assert read(alerts, 95, 3_000) == ["raised"]
    assert [alert.alert_id for alert in alerts.firing] == ["hot/disk"]


def test_a_condition_that_lasts_never_makes_a_second_alert() -> None:
    alerts = book()
    read(alerts, 95, 0)
    read(alerts, 95, 3_000)
    assert [read(alerts, 99, now) for now in range(3_000, 60_000, 500)] == [[]] * 114


def test_a_condition_that_pauses_starts_its_hold_time_again() -> None:
    alerts = book()
    read(alerts, 95, 0)
    read(alerts, 89, 2_000)
    assert read(alerts, 95, 3_000) == []
    assert read(alerts, 95, 6_000) == ["raised"]


def test_between_the_two_thresholds_it_stays_as_it_is() -> None:
    alerts = book()
    read(alerts, 95, 0)
    read(alerts, 95, 3_000)
    assert [read(alerts, 85, now) for now in (4_000, 9_000, 20_000)] == [[], [], []]
    assert read(alerts, 80, 21_000) == []
    assert read(alerts, 80, 23_000) == ["resolved"]
    assert alerts.firing == []


def test_what_is_not_read_stays_as_it_was() -> None:
    alerts = book()
    read(alerts, 95, 0)
    read(alerts, 95, 3_000)
    assert alerts.changes([], 100_000) == []
    assert len(alerts.firing) == 1


def test_a_change_that_could_not_be_made_known_is_offered_again() -> None:
    alerts = book()
    reading = Reading(rule="hot", subject="disk", value=95, message="")
    alerts.changes([reading], 0)
    assert len(alerts.changes([reading], 3_000)) == 1
    assert len(alerts.changes([reading], 4_000)) == 1


def test_an_alert_of_an_earlier_life_is_not_raised_again_and_can_be_resolved() -> None:
    earlier = Alert(rule="hot", subject="disk", severity=Severity.WARNING, message="", raised_at_ms=1)
    alerts = book([earlier])
    assert read(alerts, 95, 10_000) == []
    read(alerts, 10, 11_000)
    assert read(alerts, 10, 13_000) == ["resolved"]


def test_a_rule_without_hold_time_is_raised_at_once() -> None:
    alerts = AlertBook({"hot": replace(RULE, hold_ms=0)})
    assert read(alerts, 91, 5) == ["raised"]


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(0, 4_000)), max_size=60))
def test_raises_and_resolves_take_turns(readings: list[tuple[float, int]]) -> None:
    alerts, now, told = book(), 0, []
    for value, pause in readings:
        now += pause
        told += read(alerts, value, now)
    assert told == ["raised", "resolved"] * (len(told) // 2) + ["raised"] * (len(told) % 2)
