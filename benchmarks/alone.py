"""The mesh left alone: how soon it trades, and whether it goes on trading without growing."""

import os
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.tables import Table
from perpmesh.testing.mesh import Mesh, eventually, running
from perpmesh_api.execution.v1 import order_service_pb2 as order_pb
from perpmesh_api.portfolio_intelligence.v1 import portfolio_service_pb2 as books_pb
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2 as ess_pb

FIRST_TRADE_SECONDS = 300.0
WARM_SECONDS = 120  # caches fill first: growth is counted from here
MS_PER_DAY = 86_400_000


def first_trade(mesh: Mesh, started: float) -> Table:
    """From the start of the mesh to the first trade the engine decided, protected on the exchange."""

    def seen() -> bool:
        trades = mesh.orders.ListTrades(order_pb.ListTradesRequest(), timeout=5).trades
        return any(trade.decision_id and trade.stop_price for trade in trades)

    eventually("the engine has traded", seen, within=FIRST_TRADE_SECONDS)
    table = Table("The engine's first trade", ["", "measured", "promised"])
    table.rows.append(("seconds from the start", f"{time.monotonic() - started:.0f}", f"{FIRST_TRADE_SECONDS:.0f}"))
    return table


def leave_alone() -> Table:
    """Leave a mesh of its own alone for MINUTES at SPEED × (from the environment)."""
    minutes, speed = float(os.environ.get("MINUTES", "120")), float(os.environ.get("SPEED", "60"))
    with (
        tempfile.TemporaryDirectory(prefix="perpmesh-bench-") as folder,
        running(Path(folder) / "state", speed=speed) as mesh,
    ):
        return left_alone(mesh, minutes)


def left_alone(mesh: Mesh, minutes: float) -> Table:
    """Leave it for `minutes` and tell what it did, what it cost, and what grew."""
    time.sleep(WARM_SECONDS)
    before, market_before = memory(mesh), _summary(mesh).market_time_ms
    time.sleep(max(0.0, minutes * 60 - WARM_SECONDS))
    after, books = memory(mesh), _summary(mesh)
    status = mesh.ess.GetStatus(ess_pb.GetStatusRequest(), timeout=10).status
    table = Table(f"Left alone for {minutes:g} minutes at {mesh.settings.exchange_speed:g} ×", ["", ""])
    table.rows += [
        ("market days", f"{(books.market_time_ms - market_before) / MS_PER_DAY:.2f}"),
        ("stop", status.trip.reason if status.HasField("trip") else "never tripped"),
        ("trades closed / won", f"{books.trades} / {books.wins}"),
        ("equity, USDT", books.equity),
        ("commission / funding, USDT", f"{books.commission_total} / {books.funding_total}"),
        ("drawdown", books.drawdown),
        ("books agree with the exchange", books.books_agree),
        ("restarts", sum(entry["starts"] - 1 for entry in mesh.processes().values())),
    ]
    table.rows += [(f"{name}, MB", f"{before[name]:.0f} → {after.get(name, 0):.0f}") for name in before]
    table.rows.append(("the whole mesh, MB", f"{sum(before.values()):.0f} → {sum(after.values()):.0f}"))
    return table


def memory(mesh: Mesh) -> dict[str, float]:
    """Proportional set size of each process, MB."""
    return {name: psutil.Process(p["pid"]).memory_full_info().pss / 1e6 for name, p in mesh.processes().items()}


def _summary(mesh: Mesh) -> books_pb.Summary:
    summary: books_pb.Summary = mesh.books.GetSummary(books_pb.GetSummaryRequest(), timeout=10).summary
    return summary
