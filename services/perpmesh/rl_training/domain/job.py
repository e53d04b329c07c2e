"""The life of a training job: what may follow what.

| from    | to        | because                                    |
|---------|-----------|--------------------------------------------|
| QUEUED  | RUNNING   | its turn came                              |
| QUEUED  | CANCELED  | somebody canceled it before its turn       |
| RUNNING | SUCCEEDED | its model is in the registry               |
| RUNNING | FAILED    | the trainer broke, or the service restarted |
| RUNNING | CANCELED  | somebody canceled it                       |
"""

from dataclasses import dataclass, replace
from enum import Enum

from perpmesh.kernel.errors import Refused


class JobStatus(Enum):
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"

    @property
    def final(self) -> bool:
        return self in {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """The process that trains: a number alone may long belong to somebody else, so its start time is kept too."""

    pid: int
    started_at: float  # as the operating system tells it


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One training run."""

    job_id: str
    total_steps: int
    seed: int
    created_at_ms: int
    status: JobStatus = JobStatus.QUEUED
    completed_steps: int = 0
    mean_reward: float = 0.0
    model_id: str = ""
    error: str = ""
    started_at_ms: int = 0
    finished_at_ms: int = 0
    child: Child | None = None

    def begun(self, now_ms: int) -> "Job":
        self._must_be(JobStatus.QUEUED)
        return replace(self, status=JobStatus.RUNNING, started_at_ms=now_ms)

    def trained_by(self, child: Child) -> "Job":
        self._must_be(JobStatus.RUNNING)
        return replace(self, child=child)

    def progressed(self, completed_steps: int, mean_reward: float) -> "Job":
        self._must_be(JobStatus.RUNNING)
        steps = min(max(completed_steps, self.completed_steps), self.total_steps)
        return replace(self, completed_steps=steps, mean_reward=mean_reward)

    def succeeded(self, model_id: str, now_ms: int) -> "Job":
        self._must_be(JobStatus.RUNNING)
        ended = self._ended(JobStatus.SUCCEEDED, now_ms)
        return replace(ended, completed_steps=self.total_steps, model_id=model_id)

    def failed(self, error: str, now_ms: int) -> "Job":
        self._must_be(JobStatus.RUNNING)
        return replace(self._ended(JobStatus.FAILED, now_ms), error=error)

    def canceled(self, now_ms: int) -> "Job":
        self._must_be(JobStatus.QUEUED, JobStatus.RUNNING)
        return self._ended(JobStatus.CANCELED, now_ms)

    def _ended(self, status: JobStatus, now_ms: int) -> "Job":
        return replace(self, status=status, finished_at_ms=now_ms, child=None)

    def _must_be(self, *allowed: JobStatus) -> None:
        if self.status not in allowed:
            raise Refused(
                f"job {self.job_id} is {self.status.value}", reason=f"JOB_{self.status.value}", field="job_id"
            )
