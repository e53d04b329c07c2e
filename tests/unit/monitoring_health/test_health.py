"""How checks become a component's status, and components the mesh's."""

from hypothesis import given
from hypothesis import strategies as st

from perpmesh.monitoring_health.domain.health import Component, Probe, Status, complaint, roll_up

CRITICAL = {"execution", "broker"}
GOOD = Probe(name="x", ok=True, latency_ms=2.0)
LATE = Probe(name="x", ok=False, detail="no answer within 1 s")
SAYS_NO = Probe(name="x", ok=False, detail="says NOT_SERVING", final=True)


def after(*probes: Probe) -> Component:
    component = Component(name="x")
    for moment, probe in enumerate(probes, start=1):
        component = component.after(probe, moment)
    return component


def with_status(**statuses: Status) -> list[Component]:
    return [Component(name=name, status=status) for name, status in statuses.items()]


def test_what_was_never_checked_is_not_known_to_serve() -> None:
    assert roll_up(with_status(execution=Status.UNKNOWN, broker=Status.SERVING), CRITICAL) is Status.NOT_SERVING


def test_one_late_answer_degrades_and_two_bring_down() -> None:
    assert after(GOOD, LATE).status is Status.DEGRADED
    assert after(GOOD, LATE, LATE).status is Status.NOT_SERVING


def test_a_component_that_says_no_itself_is_down_at_once() -> None:
    assert after(GOOD, SAYS_NO).status is Status.NOT_SERVING


def test_a_component_that_never_answered_is_down_at_once() -> None:
    assert after(LATE).status is Status.NOT_SERVING


def test_one_good_answer_heals() -> None:
    component = after(GOOD, LATE, LATE, GOOD)
    assert (component.status, component.detail, component.failures) == (Status.SERVING, "", 0)


def test_since_is_when_the_status_began_not_when_it_was_checked() -> None:
    component = after(GOOD, GOOD, GOOD)
    assert (component.since_ms, component.checked_at_ms) == (1, 3)


def test_the_mesh_serves_without_what_trading_does_not_rest_on() -> None:
    mesh = with_status(execution=Status.SERVING, broker=Status.SERVING, rl_training=Status.NOT_SERVING)
    assert roll_up(mesh, CRITICAL) is Status.DEGRADED


def test_the_mesh_does_not_serve_without_what_trading_rests_on() -> None:
    mesh = with_status(execution=Status.NOT_SERVING, broker=Status.SERVING)
    assert roll_up(mesh, CRITICAL) is Status.NOT_SERVING


def test_a_late_answer_of_a_critical_component_does_not_stop_the_mesh() -> None:
    assert roll_up(with_status(execution=Status.DEGRADED, broker=Status.SERVING), CRITICAL) is Status.DEGRADED


@given(st.lists(st.tuples(st.sampled_from(["execution", "broker", "page"]), st.sampled_from(Status))))
def test_the_mesh_is_never_better_than_its_worst_critical_component(found: list[tuple[str, Status]]) -> None:
    mesh = [Component(name=name, status=status) for name, status in found]
    whole = roll_up(mesh, CRITICAL)
    assert (whole is Status.SERVING) == all(status is Status.SERVING for _, status in found)
    if any(name in CRITICAL and status in (Status.NOT_SERVING, Status.UNKNOWN) for name, status in found):
        assert whole is Status.NOT_SERVING


def test_a_complaint_names_the_ill_and_only_them() -> None:
    ill = Component(name="broker", status=Status.NOT_SERVING, detail="refused")
    well = Component(name="execution", status=Status.SERVING)
    assert complaint([ill, well]) == "broker NOT_SERVING: refused"
