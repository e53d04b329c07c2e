"""What the rules make of a look at the mesh."""

from perpmesh.monitoring_health.domain import rules
from perpmesh.monitoring_health.domain.alerts import AlertBook, Reading, Severity
from perpmesh.monitoring_health.domain.health import Component, Status
from perpmesh.monitoring_health.domain.machine import Machine
from perpmesh.monitoring_health.domain.rules import Facts, Recent
from perpmesh.monitoring_health.domain.streams import EVENTS_KEPT, PassedEvent, Streams

GB = 10**9


def raised(readings: list[Reading]) -> dict[str, Severity]:
    """Return what fires when these readings last for an hour."""
    book = AlertBook(rules.rules(5_000))
    book.changes(readings, 0)
    return {alert.alert_id: alert.severity for alert in book.changes(readings, 3_600_000)}


def machine(disk_free: float = 50, memory_available: float = 8) -> Machine:
    return Machine(
        cpu_percent=1, memory_total_bytes=16 * GB, memory_available_bytes=int(memory_available * GB),
        disk_total_bytes=100 * GB, disk_free_bytes=int(disk_free * GB), load_average=1, processes=[],
    )  # fmt: skip


def test_a_component_that_is_down_is_critical_when_trading_rests_on_it() -> None:
    down = [Component(name=name, status=Status.NOT_SERVING) for name in ("execution", "rl_training")]
    assert raised(list(rules.of_components(down, {"execution"}))) == {
        "component_down/execution": Severity.CRITICAL,
        "component_down/rl_training": Severity.WARNING,
    }


def test_a_component_that_is_not_checked_yet_raises_nothing() -> None:
    assert raised(list(rules.of_components([Component(name="execution")], {"execution"}))) == {}


def test_an_answer_that_takes_longer_than_a_second_is_slow() -> None:
    slow = Component(name="exchange", status=Status.SERVING, latency_ms=1_500)
    assert list(raised(list(rules.of_components([slow], set())))) == ["component_slow/exchange"]


def test_an_event_that_waits_longer_than_policy_allows_is_a_lag_of_its_stream() -> None:
    assert list(raised(list(rules.of_lags({"a.v1": 5_001, "b.v1": 4_999, "c.v1": 0})))) == ["event_lag/a.v1"]


def test_a_full_disk_and_a_full_memory_are_told() -> None:
    assert raised(list(rules.of_machine(machine()))) == {}
    assert list(raised(list(rules.of_machine(machine(disk_free=4))))) == ["disk_low/state"]
    assert list(raised(list(rules.of_machine(machine(memory_available=1))))) == ["memory_high/machine"]


def test_three_starts_within_ten_minutes_are_a_restart_loop_and_older_ones_are_forgotten() -> None:
    recent = Recent()
    for minute in (0, 1, 2):
        recent.add("execution", 1, minute * 60_000)
    assert list(raised(list(rules.of_restarts(recent.counts(120_000))))) == ["process_restarting/execution"]
    assert raised(list(rules.of_restarts(recent.counts(11 * 60_000)))) == {}


def test_what_the_services_say_is_judged() -> None:
    bad = Facts(
        ess_tripped="daily loss", blockers=["LEASE_MISSING"], unprotected=["BTCUSDT"], books_agree=False, external=["ETHUSDT"],
        policy_behind={"ai_engine": 2, "execution": 0},
    )  # fmt: skip
    assert set(raised(list(rules.of_facts(bad)))) == {
        "ess_tripped/mesh", "cannot_enter/execution", "unprotected/account", "books_disagree/account",
        "policy_behind/ai_engine", "external_position/account",
    }  # fmt: skip
    good = Facts(
        ess_tripped="", blockers=[], unprotected=[], external=[], books_agree=True, policy_behind={"ai_engine": 0}
    )
    assert raised(list(rules.of_facts(good))) == {}


def test_what_nobody_tells_is_neither_good_nor_bad() -> None:
    assert list(rules.of_facts(Facts())) == []


def event(number: int, kind: str = "trade.closed") -> PassedEvent:
    return PassedEvent(
        event_id=str(number), type=kind, stream="s.v1", sequence=number, key="k", time_ms=1_000,
        arrived_at_ms=1_000 + number, trace_id="", json="{}",
    )  # fmt: skip


def test_the_newest_events_are_kept_and_can_be_chosen_by_type() -> None:
    streams = Streams()
    for number in range(EVENTS_KEPT + 10):
        streams.passed(event(number, "trade.opened" if number % 2 else "trade.closed"))
    assert len(list(streams.newest(10_000, ()))) == EVENTS_KEPT
    assert [each.sequence for each in streams.newest(2, ["trade.opened"])] == [507, 509]
    assert list(streams.newest(0, ())) == []
    assert (streams.passages["s.v1"].sequence, streams.passages["s.v1"].latency_ms) == (509, 509)
