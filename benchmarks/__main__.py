"""Start a mesh of its own, measure it as its users meet it, and print one table per question.

Absolute times are this machine's; the comparisons are ratios within one run.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from benchmarks import events, figures, orders, rpc
from benchmarks.tables import Table, show
from perpmesh.testing.mesh import Mesh

SECTIONS = ("start", "orders", "rpc", "events", "decisions")


def main() -> None:
    wanted = sys.argv[1:] or list(SECTIONS)
    if unknown := set(wanted) - set(SECTIONS):
        raise SystemExit(f"no section is called {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    with tempfile.TemporaryDirectory(prefix="perpmesh-bench-") as folder:
        mesh = Mesh(Path(folder) / "state")
        seconds = mesh.start()
        try:
            for table in measure(mesh, wanted, seconds):
                show(table)
        finally:
            mesh.stop()
    if "decisions" in wanted:
        show(orders.decisions_at_high_speed())


def measure(mesh: Mesh, wanted: list[str], start_seconds: float) -> list[Table]:
    tables: list[Table] = []
    if "start" in wanted:
        tables.append(figures.start_and_memory(mesh, start_seconds))
    if "orders" in wanted:
        tables.append(orders.open_and_close(mesh))
    if "events" in wanted:
        tables.append(events.adoption(mesh))
    if "rpc" in wanted:
        tables.append(asyncio.run(rpc.throughput(mesh)))
    return tables


if __name__ == "__main__":
    main()
