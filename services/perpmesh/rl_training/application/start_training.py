"""Queue a training job."""

from collections.abc import Callable

from perpmesh.kernel.time import Clock
from perpmesh.rl_training.application.ports import Jobs
from perpmesh.rl_training.domain.job import Job


class StartTraining:
    """Writes the job down; the runner takes it when its turn comes."""

    def __init__(self, jobs: Jobs, clock: Clock, *, default_steps: Callable[[], int], waiting_max: int) -> None:
        self._jobs = jobs
        self._clock = clock
        self._default_steps = default_steps
        self._waiting_max = waiting_max

    async def __call__(self, job_id: str, *, total_steps: int, seed: int) -> Job:
        """Return the job; steps of 0 mean policy's default. Raise Overloaded when too many wait already."""
        job = Job(
            job_id=job_id,
            total_steps=total_steps or self._default_steps(),
            seed=seed,
            created_at_ms=self._clock.now_ms(),
        )
        return await self._jobs.add(job, waiting_max=self._waiting_max)
