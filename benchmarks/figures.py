"""How long a start takes and how much memory the mesh holds."""

from benchmarks.alone import memory
from benchmarks.tables import Table
from perpmesh.testing.mesh import Mesh

PROMISED_START_SECONDS = 15
PROMISED_MB = 1000


def start_and_memory(mesh: Mesh, start_seconds: float) -> Table:
    table = Table("From `up` to every health check green, and proportional set size", ["", "measured", "promised"])
    table.rows.append(("start, seconds", f"{start_seconds:.1f}", PROMISED_START_SECONDS))
    sizes = memory(mesh)
    table.rows += [(f"{name}, MB", f"{size:.0f}", "") for name, size in sizes.items()]
    table.rows.append(("the whole mesh, MB", f"{sum(sizes.values()):.0f}", PROMISED_MB))
    return table
