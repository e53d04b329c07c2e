"""What the service tells its trainer, and what the trainer says back: JSON, a line each. No PyTorch here."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from perpmesh.rl_training.application.ports import Progress, Trained
from perpmesh.rl_training.domain.evaluation import Evaluation

PROGRESS = "progress"
TRAINED = "trained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What to train, and where to leave the artifact."""

    symbols: tuple[str, ...]
    total_steps: int
    seed: int
    target_volatility: float
    max_weight: float
    output: str

    def line(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def of(line: str) -> "Spec":
        found = json.loads(line)
        return Spec(**{**found, "symbols": tuple(found["symbols"])})


def progress_line(completed_steps: int, mean_reward: float) -> str:
    return json.dumps({"kind": PROGRESS, "completed_steps": completed_steps, "mean_reward": mean_reward})


def trained_line(*, feature_schema_hash: str, data_hash: str, evaluations: Sequence[Evaluation]) -> str:
    facts = {"feature_schema_hash": feature_schema_hash, "data_hash": data_hash}
    return json.dumps({"kind": TRAINED, **facts, "evaluations": [asdict(one) for one in evaluations]})


def said(line: str, artifact: bytes) -> Progress | Trained:
    """Read one line; raise ValueError when it is none of ours. `artifact` is what lies at the output by then."""
    found: Mapping[str, Any] = json.loads(line)
    try:
        if found["kind"] == PROGRESS:
            return Progress(completed_steps=int(found["completed_steps"]), mean_reward=float(found["mean_reward"]))
        return Trained(
            artifact=artifact,
            feature_schema_hash=str(found["feature_schema_hash"]),
            data_hash=str(found["data_hash"]),
            evaluations=tuple(Evaluation(**one) for one in found["evaluations"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"the trainer said {line!r}") from error
