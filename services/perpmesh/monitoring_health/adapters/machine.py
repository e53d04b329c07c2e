"""The machine's figures through psutil; which processes are ours stands in the supervisor's own file."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from perpmesh.kernel.time import Clock
from perpmesh.monitoring_health.domain.machine import Machine, ProcessFigures

FRESH_MS = 1_000  # shares of a core over a shorter time than this say nothing


class PsutilInstruments:
    """Implements `ports.Instruments`."""

    def __init__(self, state_dir: Path, clock: Clock) -> None:
        self._state_dir = state_dir
        self._clock = clock
        self._known: dict[int, psutil.Process] = {}
        self._newest: Machine | None = None
        self._read_at_ms = 0
        self._turn = asyncio.Lock()
        psutil.cpu_percent()  # the first call only remembers where the counters stand

    async def read(self) -> Machine:
        """Return figures that are at most a second old."""
        async with self._turn:
            now = self._clock.now_ms()
            if self._newest is None or now - self._read_at_ms >= FRESH_MS:
                self._newest = await asyncio.to_thread(self._measure, now)
                self._read_at_ms = now
            return self._newest

    def _measure(self, now_ms: int) -> Machine:
        memory = psutil.virtual_memory()
        disk = psutil.disk_usage(str(self._state_dir if self._state_dir.exists() else self._state_dir.anchor or "."))
        listed = self._listed()
        processes = [self._process(name, entry, now_ms) for name, entry in listed.items()]
        running = {process.pid for process in processes}
        self._known = {pid: process for pid, process in self._known.items() if pid in running}
        return Machine(
            cpu_percent=psutil.cpu_percent(),
            memory_total_bytes=memory.total,
            memory_available_bytes=memory.available,
            disk_total_bytes=disk.total,
            disk_free_bytes=disk.free,
            load_average=psutil.getloadavg()[0],
            processes=processes,
        )

    def _listed(self) -> Mapping[str, Any]:
        """Return what the supervisor runs; nothing where another supervisor does (a container has one process)."""
        try:
            found: Mapping[str, Any] = json.loads((self._state_dir / "run" / "processes.json").read_text())["processes"]
        except (OSError, ValueError, KeyError):
            return {}
        return found

    def _process(self, name: str, entry: Mapping[str, Any], now_ms: int) -> ProcessFigures:
        pid, starts = int(entry["pid"]), int(entry["starts"])
        try:
            process = self._known.get(pid)
            if process is None or not process.is_running():
                process = self._known[pid] = psutil.Process(pid)
            return ProcessFigures(
                name=name,
                pid=pid,
                cpu_percent=process.cpu_percent(),
                memory_bytes=_proportional_set(process),
                starts=starts,
                uptime_seconds=max(now_ms / 1000 - process.create_time(), 0.0),
            )
        except psutil.Error:
            return ProcessFigures(name=name, starts=starts)


def _proportional_set(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (psutil.AccessDenied, AttributeError):
        return int(process.memory_info().rss)
