"""The short live view of `perpmesh up` and `perpmesh watch`: equity, position, last decision, last trade, health."""

import asyncio
from typing import Any

import grpc
from rich.console import Group
from rich.live import Live
from rich.table import Table

from perpmesh.cli.connect import console
from perpmesh.platform.settings import MeshSettings
from perpmesh_api.ai_engine.v1 import decision_service_pb2 as ai_pb
from perpmesh_api.ai_engine.v1 import decision_service_pb2_grpc as ai_rpc
from perpmesh_api.execution.v1 import order_service_pb2 as order_pb
from perpmesh_api.execution.v1 import order_service_pb2_grpc as order_rpc
from perpmesh_api.monitoring_health.v1 import monitoring_service_pb2 as health_pb
from perpmesh_api.monitoring_health.v1 import monitoring_service_pb2_grpc as health_rpc
from perpmesh_api.portfolio_intelligence.v1 import portfolio_service_pb2 as books_pb
from perpmesh_api.portfolio_intelligence.v1 import portfolio_service_pb2_grpc as books_rpc
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2 as ess_pb
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2_grpc as ess_rpc

REFRESH_SECONDS = 1.0
COLORS = {1: "green", 2: "yellow", 3: "red"}


async def watch(settings: MeshSettings, stopped: asyncio.Event) -> None:
    """Show the view until `stopped`; on something that is no terminal, a line every ten seconds."""
    async with grpc.aio.insecure_channel(f"localhost:{settings.gateway_port}") as channel:
        if not console.is_terminal:
            await _lines(channel, stopped)
            return
        with Live(console=console, auto_refresh=False) as live:
            while not stopped.is_set():
                live.update(_screen(await _read(channel)), refresh=True)
                await _pause(stopped, REFRESH_SECONDS)


async def _lines(channel: grpc.aio.Channel, stopped: asyncio.Event) -> None:
    while not stopped.is_set():
        rows = _rows(await _read(channel))
        console.print("  ".join(f"{name}: {value}" for name, value in rows), soft_wrap=True, highlight=False)
        await _pause(stopped, 10 * REFRESH_SECONDS)


async def _pause(stopped: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stopped.wait(), seconds)
    except TimeoutError:
        return


async def _read(channel: grpc.aio.Channel) -> dict[str, Any]:
    calls: dict[str, Any] = {
        "books": books_rpc.PortfolioServiceStub(channel).GetSummary(books_pb.GetSummaryRequest(), timeout=2),
        "decision": ai_rpc.DecisionServiceStub(channel).ListDecisions(ai_pb.ListDecisionsRequest(limit=1), timeout=2),
        "trade": order_rpc.OrderServiceStub(channel).ListTrades(order_pb.ListTradesRequest(limit=1), timeout=2),
        "ess": ess_rpc.EmergencyStopServiceStub(channel).GetStatus(ess_pb.GetStatusRequest(), timeout=2),
        "health": health_rpc.MonitoringServiceStub(channel).GetHealthAll(health_pb.GetHealthAllRequest(), timeout=2),
    }
    found: dict[str, Any] = {}
    for name, call in calls.items():
        try:
            found[name] = await call
        except grpc.RpcError:
            found[name] = None
    return found


def _rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("account", _account(found["books"])),
        ("positions", _positions(found["books"])),
        ("entries", _entries(found["ess"])),
        ("last decision", _decision(found["decision"])),
        ("last trade", _trade(found["trade"])),
    ]


def _screen(found: dict[str, Any]) -> Group:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in _rows(found):
        table.add_row(f"[dim]{name}[/dim]", value)
    dots = "[dim]not known[/dim]"
    if found["health"]:
        dots = "  ".join(f"[{COLORS.get(c.status, 'dim')}]●[/] {c.name}" for c in found["health"].components)
    table.add_row("[dim]health[/dim]", dots)
    return Group("", table)


def _account(answer: Any) -> str:
    if answer is None:
        return "not known"
    books = answer.summary
    return f"equity {books.equity} USDT, today {books.realized_pnl_today}, drawdown {books.drawdown}"


def _positions(answer: Any) -> str:
    if answer is None:
        return "not known"
    held = [f"{p.symbol} {p.signed_quantity} @ {p.entry_price} ({p.unrealized_pnl})" for p in answer.summary.positions]
    return ", ".join(held) or "flat"


def _entries(answer: Any) -> str:
    if answer is None:
        return "not known"
    status = answer.status
    if status.HasField("trip"):
        return f"STOPPED: {status.trip.reason}"
    if status.operator_silent:
        return "withheld: no operator was heard of (perpmesh ess heartbeat)"
    return "paused" if status.paused else "allowed" if status.can_execute else "withheld for now"


def _decision(answer: Any) -> str:
    if answer is None or not answer.decisions:
        return "none yet"
    last = answer.decisions[0]
    action = ai_pb.Action.Name(last.action).removeprefix("ACTION_")
    return f"{last.symbol} {action} {last.quantity} ({last.strategy}): {last.reasons[0] if last.reasons else ''}"


def _trade(answer: Any) -> str:
    if answer is None or not answer.trades:
        return "none yet"
    last = answer.trades[0]
    status = order_pb.TradeStatus.Name(last.status).removeprefix("TRADE_STATUS_")
    stop = last.stop_price or "-"
    return f"{last.symbol} {status} {last.quantity} @ {last.entry_price}, stop {stop}, net {last.net_pnl}"
