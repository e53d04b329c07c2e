"""`python -m perpmesh.testing.simulation --seeds 1000` lives many plans; `--replay SEED` tells one of them."""

import argparse
import sys
import time

import structlog

from perpmesh.testing.simulation.lives import Outcome, live
from perpmesh.testing.simulation.plan import draw_plan
from perpmesh.testing.simulation.report import failure, table

SILENT = 50  # but for what is critical


def main() -> int:
    """Return 0 when nothing was violated."""
    asked = argparse.ArgumentParser(prog="perpmesh.testing.simulation")
    asked.add_argument("--seeds", type=int, default=200, help="how many plans to live")
    asked.add_argument("--first", type=int, default=0, help="the first seed")
    asked.add_argument("--replay", type=int, default=None, metavar="SEED", help="live one plan, and tell it")
    options = asked.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(SILENT))
    if options.replay is not None:
        return replay(options.replay)
    return many(range(options.first, options.first + options.seeds))


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def many(seeds: range) -> int:
    began, found = time.perf_counter(), []
    for seed in seeds:
        outcome = live(draw_plan(seed))
        found.append(outcome)
        if outcome.violations:
            say(failure(outcome))
    say(table(found, time.perf_counter() - began))
    return 1 if any(outcome.violations for outcome in found) else 0


def replay(seed: int) -> int:
    outcome: Outcome = live(draw_plan(seed))
    say("\n".join(outcome.transcript))
    say(failure(outcome))
    return 1 if outcome.violations else 0


if __name__ == "__main__":
    sys.exit(main())
