"""Measure what we claim, as its users meet it, and print one table per question.

`python -m benchmarks` runs every section but the slow ones, `python -m benchmarks NAME …` those named.
Absolute times are this machine's; the comparisons are ratios within one run.
"""

import asyncio
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from benchmarks import (
    alone,
    determinism,
    engine,
    events,
    exchange,
    fanout,
    figures,
    memory,
    orders,
    replay,
    rpc,
    trips,
)
from benchmarks.tables import Table, show
from perpmesh.testing.mesh import Mesh


@dataclass(frozen=True, slots=True)
class Started:
    """A mesh, when its start began (`time.monotonic()`) and the seconds it took."""

    mesh: Mesh
    began: float
    seconds: float


def _start(started: Started) -> Iterator[Table]:
    yield figures.start_and_memory(started.mesh, started.seconds)
    yield alone.first_trade(started.mesh, started.began)


# They share one mesh, which is stopped before the others begin.
IN_A_MESH: dict[str, Callable[[Started], Iterable[Table]]] = {
    "start": _start,
    "orders": lambda started: [orders.open_and_close(started.mesh)],
    "events": lambda started: [events.adoption(started.mesh)],
    "rpc": lambda started: [asyncio.run(rpc.throughput(started.mesh))],
}
# Each starts what it needs and stops it again.
BY_THEMSELVES: dict[str, Callable[[], Iterable[Table]]] = {
    "engine": engine.main,
    "decisions": lambda: [orders.decisions_at_high_speed()],
    "replay": replay.main,
    "exchange": lambda: [exchange.orders_per_second()],
    "fanout": lambda: [fanout.to_many()],
    "trips": trips.main,
}
# Only by name: they take as long as they are told to.
SLOW: dict[str, Callable[[], Iterable[Table]]] = {
    "alone": lambda: [alone.leave_alone()],
    "determinism": determinism.tables,
    "memory": memory.main,
}

Section: TypeAlias = Callable[[], Iterable[Table]]


def main() -> None:
    known = [*IN_A_MESH, *BY_THEMSELVES, *SLOW]
    wanted = sys.argv[1:] or [*IN_A_MESH, *BY_THEMSELVES]
    if unknown := set(wanted) - set(known):
        raise SystemExit(f"no section is called {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    failed = _in_a_mesh([name for name in IN_A_MESH if name in wanted])
    for name, section in (BY_THEMSELVES | SLOW).items():
        if name in wanted and not _shown(name, section):
            failed.append(name)
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


def _in_a_mesh(names: list[str]) -> list[str]:
    """Run sections on one mesh and return those that failed."""
    if not names:
        return []
    with tempfile.TemporaryDirectory(prefix="perpmesh-bench-") as folder:
        mesh, began = Mesh(Path(folder) / "state"), time.monotonic()
        try:
            started = Started(mesh, began, mesh.start())
            return [name for name in names if not _shown(name, lambda run=IN_A_MESH[name]: run(started))]
        except Exception:  # noqa: BLE001 - the others go on
            traceback.print_exc()
            return names
        finally:
            mesh.stop()


def _shown(name: str, section: Section) -> bool:
    """Print a section's tables as they come; a failure is told, and the other sections go on."""
    try:
        for table in section():
            show(table)
    except Exception:  # noqa: BLE001 - the others go on
        print(f"section {name} failed:", file=sys.stderr)
        traceback.print_exc()
        return False
    return True


if __name__ == "__main__":
    main()
