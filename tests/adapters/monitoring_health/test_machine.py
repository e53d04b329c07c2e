"""Figures of real processes."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from perpmesh.kernel.time import ManualClock
from perpmesh.monitoring_health.adapters.machine import PsutilInstruments
from perpmesh.platform.time import SystemClock


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.wait()
    if process.stdin:
        process.stdin.close()


def write(state_dir: Path, **processes: dict[str, int]) -> None:
    (state_dir / "run").mkdir(exist_ok=True)
    (state_dir / "run" / "processes.json").write_text(json.dumps({"processes": processes}))


async def test_a_running_process_is_measured(tmp_path: Path, child: subprocess.Popen[bytes]) -> None:
    write(tmp_path, execution={"pid": child.pid, "starts": 2, "started_at_ms": 0})
    machine = await PsutilInstruments(tmp_path, SystemClock()).read()
    (process,) = machine.processes
    assert (process.name, process.pid, process.starts) == ("execution", child.pid, 2)
    assert process.memory_bytes > 1_000_000
    assert process.uptime_seconds > 0
    assert machine.mesh_memory_bytes == process.memory_bytes
    assert 0 < machine.memory_available_bytes < machine.memory_total_bytes
    assert 0 < machine.disk_free_bytes < machine.disk_total_bytes


async def test_a_process_that_died_is_listed_without_figures(tmp_path: Path, child: subprocess.Popen[bytes]) -> None:
    write(tmp_path, execution={"pid": child.pid, "starts": 1, "started_at_ms": 0})
    clock = ManualClock()
    instruments = PsutilInstruments(tmp_path, clock)
    assert (await instruments.read()).processes[0].pid == child.pid
    child.kill()
    child.wait()
    clock.advance(2_000)
    (process,) = (await instruments.read()).processes
    assert (process.name, process.pid, process.memory_bytes, process.starts) == ("execution", 0, 0, 1)


@pytest.mark.parametrize("content", ["", "{}", "[1", '{"processes": {}}'])
async def test_without_a_supervisor_there_are_no_processes_and_the_machine_is_measured_all_the_same(
    tmp_path: Path, content: str
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "processes.json").write_text(content)
    machine = await PsutilInstruments(tmp_path, SystemClock()).read()
    assert machine.processes == []
    assert machine.memory_total_bytes > 0


async def test_two_readings_within_a_second_are_one(tmp_path: Path) -> None:
    clock = ManualClock()
    instruments = PsutilInstruments(tmp_path, clock)
    first = await instruments.read()
    clock.advance(999)
    assert await instruments.read() is first
    clock.advance(1)
    assert await instruments.read() is not first
