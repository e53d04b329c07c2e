"""The plan of faults: whom it strikes, how often, and that a seed gives the same strikes again."""

import random
from dataclasses import fields
from statistics import median

import pytest

from perpmesh.exchange_sim.adapters.fault_wire import fault_to_wire, spec_from_wire
from perpmesh.exchange_sim.domain.fault_plan import FAULTS_MAX, FaultPlan, draw_ms
from perpmesh.exchange_sim.domain.faults import (
    KINDS,
    ClockOffset,
    Latency,
    LoseEvents,
    Occasion,
    Point,
    RateLimit,
    Refuse,
    Scope,
)
from perpmesh.exchange_sim.domain.faults import FaultSpec as Spec
from perpmesh.kernel.errors import NotFound, Overloaded
from perpmesh_api.exchange_sim.v1 import faults_pb2 as pb

EVENT = Occasion(account="a", symbol="BTCUSDT", event="ORDER_TRADE_UPDATE")


@pytest.fixture
def plan():
    return FaultPlan(lambda name: random.Random(f"1:{name}"))


def strikes(plan, seed):
    fault = plan.add(Spec(LoseEvents(), Scope(probability=0.3), seed=seed))
    return [fault.strikes(EVENT, 0) for _ in range(200)]


def test_the_same_seed_strikes_the_same_events_and_about_as_many_as_asked(plan):
    first, again, other = strikes(plan, 7), strikes(plan, 7), strikes(plan, 8)
    assert first == again != other
    assert 30 < sum(first) < 90


@pytest.mark.parametrize(
    ("scope", "struck"),
    [
        (Scope(), True),
        (Scope(account="a"), True),
        (Scope(account="b"), False),
        (Scope(symbol="ETHUSDT"), False),
        (Scope(event="ORDER_*"), True),
        (Scope(event="ACCOUNT_*"), False),
        (Scope(from_ms=101), False),
        (Scope(from_ms=100, until_ms=101), True),
        (Scope(until_ms=100), False),
    ],
)
def test_a_scope_covers_what_it_says(plan, scope, struck):
    assert plan.add(Spec(LoseEvents(), scope)).strikes(EVENT, now_ms=100) is struck


def test_the_oldest_fault_answers_until_it_is_used_up_then_the_next(plan):
    plan.add(Spec(Refuse(code=-1), Scope(count=2)))
    plan.add(Spec(Refuse(code=-2), Scope(count=1)))
    codes = [kind and kind.code for kind in (plan.first(Point.REFUSE, Occasion(), 0) for _ in range(4))]
    assert codes == [-1, -1, -2, None]


def test_a_plan_is_armed_while_it_holds_a_fault_and_only_then(plan):
    assert not plan.armed
    fault = plan.add(Spec(RateLimit()))
    assert plan.armed
    assert plan.remove(fault.fault_id) is fault
    assert not plan.armed
    with pytest.raises(NotFound):
        plan.remove(fault.fault_id)


def test_offsets_of_the_clock_add_up_while_they_last(plan):
    plan.add(Spec(ClockOffset(5_000)))
    plan.add(Spec(ClockOffset(-1_000), Scope(until_ms=50)))
    assert (plan.clock_offset_ms(49), plan.clock_offset_ms(50)) == (4_000, 5_000)


def test_there_is_a_most_of_faults(plan):
    for _ in range(FAULTS_MAX):
        plan.add(Spec(RateLimit()))
    with pytest.raises(Overloaded):
        plan.add(Spec(RateLimit()))


def test_delays_follow_their_distribution():
    chance = random.Random(5)
    uniform = [draw_ms(Latency("uniform", 50, 80), chance) for _ in range(500)]
    assert min(uniform) >= 50
    assert max(uniform) < 80
    lognormal = [draw_ms(Latency("lognormal", 100, 1_000, 1.0), chance) for _ in range(2_000)]
    assert median(lognormal) == pytest.approx(100, rel=0.1)
    assert max(lognormal) == 1_000
    assert draw_ms(Latency("fixed", 42), chance) == 42


def test_the_contract_and_the_domain_know_the_same_kinds_with_the_same_parameters():
    contract = {
        field.name: {each.name for each in field.message_type.fields}
        for field in pb.FaultSpec.DESCRIPTOR.oneofs_by_name["kind"].fields
    }
    assert contract == {name: {each.name for each in fields(kind)} for name, kind in KINDS.items()}


@pytest.mark.parametrize("name", KINDS)
def test_a_fault_comes_back_from_the_wire_as_it_went(plan, name):
    usable = {"account": "a", "symbol": "BTCUSDT", "endpoint": "POST *", "stream": "user", "event": "ORDER_*"}
    message = pb.FaultSpec(scope={field: usable[field] for field in KINDS[name].narrows}, seed=3)
    getattr(message, name).SetInParent()
    if name == "change_filters":
        message.change_filters.tick_size = "0.50"
    told = fault_to_wire(plan.add(spec_from_wire(message)), 0)
    assert told.kind == name
    assert spec_from_wire(told.spec) == spec_from_wire(message)
