"""`perpmesh exchange replay …`: market time, as it passes at the simulated exchange."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from perpmesh.cli.connect import DEADLINE_SECONDS, exchange_control, grid, show
from perpmesh.cli.moments import moment
from perpmesh_api.exchange_sim.v1 import exchange_control_service_pb2 as pb

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Control = Annotated[
    str, typer.Option(help="host:port of an exchange's control service, as it says at its start; left out: the mesh's.")
]
LEAP_SECONDS = 600.0  # every tick on the way happens
replay = typer.Typer(no_args_is_help=True, help="Market time: look, pause, resume, step, jump, change speed.")


@replay.command("status")
def status(control: Control = "", as_json: Json = False) -> None:
    """Say where the market is and how fast it runs."""
    _call("GetReplay", pb.GetReplayRequest(), control, as_json)


@replay.command("pause")
def pause(control: Control = "", as_json: Json = False) -> None:
    """Let market time stand still. Clients are served as ever."""
    _call("PauseReplay", pb.PauseReplayRequest(), control, as_json)


@replay.command("resume")
def resume(control: Control = "", as_json: Json = False) -> None:
    """Let market time go on."""
    _call("ResumeReplay", pb.ResumeReplayRequest(), control, as_json)


@replay.command("step")
def step(
    seconds: Annotated[int, typer.Argument(help="Market seconds.", min=1, max=86_400)] = 1,
    control: Control = "",
    as_json: Json = False,
) -> None:
    """Move a paused market on by whole seconds; every tick in between happens."""
    _call("StepReplay", pb.StepReplayRequest(seconds=seconds), control, as_json)


@replay.command("jump")
def jump(
    to: Annotated[str, typer.Argument(help="A later market time: 2026-11-24T12:00 (UTC), ms, or +90s, +5m, +2h, +1d.")],
    control: Control = "",
    as_json: Json = False,
) -> None:
    """Move the market on to a later time; every tick in between happens, so orders fill and funding is paid."""
    with exchange_control(control) as stub:
        now_ms = stub.GetReplay(pb.GetReplayRequest(), timeout=DEADLINE_SECONDS).replay.market_time_ms
    _call("JumpReplay", pb.JumpReplayRequest(market_time_ms=moment(to, "TO", now_ms)), control, as_json)


@replay.command("speed")
def speed(
    times: Annotated[str, typer.Argument(help="Seconds of market per second, or max.")],
    control: Control = "",
    as_json: Json = False,
) -> None:
    """Change how fast the market runs."""
    try:
        request = pb.SetSpeedRequest(unbounded=True) if times == "max" else pb.SetSpeedRequest(speed=float(times))
    except ValueError:
        raise typer.BadParameter(f"{times} is neither a number nor max") from None
    _call("SetSpeed", request, control, as_json)


def _call(method: str, request: Any, control: str, as_json: bool) -> None:
    with exchange_control(control) as stub:
        answer = getattr(stub, method)(request, timeout=LEAP_SECONDS)
    show(answer, as_json_text=as_json, table=_table)


def _table(answer: Any) -> Table:
    found = answer.replay
    time = datetime.fromtimestamp(found.market_time_ms / 1_000, UTC).isoformat(sep=" ", timespec="seconds")
    pace = f"{found.speed:g} ×" if found.speed else "as fast as it can"
    rows = [
        ["market time", time],
        ["speed", f"{pace}, paused" if found.paused else pace],
        ["data", "synthetic continuation" if found.synthetic else "recorded"],
        ["symbols", ", ".join(found.symbols)],
        ["seed", found.seed],
        ["state", found.state_hash[:16]],
    ]
    return grid("replay", ["", ""], rows)
