"""What the machine and the mesh's processes use."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFigures:
    """What one process uses. `pid` 0: it is not on this machine now."""

    name: str
    pid: int = 0
    cpu_percent: float = 0.0
    memory_bytes: int = 0
    starts: int = 0
    uptime_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One reading."""

    cpu_percent: float
    memory_total_bytes: int
    memory_available_bytes: int
    disk_total_bytes: int
    disk_free_bytes: int
    load_average: float
    processes: Sequence[ProcessFigures]

    @property
    def mesh_memory_bytes(self) -> int:
        return sum(process.memory_bytes for process in self.processes)
