"""The entry lease as a transition system, explored breadth first: every state that its bounds let it reach.

What decides is the product's own code: the book of leases and the rules of granting on one side, the holder's lease,
its window and its entries in flight on the other, and the table of the latch between them. The model adds what can
happen around them. Messages are delayed, lost, repeated and reordered: one that was sent may arrive at any later
moment, any number of times, or never. A process that is frozen (SIGSTOP) takes no step while time passes, and no step
here must ever be taken. The exchange's clock is wrong by as much as the holder believes possible, and its engine is
as late as we allow for. Times are relative to now, in ticks, so a search without a horizon ends.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from typing import NamedTuple
from unittest.mock import patch

from perpmesh.execution.application import entry_lease
from perpmesh.execution.domain import lease as holder_lease
from perpmesh.risk_safety.domain import leases
from perpmesh.risk_safety.domain.ess import EssState

from . import lease_sides as sides
from .lease_sides import Held, Signed

FIRST_EPOCH = 1
LEASE, MARGIN, MAX_WINDOW, MIN_WINDOW, GRACE = 3, 2, 3, 1, 1  # ticks
LATE = 1  # the engine takes what the door let in less than this later


class Without(Enum):
    """A safeguard, or an assumption on the world, that can be left out to see that the model notices."""

    NOTHING = auto()
    SIGNING_BEFORE_THE_CHECK = auto()
    FENCE = auto()  # the window does not end with the lease
    CLOCK_ERROR_IN_THE_WINDOW = auto()
    CLOCK_ERROR_IN_FLIGHT = auto()
    WAITING_FOR_UNKNOWN_HOLDERS = auto()
    WAITING_FOR_WHAT_IS_IN_FLIGHT = auto()
    DOUBT_ABOUT_AN_OPEN_OUTCOME = auto()  # −1007 counts as an answer
    COUNTING_FROM_THE_ASKING = auto()
    REMEMBERING_REVOKED_EPOCHS = auto()
    EPOCH_OF_AN_ACKNOWLEDGEMENT = auto()
    DURABLE_TRIP = auto()
    ONE_HOLDER_AT_A_TIME = auto()
    MARGIN = auto()
    CLOCK_THAT_COUNTS_SUSPEND = auto()
    EXCHANGE_THAT_KEEPS_THE_WINDOW = auto()


class Ask(NamedTuple):
    """A request for the lease: by whom, how long ago (by its own clock), and what it acknowledges."""

    holder: int
    age: int
    acknowledged: int


class Word(NamedTuple):
    """An answer: a grant to an asking of `age`, or (age −1) a revocation."""

    holder: int
    age: int
    epoch: int


class State(NamedTuple):
    latch: EssState
    epoch: int
    armed: int  # the newest epoch in which leases were granted, as far as the core remembers
    answered: bool  # Trip has returned
    book: sides.Book
    holders: tuple[Held | None, ...]  # None: killed
    up: frozenset[Ask] = frozenset()
    down: frozenset[Word] = frozenset()
    net: frozenset[tuple[int, int]] = frozenset()  # entries: whose, and for how long the exchange would take them
    slip: int = 0  # ticks until a holder's clock may fall behind again


@dataclass(frozen=True)
class Bounds:
    holders: int = 2
    entering: int = 1  # how many of them try to enter
    asks: int = 1
    words: int = 1
    last_epoch: int = 2  # one trip; 4 is trip, reset, trip
    error: int = 1  # ticks by which the exchange's clock is not what the holder believes
    slips: bool = False  # a holder's clock loses up to one tick in the length of a lease


@dataclass(frozen=True)
class Search:
    """What was found: how many states there are, and the steps that lead to a broken promise, if one is broken."""

    states: int
    trace: tuple[str, ...] = ()
    broken: str = ""


class Model:
    """The system within `bounds`, less one safeguard."""

    def __init__(self, bounds: Bounds, without: Without = Without.NOTHING) -> None:
        self._bounds = bounds
        self._without = without
        self._margin = 0 if without is Without.MARGIN else MARGIN

    def explore(self, most: int = 10_000_000) -> Search:
        """Visit every reachable state, nearest first, until a promise is broken or `most` are known."""
        with self._in_ticks():
            start = self._start()
            came: dict[State, tuple[State | None, str]] = {start: (None, "")}
            waiting = deque([start])
            while waiting and len(came) <= most:
                state = waiting.popleft()
                for name, reached in self._steps(state):
                    if reached in came:
                        continue
                    came[reached] = (state, name)
                    if broken := self._broken(reached):
                        return Search(len(came), _trace(came, reached), broken)
                    waiting.append(reached)
            assert not waiting, f"more than {most} states"
            return Search(len(came))

    def _in_ticks(self) -> AbstractContextManager[object]:
        """Let the product's code count in ticks, in the proportions that its milliseconds have."""
        sides.forget()
        stack = ExitStack()
        for module, values in (
            (leases, {"FULL_LEASE_MS": LEASE, "MARGIN_MS": self._margin}),
            (holder_lease, {"MAX_WINDOW_MS": MAX_WINDOW, "MIN_WINDOW_MS": MIN_WINDOW}),
            (entry_lease, {"ENGINE_GRACE_MS": GRACE}),
        ):
            stack.enter_context(patch.multiple(module, **values))
        return stack

    def _start(self) -> State:
        return State(
            latch=EssState.ARMED, epoch=FIRST_EPOCH, armed=FIRST_EPOCH, answered=False, book=sides.Book(),
            holders=(Held(),),
        )  # fmt: skip

    def _broken(self, state: State) -> str:
        if state.answered and state.net:
            return "an entry can reach the exchange after Trip has returned"
        if sum(held is not None and held.left > 0 for held in state.holders) > 1:
            return "two hold at once"
        return ""

    def _steps(self, state: State) -> Iterator[tuple[str, State]]:
        for steps in self._kinds:
            yield from steps(state)

    @cached_property
    def _kinds(self) -> tuple[Callable[[State], Iterator[tuple[str, State]]], ...]:
        return (
            self._latch,
            self._core_restarts,
            self._holders,
            self._upward,
            self._downward,
            self._exchange,
            self._time,
        )

    # The safety core.

    def _latch(self, state: State) -> Iterator[tuple[str, State]]:
        tripping = state.latch is EssState.TRIPPING
        if state.latch is EssState.ARMED and state.epoch < self._bounds.last_epoch:
            latch, epoch = sides.tripped(state.latch, state.epoch)
            pulled = state._replace(latch=latch, epoch=epoch, armed=state.epoch)
            told = frozenset(Word(index, -1, epoch) for index, held in enumerate(state.holders) if held)
            yield "trip, and tell", self._tell(pulled, told)
            yield "trip, unheard", pulled
        if tripping and not sides.busy(state.book):
            yield "Trip returns", state._replace(latch=EssState.TRIPPED, answered=True)
        if state.latch is EssState.TRIPPED and state.epoch < self._bounds.last_epoch:
            latch, epoch = sides.reset(state.latch, state.epoch)
            yield "reset", state._replace(latch=latch, epoch=epoch, answered=False)

    def _core_restarts(self, state: State) -> Iterator[tuple[str, State]]:
        waits = 0 if self._without is Without.WAITING_FOR_UNKNOWN_HOLDERS else LEASE + self._margin
        latch, epoch = state.latch, state.epoch
        if self._without is Without.DURABLE_TRIP and latch is not EssState.ARMED:
            latch, epoch = EssState.ARMED, epoch - 1
        armed = epoch - (latch is not EssState.ARMED)
        yield "core restarts", state._replace(latch=latch, epoch=epoch, armed=armed, book=sides.Book(waits))

    def _upward(self, state: State) -> Iterator[tuple[str, State]]:
        for ask in state.up:
            yield f"{ask} is lost", state._replace(up=state.up - {ask})
            yield f"{ask} is heard", self._hear(state, ask)

    def _hear(self, state: State, ask: Ask) -> State:
        book = state.book
        if ask.acknowledged and self._without is Without.EPOCH_OF_AN_ACKNOWLEDGEMENT:
            book = sides.acknowledged(book, ask.holder, state.epoch)
        elif ask.acknowledged > state.armed:
            book = sides.acknowledged(book, ask.holder, ask.acknowledged)
        if state.latch is not EssState.ARMED:
            return self._tell(state._replace(book=book), frozenset({Word(ask.holder, -1, state.epoch)}))
        rivals = self._without is not Without.ONE_HOLDER_AT_A_TIME
        granted = sides.granted(book, ask.holder, state.epoch, LEASE, rivals=rivals)
        if granted is None:
            return state._replace(book=book)
        return self._tell(state._replace(book=granted), frozenset({Word(ask.holder, ask.age, state.epoch)}))

    def _tell(self, state: State, words: frozenset[Word]) -> State:
        told = state.down | words
        return state._replace(down=told) if len(told) <= max(self._bounds.words, len(words)) else state

    # The holders.

    def _downward(self, state: State) -> Iterator[tuple[str, State]]:
        for word in state.down:
            yield f"{word} is lost", state._replace(down=state.down - {word})
            held = state.holders[word.holder]
            if held is not None:
                yield f"{word} is heard", self._with(state, word.holder, self._told(held, word))

    def _told(self, held: Held, word: Word) -> Held:
        if word.age < 0:
            told = sides.revoked(held, word.epoch)
            return told._replace(revoked=0) if self._without is Without.REMEMBERING_REVOKED_EPOCHS else told
        age = 0 if self._without is Without.COUNTING_FROM_THE_ASKING else word.age
        return sides.heard_grant(held, age, word.epoch, LEASE)

    def _holders(self, state: State) -> Iterator[tuple[str, State]]:
        if len(state.holders) < self._bounds.holders:
            yield "another holder starts", state._replace(holders=(*state.holders, Held()))
        for index, held in enumerate(state.holders):
            if held is None:
                continue
            yield f"holder {index} is killed", self._with(state, index, None)
            if len(state.up) < self._bounds.asks:
                ask = Ask(index, 0, held.acknowledged)
                yield f"holder {index} asks", state._replace(up=state.up | {ask})
            landed = self._without is Without.WAITING_FOR_WHAT_IS_IN_FLIGHT or not held.flight
            if held.owes and landed:
                yield f"holder {index} has let go", self._with(state, index, held.let_go())
            if index < self._bounds.entering:
                yield from self._entry(state, index, held)

    def _entry(self, state: State, index: int, held: Held) -> Iterator[tuple[str, State]]:
        """Sign, then check, then send; what lies between two of them may take any time."""
        entry = held.entry
        if entry is None:
            if not held.flight and (signed := self._signed(held)):
                yield f"holder {index} signs", self._with(state, index, held._replace(entry=signed))
            return
        if self._without is Without.SIGNING_BEFORE_THE_CHECK:
            stays, entry = True, entry._replace(left=self._takes(entry.window))  # it was checked, and is stamped now
        else:
            stays = sides.still_holds(held, entry)
        if not stays:
            yield f"holder {index} stops short", self._with(state, index, held._replace(entry=None))
            return
        error = 0 if self._without is Without.CLOCK_ERROR_IN_FLIGHT else self._bounds.error
        sent = self._with(state, index, sides.departed(held, entry.window + error))
        net = state.net | {(index, entry.left)} if entry.left else state.net
        yield f"holder {index} sends", sent._replace(net=net)

    def _signed(self, held: Held) -> Signed | None:
        error = 0 if self._without is Without.CLOCK_ERROR_IN_THE_WINDOW else self._bounds.error
        window = sides.window(held, error)
        if window and self._without is Without.FENCE:
            window = MAX_WINDOW
        return Signed(held.epoch, held.left, window, self._takes(window)) if window else None

    def _takes(self, window: int) -> int:
        """Return for how long the exchange can take an entry that is stamped now."""
        more = LEASE if self._without is Without.EXCHANGE_THAT_KEEPS_THE_WINDOW else 0
        return window + self._bounds.error + LATE + more

    # The exchange, and time.

    def _exchange(self, state: State) -> Iterator[tuple[str, State]]:
        for entry in state.net:
            gone = state._replace(net=state.net - {entry})
            yield f"{entry} is accepted or lost, the answer is lost", gone
            held = state.holders[entry[0]]
            if held is not None:
                yield f"{entry} is answered", self._with(gone, entry[0], held._replace(flight=0))
                if self._without is Without.DOUBT_ABOUT_AN_OPEN_OUTCOME:
                    yield f"{entry} is answered -1007", self._with(state, entry[0], held._replace(flight=0))

    def _time(self, state: State) -> Iterator[tuple[str, State]]:
        yield "time passes", _later(state, slipping=False)
        stands = self._without is Without.CLOCK_THAT_COUNTS_SUSPEND
        if stands or (self._bounds.slips and not state.slip):
            yield "time passes, the holders' clocks stand", _later(state, slipping=True)

    def _with(self, state: State, index: int, held: Held | None) -> State:
        return state._replace(holders=(*state.holders[:index], held, *state.holders[index + 1 :]))


def _later(state: State, *, slipping: bool) -> State:
    tick = 0 if slipping else 1
    return state._replace(
        book=sides.aged(state.book),
        holders=tuple(held and held.later(tick) for held in state.holders),
        up=frozenset(ask._replace(age=min(ask.age + tick, LEASE)) for ask in state.up),
        down=frozenset(word if word.age < 0 else word._replace(age=word.age + tick) for word in state.down
                       if word.age + tick < LEASE),
        net=frozenset((holder, left - 1) for holder, left in state.net if left > 1),
        slip=LEASE if slipping else max(0, state.slip - 1),
    )  # fmt: skip


def _trace(came: dict[State, tuple[State | None, str]], state: State) -> tuple[str, ...]:
    steps: list[str] = []
    here: State | None = state
    while here is not None:
        here, name = came[here]
        steps.append(name)
    return tuple(reversed(steps[:-1]))
