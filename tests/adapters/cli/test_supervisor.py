"""The supervisor over small programs: what dies is started again, what grows is recycled, nothing is left."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from perpmesh.cli import state_folder
from perpmesh.cli.supervisor import Program, Supervisor, end_leftovers
from perpmesh.kernel.errors import Refused
from perpmesh.platform.settings import MeshSettings

SLEEPER = [sys.executable, "-c", "import time; time.sleep(1000)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000)",
]


@asynccontextmanager
async def supervising(folder: Path, *programs: Program) -> AsyncIterator[Supervisor]:
    state_folder.prepare(folder)
    supervisor = Supervisor(programs, state_dir=folder, environment={})
    await supervisor.start()
    try:
        yield supervisor
    finally:
        await supervisor.stop()


async def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


def pid(supervisor: Supervisor, name: str) -> int:
    process = supervisor.children[name].process
    assert process is not None
    return process.pid


async def test_what_dies_is_started_again(tmp_path: Path) -> None:
    async with supervising(tmp_path, Program(name="one", command=SLEEPER)) as supervisor:
        first = pid(supervisor, "one")
        os.kill(first, signal.SIGKILL)
        await until(lambda: supervisor.children["one"].starts == 2)
        assert pid(supervisor, "one") != first
        assert supervisor.children["one"].exits == [-signal.SIGKILL]


async def test_a_program_that_cannot_run_is_tried_with_a_growing_pause(tmp_path: Path) -> None:
    broken = Program(name="broken", command=[sys.executable, "-c", "raise SystemExit(3)"])
    async with supervising(tmp_path, broken) as supervisor:
        await until(lambda: supervisor.children["broken"].starts >= 3)
        assert set(supervisor.children["broken"].exits) == {3}
        assert supervisor.children["broken"].starts < 10


async def test_stopping_leaves_nothing_not_even_what_ignores_the_signal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perpmesh.cli.supervisor.STOP_SECONDS", 0.5)
    async with supervising(
        tmp_path, Program(name="one", command=SLEEPER), Program(name="stubborn", command=STUBBORN)
    ) as supervisor:
        pids = [pid(supervisor, "one"), pid(supervisor, "stubborn")]
    assert not [one for one in pids if psutil.pid_exists(one)]
    assert not (tmp_path / "run" / "processes.json").exists()


async def test_what_grows_is_recycled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perpmesh.cli.supervisor.RECYCLE_CHECK_SECONDS", 0.1)
    async with supervising(tmp_path, Program(name="big", command=SLEEPER, recycle_above_bytes=1)) as supervisor:
        await until(lambda: supervisor.children["big"].starts >= 2)


async def test_leftovers_of_a_supervisor_that_was_killed_are_ended_and_nobody_else(tmp_path: Path) -> None:
    state_folder.prepare(tmp_path)
    left = await asyncio.create_subprocess_exec(*SLEEPER)
    stranger = await asyncio.create_subprocess_exec(*SLEEPER)
    try:
        created = psutil.Process(left.pid).create_time()
        processes = {
            "left": {"pid": left.pid, "create_time": created},
            "reused pid": {"pid": stranger.pid, "create_time": created - 1000},
        }
        state_folder.write_json(tmp_path / "run" / "processes.json", {"processes": processes, "supervisor": 0})
        reaper = asyncio.create_task(left.wait())
        assert await asyncio.to_thread(end_leftovers, tmp_path) == 1
        await reaper
        assert stranger.returncode is None
    finally:
        stranger.kill()
        await stranger.wait()


def test_a_folder_is_locked_by_one_mesh(tmp_path: Path) -> None:
    settings = MeshSettings(state_dir=tmp_path)
    with state_folder.locked(settings), pytest.raises(Refused) as refused, state_folder.locked(settings):
        pass
    assert refused.value.reason == "STATE_FOLDER_LOCKED"


def test_a_folder_is_bound_to_one_account(tmp_path: Path) -> None:
    with state_folder.locked(MeshSettings(state_dir=tmp_path)):
        pass
    other = MeshSettings(state_dir=tmp_path, api_key="another")
    with pytest.raises(Refused) as refused, state_folder.locked(other):
        pass
    assert refused.value.reason == "STATE_FOLDER_BOUND"
    assert "account" in str(refused.value)


def test_keys_are_readable_by_the_owner_alone(tmp_path: Path) -> None:
    state_folder.prepare(tmp_path)
    state_folder.make_tokens(tmp_path)
    for path in (tmp_path / "keys").iterdir():
        assert path.stat().st_mode & 0o077 == 0, path
