"""Two exchanges that hear the same say the same, to the byte, and so does one that died in between."""

from itertools import islice

from perpmesh.exchange.engine import Engine
from perpmesh.exchange.symbols import default_symbols
from perpmesh.testing.exchange_life import Life, Witness, births

COMMANDS, DEATHS = 10_000, (3_333, 3_334, 8_000)


def lived(deaths: tuple[int, ...] = ()) -> Witness:
    witness = Witness(Engine(default_symbols()))
    witness.live(births())
    commands, done = Life(1).commands(COMMANDS), 0
    for until in (*deaths, None):
        witness.live(islice(commands, None if until is None else until - done), done)
        if until is not None:
            witness.die_and_come_back()
            done = until
    return witness


def test_ten_thousand_commands_give_the_same_facts_and_the_same_state_also_after_deaths_in_between() -> None:
    once, again, killed = lived(), lived(), lived(DEATHS)
    assert once.facts > COMMANDS
    assert once.digest == again.digest == killed.digest
    assert once.engine.snapshot() == killed.engine.snapshot()
