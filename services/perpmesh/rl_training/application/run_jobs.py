"""Train the queued jobs, one at a time, and bring every one of them to an end."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from perpmesh.kernel.errors import Refused
from perpmesh.kernel.time import Clock
from perpmesh.rl_training.application.ports import Artifacts, Jobs, Progress, Run, Trained, Trainer, TrainerBroke
from perpmesh.rl_training.domain.job import Job, JobStatus
from perpmesh.rl_training.domain.model import Model, content_hash

RESTARTED = "service restarted"
STUMBLED = "the runner failed; its log says how"
LOOK_SECONDS = 5.0  # a lost wake-up costs no more than this


class RunJobs:
    """The runner: one trainer at a time, beside everything else the service does."""

    def __init__(self, jobs: Jobs, artifacts: Artifacts, trainer: Trainer, clock: Clock, *, code_version: str) -> None:
        self._jobs = jobs
        self._artifacts = artifacts
        self._trainer = trainer
        self._clock = clock
        self._code_version = code_version
        self._wake = asyncio.Event()
        self._stop_asked: set[str] = set()
        self._run: Run | None = None
        self._now: str = ""  # the job that trains
        self._ended = asyncio.Condition()
        self._left_behind_by = RESTARTED

    def wake(self) -> None:
        """Say that a job waits."""
        self._wake.set()

    async def recover(self) -> None:
        """Fail the jobs that an earlier life of this runner left running, and end their trainers."""
        why, self._left_behind_by = self._left_behind_by, STUMBLED
        for job in await self._jobs.with_status(JobStatus.RUNNING):
            if job.child is not None:
                await self._trainer.end_orphan(job.child)
            await self._jobs.change(job.job_id, lambda left: left.failed(why, self._clock.now_ms()))

    async def forever(self) -> None:
        """Take the oldest waiting job, again and again. What an earlier turn left running is failed first."""
        await self.recover()
        while True:
            self._wake.clear()
            for job in await self._jobs.with_status(JobStatus.QUEUED):
                await self._train(job.job_id)
            await _within(self._wake, LOOK_SECONDS)

    async def stop(self, job_id: str) -> None:
        """Stop the trainer of a job, and return when the job has ended."""
        self._stop_asked.add(job_id)
        try:
            if self._now == job_id and self._run is not None:
                await self._run.stop()
            async with self._ended:
                await self._ended.wait_for(lambda: self._now != job_id)
        finally:
            self._stop_asked.discard(job_id)

    async def _train(self, job_id: str) -> None:
        self._now = job_id
        try:
            if job := await self._begin(job_id):
                await self._follow(job)
        finally:
            async with self._ended:
                self._now, self._run = "", None
                self._ended.notify_all()

    async def _begin(self, job_id: str) -> Job | None:
        try:
            return await self._jobs.change(job_id, lambda waiting: waiting.begun(self._clock.now_ms()))
        except Refused:
            return None  # it was canceled before its turn

    async def _follow(self, job: Job) -> None:
        trained: Trained | None = None
        broke = ""
        try:
            self._run = await self._trainer.start(job)
            trained = await self._listen(job, self._run)
        except TrainerBroke as error:
            broke = str(error)
        finally:
            if self._run is not None:
                await self._run.stop()
        await self._end(job, trained, broke)

    async def _listen(self, job: Job, run: Run) -> Trained | None:
        child = run.child
        await self._jobs.change(job.job_id, lambda begun: begun.trained_by(child))
        if job.job_id in self._stop_asked:
            await run.stop()
        trained: Trained | None = None
        async with aclosing(run.reports()) as reports:
            async for report in reports:
                if isinstance(report, Trained):
                    trained = report
                else:
                    await self._jobs.change(job.job_id, _progressed(report))
        return trained

    async def _end(self, job: Job, trained: Trained | None, broke: str) -> None:
        now_ms = self._clock.now_ms()
        if job.job_id in self._stop_asked:
            await self._jobs.change(job.job_id, lambda running: running.canceled(now_ms))
        elif trained is None:
            error = broke or "the trainer ended without a model"
            await self._jobs.change(job.job_id, lambda running: running.failed(error, now_ms))
        else:
            await self._register(job, trained, now_ms)

    async def _register(self, job: Job, trained: Trained, now_ms: int) -> None:
        model = Model(
            content_hash=content_hash(trained.artifact),
            job_id=job.job_id,
            feature_schema_hash=trained.feature_schema_hash,
            data_hash=trained.data_hash,
            code_version=self._code_version,
            seed=job.seed,
            total_steps=job.total_steps,
            evaluations=trained.evaluations,
            created_at_ms=now_ms,
        )
        await self._artifacts.keep(model, trained.artifact)
        await self._jobs.change(job.job_id, lambda running: running.succeeded(model.model_id, now_ms), model=model)


def _progressed(report: Progress) -> Callable[[Job], Job]:
    return lambda running: running.progressed(report.completed_steps, report.mean_reward)


async def _within(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
