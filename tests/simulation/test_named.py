"""T1–T19 as lives of their own, and proof that the referee sees what it should: a mesh that is made worse is caught."""

from collections.abc import Iterator

import pytest
import structlog

from perpmesh.execution.application.entry_lease import EntryLease
from perpmesh.execution.application.protect import Protector
from perpmesh.testing.simulation import lives
from perpmesh.testing.simulation.lives import Outcome, live
from perpmesh.testing.simulation.plan import Fault, Mishap, Plan, Window, Wish
from perpmesh.testing.simulation.world import Simulation

BTC, ETH = "BTCUSDT", "ETHUSDT"


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    yield
    structlog.configure(**before)


def plan(*wishes: Wish, length: float = 25.0, **more: object) -> Plan:
    return Plan(seed=1, wishes=wishes, length=length, **more)  # type: ignore[arg-type]


def trades_every(seconds: float, until: float) -> tuple[Wish, ...]:
    """A long entry and its close, over and over."""
    moments = [3 + n * seconds for n in range(int((until - 3) / seconds))]
    return tuple(Wish("long" if n % 2 == 0 else "close", at, BTC) for n, at in enumerate(moments))


def well(outcome: Outcome, entries: int) -> Outcome:
    assert outcome.violations == []
    assert outcome.tally.entries == entries
    return outcome


def test_t1_an_entry_that_was_accepted_and_not_answered_is_one_order():
    for fault in (Fault.UNANSWERED, Fault.UNKNOWN_DONE):
        window = Window(fault, 5, 5.5, 1.0, methods=("send_entry",))
        well(live(plan(Wish("long", 5, BTC), windows=(window,))), 1)


def test_t1_an_entry_that_arrives_late_is_fenced_off_or_protected():
    window = Window(Fault.LATE, 5, 5.5, 1.0, methods=("send_entry",))
    assert live(plan(Wish("long", 5, BTC), windows=(window,), length=40)).violations == []


def test_t2_a_decision_that_comes_twice_late_and_overtaken_is_one_order():
    wishes = (Wish("long", 5, BTC), Wish("late decision", 6, ETH), Wish("short", 7, ETH))
    well(live(plan(*wishes, repeats=1.0, drops=0.3, bus_ms=200)), 2)


def test_t4_a_refused_stop_ends_flat():
    for code in (-2021, -4045, -4120, -1001):
        window = Window(Fault.STOP_REFUSED, 4, 12, 1.0, code)
        outcome = well(live(plan(Wish("long", 5, BTC), windows=(window,))), 1)
        assert outcome.tally.trades == 1


def test_t5_a_stop_covers_what_fills_in_parts():
    window = Window(Fault.PARTS, 4, 6, 1.0)
    outcome = well(live(plan(Wish("long", 5, BTC), windows=(window,))), 1)
    assert max(outcome.tally.naked_ms) <= 2_000


@pytest.mark.parametrize("skew_ms", [5_000, -5_000])
def test_t9_a_wall_clock_that_is_five_seconds_off_lets_nothing_enter(skew_ms: int):
    well(live(plan(*trades_every(2, 15), skew_ms=skew_ms)), 0)


@pytest.mark.parametrize("call", range(1, 60, 8))
def test_t13_execution_is_killed_at_a_call_of_the_saga(call: int):
    kill = Mishap("kill execution at a call", 4.999, count=call)
    outcome = live(plan(Wish("long", 5, BTC), Wish("long", 20, ETH), mishaps=(kill,)))
    assert outcome.violations == []
    assert outcome.tally.kills == 1


@pytest.mark.parametrize("call", range(1, 12, 3))
def test_t13_risk_safety_is_killed_during_a_trip(call: int):
    kill = Mishap("kill risk_safety at a call", 6.999, count=call)
    outcome = live(plan(*trades_every(1, 20), Wish("trip", 7, BTC), mishaps=(kill,)))
    assert outcome.violations == []


def test_t14_with_the_bus_away_for_a_minute_exits_go_and_nothing_enters():
    down = Mishap("bus down", 8, 60)
    wishes = (Wish("request entry", 5, BTC), Wish("long", 10, ETH), Wish("request exit", 20, BTC))
    outcome = live(plan(*wishes, mishaps=(down,), length=75))
    assert outcome.violations == []
    assert outcome.tally.entries == 1, "a decision waits for the bus, and is too old then"


def test_t15_without_the_user_stream_the_exchange_is_asked():
    down = Mishap("user stream down", 4, 20)
    outcome = live(plan(Wish("by hand", 6, BTC), mishaps=(down,)))
    assert outcome.violations == []
    assert max(outcome.tally.naked_ms) <= 3_500, "the timer finds what no event told"


def test_t19_a_backlog_of_ten_thousand_old_decisions_executes_nothing():
    backlog = tuple(Wish("late decision", 5 + n / 1_000, BTC) for n in range(10_000))
    outcome = live(plan(*backlog, length=30))
    assert outcome.violations == []
    assert outcome.tally.entries == 0


def test_a_pause_between_check_and_send_is_fenced_by_the_exchange(monkeypatch: pytest.MonkeyPatch):
    held = EntryLease.still_holds

    def frozen(self: EntryLease, lease: object) -> bool:
        answer = held(self, lease)  # type: ignore[arg-type]
        simulation[0].befall(Mishap("pause execution", 0, 30))
        return answer

    simulation: list[Simulation] = []
    lived = lives.lived

    async def noted(world: Simulation, story: object) -> Outcome:
        simulation.append(world)
        return await lived(world, story)  # type: ignore[arg-type]

    monkeypatch.setattr(lives, "lived", noted)
    monkeypatch.setattr(EntryLease, "still_holds", frozen)
    outcome = well(live(plan(Wish("long", 5, BTC), length=45)), 0)
    assert outcome.tally.attempts == 1, "it was sent, and answered -1021"


# The referee has eyes.


def test_a_mesh_without_stops_is_caught(monkeypatch: pytest.MonkeyPatch):
    async def nothing(self: Protector, trade: object, order: object, *more: object) -> object:
        return order

    async def covered(self: Protector, trade: object, *more: object) -> object:
        return trade

    monkeypatch.setattr(Protector, "first_stop", nothing)
    monkeypatch.setattr(Protector, "cover", covered)
    outcome = live(plan(Wish("long", 5, BTC)))
    assert any("I2" in line for line in outcome.violations)


def test_a_mesh_that_ignores_the_lease_is_caught(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(EntryLease, "revoked", lambda *_: None)
    monkeypatch.setattr(EntryLease, "withheld", lambda *_: None)
    monkeypatch.setattr(EntryLease, "still_holds", lambda *_: True)
    monkeypatch.setattr("perpmesh.execution.application.sender.entry_window_ms", lambda *_: 1_000)
    monkeypatch.setattr("perpmesh.execution.domain.lease.Lease.remaining_ms", lambda *_: 1_000)
    outcome = live(plan(*trades_every(1, 20), Wish("trip", 7, BTC)))
    assert any("I3" in line for line in outcome.violations)
