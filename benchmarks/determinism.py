"""A million commands twice, and once more with a death in the middle: the same hashes, or it says so and fails.

`python -m benchmarks.determinism [COMMANDS]`, or the section `determinism` with COMMANDS in the environment.
"""

import os
import sys
import time
from itertools import islice

from benchmarks.tables import Table, show
from perpmesh.exchange.engine import Engine
from perpmesh.exchange.symbols import default_symbols
from perpmesh.testing.exchange_life import Life, Witness, births

SEED = 20_241_024


def lived(commands: int, *, killed: bool) -> Witness:
    """Live through the seed's commands, killed and restored at half of them if so wished."""
    witness, life = Witness(Engine(default_symbols())), Life(SEED).commands(commands)
    witness.live(births())
    half = commands // 2
    witness.live(islice(life, half))
    if killed:
        witness.die_and_come_back()
    witness.live(life, half)
    return witness


def table(commands: int) -> Table:
    """Return the three lives with their hashes; raise AssertionError when these differ."""
    shown = Table(
        f"the same {commands:,} commands, three times", ("life", "facts", "seconds", "hash of facts and state")
    )
    digests = set()
    for name, killed in (("first", False), ("second", False), ("killed in the middle", True)):
        began = time.perf_counter()
        witness = lived(commands, killed=killed)
        digests.add(witness.digest)
        shown.rows.append((name, f"{witness.facts:,}", f"{time.perf_counter() - began:.0f}", witness.digest))
    if len(digests) > 1:
        show(shown)
        raise AssertionError("the same commands gave different facts")
    return shown


def tables() -> list[Table]:
    return [table(int(os.environ.get("COMMANDS", "1000000")))]


def main() -> None:
    show(table(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))


if __name__ == "__main__":
    main()
