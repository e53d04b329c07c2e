"""Start a mesh of its own, measure it as its users meet it, and print one table per question.

Absolute times are this machine's; the comparisons are ratios within one run.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import alone, events, figures, orders, rpc
from benchmarks.tables import Table, show
from perpmesh.testing.mesh import Mesh

SECTIONS = ("start", "orders", "events", "rpc", "decisions")
ALONE = "alone"  # not one of them: it takes as long as it is told to


def main() -> None:
    wanted = sys.argv[1:] or list(SECTIONS)
    if unknown := set(wanted) - {*SECTIONS, ALONE}:
        raise SystemExit(
            f"no section is called {', '.join(sorted(unknown))}; there are {', '.join([*SECTIONS, ALONE])}"
        )
    if ALONE in wanted:
        leave_alone(float(os.environ.get("MINUTES", "120")), float(os.environ.get("SPEED", "60")))
        return
    with tempfile.TemporaryDirectory(prefix="perpmesh-bench-") as folder:
        mesh = Mesh(Path(folder) / "state")
        began = time.monotonic()
        seconds = mesh.start()
        try:
            for table in measure(mesh, wanted, seconds, began):
                show(table)
        finally:
            mesh.stop()
    if "decisions" in wanted:
        show(orders.decisions_at_high_speed())


def leave_alone(minutes: float, speed: float) -> None:
    with tempfile.TemporaryDirectory(prefix="perpmesh-bench-") as folder:
        mesh = Mesh(Path(folder) / "state", speed=speed)
        mesh.start()
        try:
            show(alone.left_alone(mesh, minutes))
        finally:
            mesh.stop()


def measure(mesh: Mesh, wanted: list[str], start_seconds: float, began: float) -> Iterator[Table]:
    if "start" in wanted:
        yield figures.start_and_memory(mesh, start_seconds)
        yield alone.first_trade(mesh, began)
    if "orders" in wanted:
        yield orders.open_and_close(mesh)
    if "events" in wanted:
        yield events.adoption(mesh)
    if "rpc" in wanted:
        yield asyncio.run(rpc.throughput(mesh))


if __name__ == "__main__":
    main()
