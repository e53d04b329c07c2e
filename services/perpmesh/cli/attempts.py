"""`perpmesh ess heartbeat` and `perpmesh ess audit`: that an operator is there, and what was tried."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.markup import escape

from perpmesh.cli.connect import DEADLINE_SECONDS, gateway, grid, show
from perpmesh.cli.safety import Json
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2 as pb
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2_grpc as rpc


def heartbeat(as_json: Json = False) -> None:
    """Say that an operator is there. With policy ess.operator_heartbeat_s set, entries stop when nobody does."""
    with gateway() as channel:
        stub: Any = rpc.EmergencyStopServiceStub(channel)
        answer = stub.Heartbeat(pb.HeartbeatRequest(), timeout=DEADLINE_SECONDS)
    show(answer, as_json_text=as_json, table=_heartbeat_table)


def audit(
    action: Annotated[str, typer.Option(help="Only of this action: Trip, Reset, UpdatePolicy …")] = "",
    limit: Annotated[int, typer.Option(help="At most this many.")] = 20,
    as_json: Json = False,
) -> None:
    """Show who tried to trip, reset, pause or set policy, and what came of it, newest first."""
    with gateway() as channel:
        stub: Any = rpc.EmergencyStopServiceStub(channel)
        answer = stub.ListAttempts(pb.ListAttemptsRequest(action=action, limit=limit), timeout=DEADLINE_SECONDS)
    show(answer, as_json_text=as_json, table=_audit_table)


def _heartbeat_table(answer: Any) -> Any:
    good = f"{answer.good_for_ms // 1000} s" if answer.good_for_ms else "no heartbeat is asked for"
    return grid("heartbeat", ["", ""], [["good for", good], ["entries allowed", answer.status.can_execute]])


def _audit_table(answer: Any) -> Any:
    return grid(
        "attempts",
        ["", "when (UTC)", "who", "role", "action", "asked", "outcome", "why not"],
        [
            [
                each.sequence, datetime.fromtimestamp(each.at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S"), each.actor,
                each.role, each.action, escape(", ".join(f"{key} {each.asked[key]}" for key in sorted(each.asked))),
                each.outcome, escape(each.message),
            ]
            for each in answer.attempts
        ],
    )  # fmt: skip
