"""A served exchange whose market stands still and whose machine a test can command beside the clients."""

from contextlib import asynccontextmanager
from decimal import Decimal

from tests.adapters.exchange_sim.conftest import KEY
from tests.adapters.exchange_sim.control import controlled

from perpmesh.exchange.commands import CreateAccount
from perpmesh.exchange_sim import main
from perpmesh.exchange_sim.application.sequencer import Sequencer


class Laboratory:
    """`rest` asks as a client does, `control` as its owner; `execute` does what only the market can do."""

    def __init__(self, rest, control, sequencer):
        self.rest = rest
        self.control = control
        self.sequencer = sequencer

    @property
    def venue(self):
        return self.sequencer.venue

    @property
    def account(self):
        return self.venue.api_keys[KEY].account

    async def execute(self, *commands):
        return await self.sequencer.submit(lambda turn: [turn.execute(command) for command in commands])

    async def open_account(self, name, balance="10000"):
        """Let somebody trade whose key and secret are their name."""

        def job(turn):
            turn.venue.add_account(name, name, CreateAccount(name, Decimal(balance)), turn.wall_ms)

        await self.sequencer.submit(job)


@asynccontextmanager
async def laboratory(monkeypatch, **options):
    """Serve an exchange, stop its market, and yield the laboratory."""
    made = []

    class Held(Sequencer):
        def __init__(self, *parts, **more):
            super().__init__(*parts, **more)
            made.append(self)

    monkeypatch.setattr(main, "Sequencer", Held)
    async with controlled(**options) as (_, rest, control):
        await made[0].change_clock(lambda clock, now_ms: clock.pause(now_ms))
        await made[0].submit(lambda _: None)  # what was due before it stood still has happened
        yield Laboratory(rest, control, made[0])
