"""Both sides of the entry lease, whole, in a world that delays, loses, repeats and reorders what they say.

The exchange is the referee: after Trip has answered it accepts no entry, and none is on its way that it would accept.
"""

import asyncio
import os
from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from perpmesh.testing.trip_world import Clocks

from .play import FREQUENT, RARE, Play

PPM = (-19_000, 0, 19_000)  # nearly 2 %: more than two machines' clocks ever differ
DOUBTS_MS = (0, 40, 75)
TRIPS = int(os.environ.get("TRIPS", "500"))
TRIPS_EACH = 50
NUMBERS = st.integers(0, 7)


class Wire(RuleBasedStateMachine):
    """Any moves, in any order."""

    @initialize(core_ppm=st.sampled_from(PPM), ahead=st.integers(-300, 300), doubt=st.sampled_from(DOUBTS_MS))
    def begin(self, core_ppm: int, ahead: int, doubt: int) -> None:
        self.loop = asyncio.new_event_loop()
        self.play = Play(Clocks(core_ppm=core_ppm, exchange_ahead_ms=ahead, doubt_ms=doubt))
        self.loop.run_until_complete(self.play.begin())

    @rule(move=st.sampled_from([*FREQUENT, *RARE]), first=NUMBERS, second=NUMBERS)
    def a_move(self, move: str, first: int, second: int) -> None:
        self.loop.run_until_complete(self.play.make(move, first, second))

    @invariant()
    def after_the_answer_no_entry_is_accepted(self) -> None:
        if hasattr(self, "play"):
            assert self.play.world.leak() == ""

    def teardown(self) -> None:
        if hasattr(self, "play"):
            self.loop.run_until_complete(self.play.world.end())
            self.loop.close()


TestWire = Wire.TestCase
TestWire.settings = settings(
    max_examples=15, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)


async def drill(seed: int, trips: int) -> Play:
    """Make moves by chance until so many trips were answered and lifted."""
    chance = Random(seed)
    clocks = Clocks(
        core_ppm=chance.choice(PPM), exchange_ahead_ms=chance.randint(-300, 300), doubt_ms=chance.choice(DOUBTS_MS)
    )
    play = Play(clocks)
    await play.begin()
    moves = [*FREQUENT * 6, *RARE]
    while play.seen["lifted"] < trips:
        move, first, second = chance.choice(moves), chance.randrange(8), chance.randrange(8)
        await play.make(move, first, second)
        assert play.world.leak() == "", f"seed {seed}: {move} {first} {second}"
    await play.world.end()
    return play


@pytest.mark.parametrize("seed", range(TRIPS // TRIPS_EACH))
async def test_no_entry_is_accepted_after_the_answer_of_any_trip(seed: int):
    """10,000 trips with `TRIPS=10000`; orders flow, and processes freeze, die and start again meanwhile."""
    seen = (await drill(seed, TRIPS_EACH)).seen
    assert min(seen[what] for what in ("accepted", "tripped with entries on the way", "by acknowledged", "by expired"))
