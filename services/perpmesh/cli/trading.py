"""`perpmesh decisions|orders|trades|positions|flatten`: what the mesh thinks, sent and holds."""

from typing import Annotated, Any

import typer

from perpmesh.cli.connect import DEADLINE_SECONDS, REFUSED, gateway, grid, show
from perpmesh_api.ai_engine.v1 import decision_service_pb2 as ai_pb
from perpmesh_api.ai_engine.v1 import decision_service_pb2_grpc as ai_rpc
from perpmesh_api.common.v1 import trading_pb2
from perpmesh_api.execution.v1 import order_service_pb2 as pb
from perpmesh_api.execution.v1 import order_service_pb2_grpc as rpc

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Symbol = Annotated[str, typer.Option(help="Only this symbol.")]
Limit = Annotated[int, typer.Option(help="At most this many.")]
FLATTEN_DEADLINE_SECONDS = 30.0


def decisions(
    symbol: Symbol = "",
    limit: Limit = 20,
    holds: Annotated[bool, typer.Option(help="Also those that abstained.")] = False,
    as_json: Json = False,
) -> None:
    """Show decisions, newest first."""
    with gateway() as channel:
        stub: Any = ai_rpc.DecisionServiceStub(channel)
        request = ai_pb.ListDecisionsRequest(symbol=symbol, limit=limit, include_holds=holds)
        answer = stub.ListDecisions(request, timeout=DEADLINE_SECONDS)
    show(
        answer,
        as_json_text=as_json,
        table=lambda found: grid(
            "decisions",
            ["decision", "symbol", "action", "quantity", "at", "stop", "strategy", "regime", "first reason"],
            [
                [
                    d.decision_id[:10],
                    d.symbol,
                    ai_pb.Action.Name(d.action).removeprefix("ACTION_"),
                    d.quantity,
                    d.reference_price,
                    d.stop_price,
                    d.strategy,
                    d.regime,
                    d.reasons[0] if d.reasons else "",
                ]
                for d in found.decisions
            ],
        ),
    )


def orders(symbol: Symbol = "", limit: Limit = 20, open_only: bool = False, as_json: Json = False) -> None:
    """Show orders of the command log, newest first."""
    with gateway() as channel:
        stub: Any = rpc.OrderServiceStub(channel)
        request = pb.ListOrdersRequest(symbol=symbol, limit=limit, open_only=open_only)
        answer = stub.ListOrders(request, timeout=DEADLINE_SECONDS)
    show(
        answer,
        as_json_text=as_json,
        table=lambda found: grid(
            "orders",
            ["client id", "symbol", "leg", "side", "type", "quantity", "trigger", "status", "filled", "at", "reason"],
            [
                [
                    o.client_order_id,
                    o.symbol,
                    pb.OrderLeg.Name(o.leg).removeprefix("ORDER_LEG_"),
                    _side(o.side),
                    o.type,
                    o.quantity or "all",
                    o.trigger_price,
                    pb.OrderStatus.Name(o.status).removeprefix("ORDER_STATUS_"),
                    o.executed_quantity,
                    o.average_price,
                    o.reason,
                ]
                for o in found.orders
            ],
        ),
    )


def trades(symbol: Symbol = "", limit: Limit = 20, open_only: bool = False, as_json: Json = False) -> None:
    """Show trades, flat to flat, newest first."""
    with gateway() as channel:
        stub: Any = rpc.OrderServiceStub(channel)
        request = pb.ListTradesRequest(symbol=symbol, limit=limit, open_only=open_only)
        answer = stub.ListTrades(request, timeout=DEADLINE_SECONDS)
    show(
        answer,
        as_json_text=as_json,
        table=lambda found: grid(
            "trades",
            ["trade", "symbol", "side", "status", "quantity", "entry", "exit", "stop", "net pnl", "strategy", "how"],
            [
                [
                    t.trade_id[:10],
                    t.symbol,
                    _side(t.side),
                    pb.TradeStatus.Name(t.status).removeprefix("TRADE_STATUS_"),
                    t.quantity,
                    t.entry_price,
                    t.exit_price,
                    t.stop_price,
                    t.net_pnl,
                    t.strategy,
                    t.close_reason,
                ]
                for t in found.trades
            ],
        ),
    )


def positions(as_json: Json = False) -> None:
    """Show open positions with the stop that covers them."""
    with gateway() as channel:
        stub: Any = rpc.OrderServiceStub(channel)
        answer = stub.ListPositions(pb.ListPositionsRequest(), timeout=DEADLINE_SECONDS)
    show(
        answer,
        as_json_text=as_json,
        table=lambda found: grid(
            f"positions ({found.reconciled_age_ms} ms ago)",
            ["symbol", "quantity", "entry", "mark", "unrealised", "stop", "liquidation"],
            [
                [
                    p.symbol,
                    p.signed_quantity,
                    p.entry_price,
                    p.mark_price,
                    p.unrealized_pnl,
                    p.stop_price or "NONE",
                    p.liquidation_price,
                ]
                for p in found.positions
            ],
        ),
    )


def flatten(symbol: Symbol = "", reason: str = "", as_json: Json = False) -> None:
    """Cancel resting entries and close positions at market. Exit code 1 when something is still open."""
    with gateway() as channel:
        stub: Any = rpc.OrderServiceStub(channel)
        answer = stub.Flatten(pb.FlattenRequest(symbol=symbol, reason=reason), timeout=FLATTEN_DEADLINE_SECONDS)
    show(
        answer,
        as_json_text=as_json,
        table=lambda done: grid(
            "flatten",
            ["symbol", "side", "filled", "at", "status"],
            [
                [
                    o.symbol,
                    _side(o.side),
                    o.executed_quantity,
                    o.average_price,
                    pb.OrderStatus.Name(o.status).removeprefix("ORDER_STATUS_"),
                ]
                for o in done.orders
            ],
        ),
    )
    raise typer.Exit(REFUSED if answer.remaining else 0)


def _side(side: Any) -> str:
    return trading_pb2.Side.Name(side).removeprefix("SIDE_")
