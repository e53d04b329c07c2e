"""Keeps the mesh's processes alive: starts them, starts them again with back-off, recycles the broker, stops them all.

A child dies with its supervisor (PR_SET_PDEATHSIG), so that a killed supervisor leaves nothing behind; what it should
leave all the same is ended by the next one, by process id and start time.
"""

import asyncio
import ctypes
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from perpmesh.cli.state_folder import write_json

BACKOFF_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
STEADY_SECONDS = 20.0  # a process that ran this long starts again without back-off
STOP_SECONDS = 8.0
RECYCLE_CHECK_SECONDS = 5.0
PR_SET_PDEATHSIG = 1
LOG_BYTES_MAX = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One process of the mesh."""

    name: str
    command: Sequence[str]
    recycle_above_bytes: int = 0  # restart it when its resident memory is above this; 0: never


@dataclass(slots=True, kw_only=True)
class Child:
    """A program as it runs."""

    program: Program
    process: asyncio.subprocess.Process | None = None
    starts: int = 0
    started_at: float = 0.0
    exits: list[int] = field(default_factory=list)


class Supervisor:
    """Runs programs until `stop`. State is told in run/processes.json after every start."""

    def __init__(self, programs: Sequence[Program], *, state_dir: Path, environment: Mapping[str, str]) -> None:
        self.children = {program.name: Child(program=program) for program in programs}
        self._state_dir = state_dir
        self._environment = {**os.environ, **environment}
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start everything."""
        end_leftovers(self._state_dir)
        for child in self.children.values():
            await self._spawn(child)
        self._tasks = [asyncio.create_task(self._keep(child)) for child in self.children.values()]
        self._tasks.append(asyncio.create_task(self._recycle()))

    async def stop(self) -> None:
        """Stop everything, politely first: the gateway, then our services, then exchange and broker."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        last = {"broker", "exchange_sim"}
        await asyncio.gather(*(_end(child) for name, child in self.children.items() if name not in last))
        await asyncio.gather(*(_end(child) for name, child in self.children.items() if name in last))
        (self._state_dir / "run" / "processes.json").unlink(missing_ok=True)

    async def _keep(self, child: Child) -> None:
        failures = 0
        while not self._stopping:
            assert child.process is not None  # noqa: S101 - spawned in `start`
            child.exits.append(await child.process.wait())
            steady = time.monotonic() - child.started_at > STEADY_SECONDS  # noqa: TID251 - supervises real processes
            failures = 0 if steady else failures + 1
            await asyncio.sleep(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)])
            await self._spawn(child)

    async def _spawn(self, child: Child) -> None:
        log = self._state_dir / "logs" / f"{child.program.name}.log"
        if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
            log.replace(log.with_suffix(".log.1"))
        with log.open("ab") as output:
            child.process = await asyncio.create_subprocess_exec(
                *child.program.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._environment,
                start_new_session=True,  # Ctrl-C is for the supervisor, which stops them in order
                preexec_fn=_die_with_parent,
            )
        child.starts += 1
        child.started_at = time.monotonic()  # noqa: TID251 - supervises real processes
        self._tell()

    def _tell(self) -> None:
        known: dict[str, Any] = {}
        for name, child in self.children.items():
            if child.process is None or child.process.returncode is not None:
                continue
            pid = child.process.pid
            try:
                created = psutil.Process(pid).create_time()
            except psutil.NoSuchProcess:
                continue
            known[name] = {
                "pid": pid,
                "starts": child.starts,
                "create_time": created,
                "started_at_ms": int(created * 1000),
            }
        write_json(self._state_dir / "run" / "processes.json", {"processes": known, "supervisor": os.getpid()})

    async def _recycle(self) -> None:
        while True:
            await asyncio.sleep(RECYCLE_CHECK_SECONDS)
            for child in self.children.values():
                limit = child.program.recycle_above_bytes
                if limit and child.process is not None and _resident(child.process.pid) > limit:
                    child.process.terminate()


def _resident(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


async def _end(child: Child) -> None:
    process = child.process
    if process is None or process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


def end_leftovers(state_dir: Path, *, signal_number: Callable[[psutil.Process], None] = psutil.Process.kill) -> int:
    """End processes an earlier supervisor of this folder left; only those it started. Return how many."""
    import json  # noqa: PLC0415 - rarely needed

    path = state_dir / "run" / "processes.json"
    if not path.exists():
        return 0
    ended = 0
    for entry in json.loads(path.read_text())["processes"].values():
        try:
            process = psutil.Process(entry["pid"])
            if abs(process.create_time() - entry["create_time"]) < 1.0:  # the pid was not given to somebody else
                signal_number(process)
                process.wait(STOP_SECONDS)
                ended += 1
        except psutil.NoSuchProcess:
            continue
    path.unlink(missing_ok=True)
    return ended
