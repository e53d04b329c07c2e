"""Stop a job, whether it waits or trains; what it has learned is thrown away."""

from typing import Protocol

from perpmesh.kernel.time import Clock
from perpmesh.rl_training.application.ports import Jobs
from perpmesh.rl_training.domain.job import Job, JobStatus


class Runner(Protocol):
    """Whoever trains the jobs."""

    async def stop(self, job_id: str) -> None:
        """Stop the trainer of a job, and return when the job has ended."""
        ...


class CancelJob:
    """Cancels a job once; asking again returns it as it is."""

    def __init__(self, jobs: Jobs, runner: Runner, clock: Clock) -> None:
        self._jobs = jobs
        self._runner = runner
        self._clock = clock

    async def __call__(self, job_id: str) -> Job:
        """Return the job after it ended. Raise Refused (JOB_SUCCEEDED, JOB_FAILED) when there is nothing to stop."""
        job = await self._jobs.change(job_id, self._if_waiting)
        if job.status is not JobStatus.RUNNING:
            return job
        await self._runner.stop(job_id)
        return await self._jobs.get(job_id)

    def _if_waiting(self, job: Job) -> Job:
        if job.status in {JobStatus.RUNNING, JobStatus.CANCELED}:
            return job
        return job.canceled(self._clock.now_ms())
