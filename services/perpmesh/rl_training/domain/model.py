"""A trained model, and the log that says which model serves."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from perpmesh.kernel.errors import Refused
from perpmesh.rl_training.domain.evaluation import Evaluation

ID_DIGITS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One registered model: what it is, and where it came from."""

    content_hash: str  # SHA-256 of the artifact
    job_id: str
    feature_schema_hash: str
    data_hash: str
    code_version: str
    seed: int
    total_steps: int
    evaluations: tuple[Evaluation, ...]
    created_at_ms: int

    @property
    def model_id(self) -> str:
        return self.content_hash[:ID_DIGITS]

    def is_made_of(self, artifact: bytes) -> bool:
        return content_hash(artifact) == self.content_hash

    def must_match(self, schema_hash: str) -> None:
        """Raise Refused when it was trained on other features than `schema_hash`."""
        if self.feature_schema_hash != schema_hash:
            raise Refused(
                f"model {self.model_id} learnt from features {self.feature_schema_hash}, serving has {schema_hash}",
                reason="SCHEMA_MISMATCH",
                field="model_id",
                metadata={"trained_on": self.feature_schema_hash, "served": schema_hash},
            )


def content_hash(artifact: bytes) -> str:
    return hashlib.sha256(artifact).hexdigest()


class Turn(Enum):
    """How the serving model changed."""

    PROMOTED = "PROMOTED"
    ROLLED_BACK = "ROLLED_BACK"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the serving log."""

    turn: Turn
    model_id: str  # which model serves from here on; empty for none
    at_ms: int
    actor: str
    reason: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Serving:
    """The promotions that still stand, oldest first; the last one serves."""

    stack: tuple[str, ...] = ()

    @staticmethod
    def of(log: Iterable[Entry]) -> "Serving":
        """Return where a log leads."""
        serving = Serving()
        for entry in log:
            serving = serving.promote(entry.model_id) if entry.turn is Turn.PROMOTED else serving.roll_back()
        return serving

    @property
    def model_id(self) -> str:
        """Return the model that serves; empty when none does."""
        return self.stack[-1] if self.stack else ""

    def promote(self, model_id: str) -> "Serving":
        """Promoting what serves already changes nothing."""
        return self if model_id == self.model_id else Serving((*self.stack, model_id))

    def roll_back(self) -> "Serving":
        """Return the state before the last standing promotion; raise Refused when there is none."""
        if not self.stack:
            raise Refused("no model is promoted", reason="NOTHING_PROMOTED")
        return Serving(self.stack[:-1])
