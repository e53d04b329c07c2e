"""A served exchange whose market stands still and whose machine a test can command beside the clients."""

from contextlib import asynccontextmanager

from tests.adapters.exchange_sim.conftest import KEY, serving
from tests.adapters.exchange_sim.rest import Rest

from perpmesh.exchange_sim import main
from perpmesh.exchange_sim.application.sequencer import Sequencer


class Laboratory:
    """`rest` asks as a client does; `execute` does what only the market or its owner can do."""

    def __init__(self, rest, sequencer):
        self.rest = rest
        self.sequencer = sequencer

    @property
    def venue(self):
        return self.sequencer.venue

    @property
    def account(self):
        return self.venue.api_keys[KEY].account

    async def execute(self, command):
        return await self.sequencer.submit(lambda turn: turn.execute(command))


@asynccontextmanager
async def laboratory(monkeypatch, **options):
    """Serve an exchange, stop its market, and yield the laboratory."""
    made = []

    class Held(Sequencer):
        def __init__(self, *parts, **more):
            super().__init__(*parts, **more)
            made.append(self)

    monkeypatch.setattr(main, "Sequencer", Held)
    async with serving(**options) as host, Rest(host) as rest:
        await made[0].change_clock(lambda clock, now_ms: clock.pause(now_ms))
        yield Laboratory(rest, made[0])
