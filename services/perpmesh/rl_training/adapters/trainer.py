"""The process that trains: it alone imports PyTorch, says how far it is in JSON lines, and leaves one artifact.

`python -m perpmesh.rl_training.adapters.trainer SPEC`, where SPEC is the JSON of a `Spec`. It does not outlive its
parent: the first line it cannot write ends it.
"""

import os
import sys
from pathlib import Path

from perpmesh.features import SCHEMA_HASH
from perpmesh.rl_training.adapters import artifact, candles, ppo
from perpmesh.rl_training.adapters.spec import Spec, progress_line, trained_line
from perpmesh.rl_training.domain.accounting import Costs
from perpmesh.rl_training.domain.evaluation import evaluations
from perpmesh.rl_training.domain.market import Sizing, market_of, split

NICENESS = 10  # trading goes first
SHARE_BETWEEN_LINES = 0.005  # of the job
STEPS_BETWEEN_LINES_MAX = 50_000  # a long job is heard of every few seconds, too


def train(spec: Spec) -> str:
    """Learn on the earlier bars, judge on the later ones, write the artifact, and return the line that says so."""
    series = candles.shipped_series(spec.symbols)
    sizing = Sizing(target_volatility=spec.target_volatility, max_weight=spec.max_weight)
    learnt, judged = split(market_of(series, sizing))
    report = _progress(spec.total_steps)
    policy = ppo.learn(learnt, total_steps=spec.total_steps, seed=spec.seed, report=report)
    found = evaluations(judged, policy.multipliers(judged.observations), Costs())
    blob = artifact.pack(schema_hash=SCHEMA_HASH, mean=policy.mean, std=policy.std, layers=policy.layers())
    Path(spec.output).write_bytes(blob)
    data_hash = candles.hash_of(spec.symbols, series)
    return trained_line(feature_schema_hash=SCHEMA_HASH, data_hash=data_hash, evaluations=found)


def _progress(total_steps: int) -> ppo.Report:
    pause = min(total_steps * SHARE_BETWEEN_LINES, STEPS_BETWEEN_LINES_MAX)
    due = 0.0

    def report(done: int, mean_reward: float) -> None:
        nonlocal due
        if done >= min(due, total_steps):
            due = done + pause
            _say(progress_line(done, mean_reward))

    return report


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    os.nice(NICENESS)
    try:
        _say(train(Spec.of(sys.argv[1])))
    except BrokenPipeError:
        os._exit(1)  # the parent is gone; nobody waits for this
    return 0


if __name__ == "__main__":
    sys.exit(main())
