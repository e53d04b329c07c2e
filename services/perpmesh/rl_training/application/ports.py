"""What the use cases need from the world."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from perpmesh.rl_training.domain.evaluation import Evaluation
from perpmesh.rl_training.domain.job import Child, Job, JobStatus
from perpmesh.rl_training.domain.model import Entry, Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a trainer is."""

    completed_steps: int
    mean_reward: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a trainer made."""

    artifact: bytes
    feature_schema_hash: str
    data_hash: str
    evaluations: tuple[Evaluation, ...]


class Jobs(Protocol):
    """The book of jobs. Every change is durable, and a job's end is announced with it."""

    async def add(self, job: Job, *, waiting_max: int) -> Job:
        """Write a new job; return the one already there under its id. Raise Overloaded when too many wait."""
        ...

    async def get(self, job_id: str) -> Job:
        """Raise NotFound (UNKNOWN_JOB)."""
        ...

    async def newest(self, limit: int) -> list[Job]: ...

    async def with_status(self, status: JobStatus) -> list[Job]:
        """Return jobs, oldest first."""
        ...

    async def change(self, job_id: str, step: Callable[[Job], Job], *, model: Model | None = None) -> Job:
        """Take one step in a job's life and register its model, both or neither. `step` may raise Refused."""
        ...


class Registry(Protocol):
    """The registered models and the serving log."""

    async def get(self, model_id: str) -> "Registered":
        """Raise NotFound (UNKNOWN_MODEL)."""
        ...

    async def newest(self, limit: int) -> list["Registered"]: ...

    async def serving(self) -> "Registered | None": ...

    async def enter(self, write: Callable[[Sequence[Entry]], Entry | None]) -> "Registered | None":
        """Append what `write` makes of the log, announce it, and return what serves then. None appends nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A model with its standing."""

    model: Model
    promoted: bool  # whether it serves now
    promoted_at_ms: int  # 0 for never


class Artifacts(Protocol):
    """Artifacts by content."""

    async def keep(self, model: Model, artifact: bytes) -> None:
        """Write both durably; what is there already stays."""
        ...

    async def read(self, model: Model) -> bytes:
        """Raise Refused (MODEL_DAMAGED) unless the bytes are there and their hash is the model's."""
        ...


class Run(Protocol):
    """One trainer at work."""

    @property
    def child(self) -> Child: ...

    def reports(self) -> AsyncGenerator[Progress | Trained, None]:
        """Yield what it says until it ends. Raise TrainerBroke when it ends badly."""
        ...

    async def stop(self) -> None:
        """End it: ask, then insist. It is gone when this returns."""
        ...


class Trainer(Protocol):
    """Starts trainers, each a process of its own."""

    async def start(self, job: Job) -> Run: ...

    async def end_orphan(self, child: Child) -> None:
        """End a trainer that an earlier life of this service left behind, and nobody else's process."""
        ...


class TrainerBroke(Exception):
    """A trainer ended without a model; the message says what it said last."""
