"""`perpmesh ess …`, `perpmesh pause` and `perpmesh resume`: the stop."""

from pathlib import Path
from typing import Annotated, Any

import typer

from perpmesh.cli.connect import DEADLINE_SECONDS, REFUSED, gateway, grid, show
from perpmesh.platform.settings import MeshSettings
from perpmesh_api.common.v1 import trading_pb2
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2 as ess_pb
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2_grpc as ess_rpc
from perpmesh_api.risk_safety.v1 import risk_service_pb2 as risk_pb
from perpmesh_api.risk_safety.v1 import risk_service_pb2_grpc as risk_rpc

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ess = typer.Typer(no_args_is_help=True, help="The Emergency Stop System.")
TRIP_DEADLINE_SECONDS = 30.0


@ess.command("status")
def ess_status(as_json: Json = False) -> None:
    """Say whether entries are allowed. Exit code 0 when they are, 1 when not."""
    with gateway() as channel:
        stub: Any = ess_rpc.EmergencyStopServiceStub(channel)
        answer = stub.GetStatus(ess_pb.GetStatusRequest(), timeout=DEADLINE_SECONDS)
    show(answer, as_json_text=as_json, table=_status_table)
    raise typer.Exit(0 if answer.status.can_execute else REFUSED)


@ess.command("trip")
def ess_trip(
    reason: Annotated[str, typer.Option(help="Why, in words.")] = "",
    flatten: Annotated[bool, typer.Option(help="Also close every position at market.")] = False,
    as_json: Json = False,
) -> None:
    """Stop the taking of risk. When this returns, no entry can reach the exchange any more."""
    mode = ess_pb.TRIP_MODE_FLATTEN if flatten else ess_pb.TRIP_MODE_BLOCK
    with gateway() as channel:
        stub: Any = ess_rpc.EmergencyStopServiceStub(channel)
        answer = stub.Trip(ess_pb.TripRequest(reason=reason, mode=mode), timeout=TRIP_DEADLINE_SECONDS)
    show(answer, as_json_text=as_json, table=_trip_table)


@ess.command("reset")
def ess_reset(
    reason: Annotated[str, typer.Option(help="Why it is safe again, in words.")],
    operator_token: Annotated[str, typer.Option(help="A file with the operator's token.")] = "",
    approver_token: Annotated[str, typer.Option(help="A file with the approver's token.")] = "",
    stage: Annotated[
        str, typer.Option(help="SHADOW, PAPER, QUARTER, HALF or FULL; left out, the one that the way up begins with.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Lift a trip into a stage, or change the stage. It takes two identities' tokens (in .perpmesh/keys unless named).

    Where the gates between the stages bind, the way up is one stage at a time; `perpmesh ess status` says what is
    missing.
    """
    settings = MeshSettings.load()
    keys = settings.state_dir / "keys"
    tokens = [
        (Path(operator_token) if operator_token else keys / "operator.token").read_text().strip(),
        (Path(approver_token) if approver_token else keys / "approver.token").read_text().strip(),
    ]
    request = ess_pb.ResetRequest(
        reason=reason,
        operator_token=tokens[0],
        approver_token=tokens[1],
        stage=trading_pb2.Stage.Value(f"STAGE_{stage.upper() or 'UNSPECIFIED'}"),
    )
    with gateway(settings) as channel:
        stub: Any = ess_rpc.EmergencyStopServiceStub(channel)
        answer = stub.Reset(request, timeout=TRIP_DEADLINE_SECONDS)
    show(answer, as_json_text=as_json, table=_status_table)


def pause(reason: Annotated[str, typer.Option(help="Why, in words.")] = "") -> None:
    """Take no new entries, without a trip. Exits and protection go on."""
    with gateway() as channel:
        stub: Any = risk_rpc.RiskServiceStub(channel)
        show(
            stub.PauseEntries(risk_pb.PauseEntriesRequest(reason=reason), timeout=DEADLINE_SECONDS),
            as_json_text=False,
            table=_status_table,
        )


def resume(reason: Annotated[str, typer.Option(help="Why, in words.")] = "") -> None:
    """End a pause. It does not lift a trip."""
    with gateway() as channel:
        stub: Any = risk_rpc.RiskServiceStub(channel)
        show(
            stub.ResumeEntries(risk_pb.ResumeEntriesRequest(reason=reason), timeout=DEADLINE_SECONDS),
            as_json_text=False,
            table=_status_table,
        )


def _status_table(answer: Any) -> Any:
    status = answer.status
    trip = f"{ess_pb.TripTrigger.Name(status.trip.trigger)}: {status.trip.reason}" if status.HasField("trip") else "-"
    limits = status.limits
    return grid(
        "emergency stop",
        ["", ""],
        [
            ["state", ess_pb.EssState.Name(status.state)],
            ["entries allowed", status.can_execute],
            ["stage", trading_pb2.Stage.Name(status.stage)],
            ["next stage", _next_stage(status.stage_gate)],
            ["operator", "silent: entries are withheld" if status.operator_silent else "-"],
            ["paused", status.paused],
            ["epoch", status.epoch],
            ["trip", trip],
            ["equity", limits.equity],
            ["daily loss", f"{limits.daily_loss} of {limits.daily_loss_limit}"],
            ["weekly loss", f"{limits.weekly_loss} of {limits.weekly_loss_limit}"],
            ["drawdown", f"{limits.drawdown} of {limits.drawdown_limit}"],
            ["losses in a row", f"{limits.consecutive_losses} of {limits.consecutive_losses_limit}"],
            ["environment", trading_pb2.Environment.Name(status.environment)],
        ],
    )


def _next_stage(gate: Any) -> str:
    if gate.next == trading_pb2.STAGE_UNSPECIFIED:
        return "-"
    missing = "; ".join(gate.unmet) if gate.binding else "free: no gate binds on this exchange"
    return f"{trading_pb2.Stage.Name(gate.next)}: {missing or 'earned'}"


def _trip_table(answer: Any) -> Any:
    holds = "was tripped already" if answer.already_tripped else f"holds ({answer.released_by})"
    return grid(
        f"tripped: {holds}",
        ["", ""],
        [
            ["reason", answer.trip.reason],
            ["who", answer.trip.actor],
            ["canceled", ", ".join(answer.canceled_orders) or "-"],
            ["open", ", ".join(answer.open_positions) or "-"],
            ["protected", ", ".join(answer.protected_positions) or "-"],
        ],
    )
