"""Who listens is told when a contract changes."""

import json
import random

from perpmesh.exchange.commands import ChangeSymbol
from perpmesh.exchange.words import SymbolStatus
from perpmesh.exchange_sim.adapters.board import Board
from perpmesh.exchange_sim.adapters.hub import Hub
from perpmesh.exchange_sim.adapters.opening import open_venue
from perpmesh.exchange_sim.adapters.stream_faults import StreamFaults
from perpmesh.exchange_sim.application.ports import Batch, Happening
from perpmesh.exchange_sim.config import Config
from perpmesh.exchange_sim.domain.fault_plan import FaultPlan
from perpmesh.kernel.time import ManualClock


class Listener:
    def __init__(self):
        self.heard = []

    def offer(self, stream, payload, event=""):
        self.heard.append((stream, json.loads(payload)))


def test_a_settling_contract_is_told_of_on_the_contract_info_stream():
    clock, listener = ManualClock(), Listener()
    venue, *_ = open_venue(Config(), clock)
    hub = Hub(venue, Board(venue, clock.now_ms()), clock, StreamFaults(FaultPlan(random.Random), clock))
    hub.subscribe(listener, ["!contractInfo"])
    facts = venue.execute(ChangeSymbol("BTCUSDT", SymbolStatus.SETTLING), clock.now_ms())
    hub.tell(Batch(venue.second, venue.second, [Happening(fact, clock.now_ms()) for fact in facts]))
    ((stream, told),) = listener.heard
    assert stream == "!contractInfo"
    assert (told["e"], told["s"], told["ct"], told["cs"]) == ("contractInfo", "BTCUSDT", "PERPETUAL", "SETTLING")
    assert list(told) == ["e", "E", "s", "ct", "dt", "ot", "cs", "st"]
