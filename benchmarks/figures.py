"""How long a start takes and how much memory the mesh holds."""

import psutil

from benchmarks.tables import Table
from perpmesh.testing.mesh import Mesh

PROMISED_START_SECONDS = 15
PROMISED_BYTES = 1.0e9


def start_and_memory(mesh: Mesh, start_seconds: float) -> Table:
    table = Table("From `up` to every health check green, and proportional set size", ["", "measured", "promised"])
    table.rows.append(("start, seconds", f"{start_seconds:.1f}", PROMISED_START_SECONDS))
    total = 0
    for name, entry in mesh.processes().items():
        size = psutil.Process(entry["pid"]).memory_full_info().pss
        total += size
        table.rows.append((f"{name}, MB", f"{size / 1e6:.0f}", ""))
    table.rows.append(("the whole mesh, MB", f"{total / 1e6:.0f}", f"{PROMISED_BYTES / 1e6:.0f}"))
    return table
