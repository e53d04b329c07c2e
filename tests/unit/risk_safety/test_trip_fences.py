"""When Trip has returned, no holder has a valid lease: over any order of asking, delivery, freezing, death and restart.

The holders here follow the contract: a grant counts from when they asked; a revocation ends their lease and is
acknowledged; a grant of an epoch that was revoked, which came late on another stream, is nothing.
"""

import asyncio
from collections import deque

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

from perpmesh.risk_safety.application.reset import ResetOrder
from perpmesh.risk_safety.domain.ess import EssState, Stage
from perpmesh.risk_safety.domain.report import Acknowledgement, Answer, Report, Verdict

from .conftest import Life, report, turns


class Stream:
    """One connection: words in order each way, delivered when the machine says so."""

    def __init__(self, core) -> None:
        self.core = core
        self.up: deque[Report] = deque()
        self.down: deque[Answer] = deque()
        core.desk.attach(self.down.append)


class Holder:
    """One life of execution."""

    def __init__(self, name: str, core) -> None:
        self.name = name
        self.streams = [Stream(core)]
        self.asked: dict[int, int] = {}
        self.lease_ends = 0
        self.revoked = 0

    def ask(self, now: int) -> None:
        sequence = len(self.asked) + 1
        self.asked[sequence] = now
        word = Acknowledgement(epoch=self.revoked) if self.revoked else None
        self.streams[-1].up.append(report(holder_id=self.name, request_sequence=sequence, acknowledged=word))

    def hear(self, answer: Answer, now: int) -> None:
        if answer.verdict is Verdict.GRANTED and answer.epoch > self.revoked:
            self.lease_ends = max(self.lease_ends, self.asked[answer.request_sequence] + answer.valid_for_ms)
        if answer.verdict is Verdict.REVOKED:
            self.revoked = max(self.revoked, answer.epoch)
            self.lease_ends = 0
            self.ask(now)

    def holds(self, now: int) -> bool:
        return self.lease_ends > now


class Fence(RuleBasedStateMachine):
    """A safety core that may die, and holders that may be slow, frozen or replaced."""

    holders = Bundle("holders")

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.life = Life()
        self.trips: list[asyncio.Task] = []
        self.answered = False
        self.all: list[Holder] = []
        self.do(self.life.settled())

    def do(self, work=None):
        async def now():
            result = await work if work is not None else None
            await turns()
            return result

        result = self.loop.run_until_complete(now())
        if any(trip.done() and not trip.cancelled() and not trip.exception() for trip in self.trips):
            self.answered = True
        self.trips = [trip for trip in self.trips if not trip.done()]
        return result

    @precondition(lambda self: len(self.all) < 3)
    @rule(target=holders)
    def execution_starts(self) -> Holder:
        self.all.append(Holder(f"execution-{len(self.all)}", self.life.core))
        return self.all[-1]

    @rule(holder=holders)
    def holder_asks(self, holder: Holder) -> None:
        holder.ask(self.life.clock.boot_ms())

    @rule(holder=holders, which=st.integers(0, 1))
    def a_word_arrives(self, holder: Holder, which: int) -> None:
        stream = holder.streams[-1 - which % len(holder.streams)]
        if stream.up and stream.core is self.life.core:
            self.do(self.life.core.desk.hear(stream.up.popleft(), stream.down.append))

    @rule(holder=holders, which=st.integers(0, 1))
    def an_answer_arrives(self, holder: Holder, which: int) -> None:
        stream = holder.streams[-1 - which % len(holder.streams)]
        if stream.down:
            holder.hear(stream.down.popleft(), self.life.clock.boot_ms())

    @rule(holder=holders)
    def holder_renews(self, holder: Holder) -> None:
        holder.ask(self.life.clock.boot_ms())
        for _ in range(4):
            self.a_word_arrives(holder, 0)
            self.an_answer_arrives(holder, 0)

    @rule(holder=holders)
    def holder_connects_again(self, holder: Holder) -> None:
        holder.streams.append(Stream(self.life.core))

    @rule(ms=st.sampled_from([1, 50, 300, 500, 1_000, 2_000]))
    def time_passes(self, ms: int) -> None:
        self.life.advance(ms)
        self.do()

    @rule()
    def somebody_trips(self) -> None:
        async def begin():
            self.trips.append(self.life.trip())

        self.do(begin())

    @precondition(lambda self: self.life.core.ess.latch.state is EssState.TRIPPED and not self.trips)
    @rule()
    def two_people_reset(self) -> None:
        order = ResetOrder(
            reason="checked, fine", stage=Stage.FULL, operator_token="operator:ann", approver_token="approver:bob"
        )
        self.do(self.life.core.reset(order))
        self.answered = False

    @rule()
    def the_core_dies_and_starts_again(self) -> None:
        for trip in self.trips:
            trip.cancel()
        before = self.life.core.ess.latch
        self.do()
        self.do(self.life.start())
        assert self.life.core.ess.latch == before
        for holder in self.all:
            holder.streams.append(Stream(self.life.core))

    @invariant()
    def after_the_answer_nobody_can_enter(self) -> None:
        now = self.life.clock.boot_ms()
        if self.answered:
            assert self.life.core.ess.latch.state is EssState.TRIPPED
            assert [holder.name for holder in self.all if holder.holds(now)] == []

    @invariant()
    def two_never_hold_at_once(self) -> None:
        now = self.life.clock.boot_ms()
        assert len([holder for holder in self.all if holder.holds(now)]) <= 1

    def teardown(self) -> None:
        for trip in self.trips:
            trip.cancel()
        self.do()
        self.loop.close()


TestFence = Fence.TestCase
TestFence.settings = settings(
    max_examples=100, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
