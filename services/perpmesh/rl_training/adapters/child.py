"""Trainers as child processes: started, listened to, stopped, and found again after a crash."""

import asyncio
import contextlib
import os
import sys
from collections import deque
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import psutil

from perpmesh.platform import telemetry
from perpmesh.rl_training.adapters.spec import Spec, said
from perpmesh.rl_training.application.ports import Progress, Trained, TrainerBroke
from perpmesh.rl_training.domain.job import Child, Job

log = telemetry.log(__name__)
MODULE = "perpmesh.rl_training.adapters.trainer"
PATIENCE_SECONDS = 3.0  # between asking a trainer to end and making it
LAST_WORDS = 20  # lines of a broken trainer's complaint that are kept
SAME_START_SECONDS = 0.1
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class ChildTrainer:
    """Starts `trainer.py`, once per job. `spec` says what a job trains on."""

    def __init__(self, scratch: Path, spec: Callable[[Job, Path], Spec]) -> None:
        self._scratch = scratch
        self._spec = spec

    async def start(self, job: Job) -> "ChildRun":
        """Start one. Raise TrainerBroke when the operating system will not."""
        self._scratch.mkdir(parents=True, exist_ok=True)
        output = self._scratch / f"{job.job_id}.npz"
        output.unlink(missing_ok=True)
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", MODULE, self._spec(job, output).line(),
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
                env={**os.environ, **ONE_THREAD},
            )  # fmt: skip
        except OSError as error:
            raise TrainerBroke(f"no trainer could be started: {error}") from error
        log.info("trainer started", job_id=job.job_id, pid=process.pid)
        return ChildRun(process, output)

    async def end_orphan(self, child: Child) -> None:
        """End the process only if it is the very one we started: numbers are given out again."""
        try:
            orphan = psutil.Process(child.pid)
            if abs(orphan.create_time() - child.started_at) > SAME_START_SECONDS:
                return
            orphan.terminate()
            await asyncio.to_thread(_wait_or_kill, orphan)
            log.warning("orphaned trainer ended", pid=child.pid)
        except psutil.NoSuchProcess:
            return


def _wait_or_kill(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        try:
            process.wait(PATIENCE_SECONDS)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(PATIENCE_SECONDS)


class ChildRun:
    """One trainer at work."""

    def __init__(self, process: asyncio.subprocess.Process, output: Path) -> None:
        self._process = process
        self._output = output
        self._complaint: deque[str] = deque(maxlen=LAST_WORDS)
        self._listening = asyncio.create_task(self._listen_to_complaints())
        self._child = Child(pid=process.pid, started_at=_start_time(process.pid))
        self._stopped = False

    @property
    def child(self) -> Child:
        return self._child

    async def reports(self) -> AsyncGenerator[Progress | Trained, None]:
        """Yield what it says until it ends.

        Raises:
            TrainerBroke: it ended by itself with an error.
        """
        lines = self._process.stdout
        if lines is None:
            return
        try:
            async for line in lines:
                yield said(line.decode(), await asyncio.to_thread(self._artifact))
        except ValueError as error:
            raise TrainerBroke(str(error)) from error
        code = await self._process.wait()
        await self._listening
        if code and not self._stopped:
            raise TrainerBroke(f"the trainer ended with {code}: {' '.join(self._complaint)[-500:]}".strip())

    async def stop(self) -> None:
        """Ask it to end, then make it; clear away what it left."""
        self._stopped = True
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), PATIENCE_SECONDS)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()
                await self._process.wait()
        await self._listening
        self._output.unlink(missing_ok=True)

    def _artifact(self) -> bytes:
        return self._output.read_bytes() if self._output.exists() else b""

    async def _listen_to_complaints(self) -> None:
        if self._process.stderr is not None:
            async for line in self._process.stderr:
                self._complaint.append(line.decode(errors="replace").strip())


def _start_time(pid: int) -> float:
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return 0.0  # it is gone already; its end will say why
