"""Two exchanges that hear the same say the same, to the byte, and so does one that died in between."""

import os
import subprocess
import sys
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


ELSEWHERE = """
from perpmesh.exchange.engine import Engine
from perpmesh.exchange.symbols import default_symbols
from perpmesh.testing.exchange_life import Life, Witness, births
witness = Witness(Engine(default_symbols()))
witness.live(births())
witness.live(Life(7).commands(1_000))
print(witness.digest)
"""


def test_another_process_with_other_hashes_says_the_same() -> None:
    """The order in which a set or the hash of a text comes differs from process to process; no fact may."""
    ways = [os.environ | {"PYTHONHASHSEED": seed} for seed in ("1", "2")]
    said = [
        subprocess.run([sys.executable, "-c", ELSEWHERE], env=way, check=True, capture_output=True, text=True).stdout
        for way in ways
    ]
    assert said[0] == said[1]
    assert len(said[0].strip()) == 64
