"""`perpmesh exchange fault …`: what is to go wrong at the simulated exchange, to whom, how often and when."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from google.protobuf import json_format
from rich.table import Table

from perpmesh.cli.connect import DEADLINE_SECONDS, as_json, console, exchange_control, grid, show
from perpmesh.cli.exchange_replay import Control, Json
from perpmesh.cli.moments import moment
from perpmesh.platform.time import SystemClock
from perpmesh_api.exchange_sim.v1 import exchange_control_service_pb2 as pb
from perpmesh_api.exchange_sim.v1 import faults_pb2

fault = typer.Typer(no_args_is_help=True, help="Faults on demand. `fault kinds` lists what can go wrong.")
MESSAGES: dict[str, Any] = {
    field.name: field.message_type for field in faults_pb2.FaultSpec.DESCRIPTOR.oneofs_by_name["kind"].fields
}


@fault.command("add")
def add(
    kind: Annotated[str, typer.Argument(help="One of `fault kinds`, such as rate-limit.")],
    account: Annotated[str, typer.Option(help="Only this account: its id or API key.")] = "",
    symbol: Annotated[str, typer.Option(help="Only this symbol.")] = "",
    endpoint: Annotated[str, typer.Option(help="Only these, with * and ?: 'POST /fapi/v1/order'.")] = "",
    stream: Annotated[str, typer.Option(help="Only these, with * and ?: 'btcusdt@*'; user is the user stream.")] = "",
    event: Annotated[str, typer.Option(help="Only these user events, with * and ?: ORDER_TRADE_UPDATE.")] = "",
    count: Annotated[int, typer.Option(help="Strike so many times; 0: no end.")] = 0,
    probability: Annotated[float | None, typer.Option(help="Strike with this probability.")] = None,
    begin: Annotated[str, typer.Option("--from", help="Wall time, or +30s from now.")] = "",
    until: Annotated[str, typer.Option("--until", help="Wall time, or +30s from now.")] = "",
    seed: Annotated[int, typer.Option(help="Seed of its randomness; 0: from its number.")] = 0,
    param: Annotated[list[str] | None, typer.Option(help="A parameter of the kind, NAME=VALUE; repeatable.")] = None,
    control: Control = "",
    as_json: Json = False,
) -> None:
    """Let something go wrong from now on, until it is removed or used up, or the exchange restarts."""
    name, now_ms = _known(kind), SystemClock().now_ms()
    scope = faults_pb2.FaultScope(
        account=account,
        symbol=symbol,
        endpoint=endpoint,
        stream=stream,
        event=event,
        count=count,
        probability=probability,
        from_ms=moment(begin, "--from", now_ms) if begin else 0,
        until_ms=moment(until, "--until", now_ms) if until else 0,
    )
    spec = faults_pb2.FaultSpec(scope=scope, seed=seed)
    _read_parameters(name, param or [], getattr(spec, name))
    with exchange_control(control) as stub:
        answer = stub.AddFault(pb.AddFaultRequest(fault=spec), timeout=DEADLINE_SECONDS)
    show(answer, as_json_text=as_json, table=lambda added: _table([added.fault]))


@fault.command("list")
def list_(control: Control = "", as_json: Json = False) -> None:
    """Show the faults that were added and not removed, and how often each struck."""
    with exchange_control(control) as stub:
        answer = stub.ListFaults(pb.ListFaultsRequest(), timeout=DEADLINE_SECONDS)
    show(answer, as_json_text=as_json, table=lambda found: _table(found.faults))


@fault.command("remove")
def remove(
    fault_id: Annotated[str, typer.Argument(help="Its id, as `fault list` shows it.")],
    control: Control = "",
    as_json: Json = False,
) -> None:
    """End a fault."""
    with exchange_control(control) as stub:
        answer = stub.RemoveFault(pb.RemoveFaultRequest(fault_id=fault_id), timeout=DEADLINE_SECONDS)
    show(answer, as_json_text=as_json, table=lambda ended: _table([ended.fault]))


@fault.command("clear")
def clear(control: Control = "", as_json: Json = False) -> None:
    """End all faults."""
    with exchange_control(control) as stub:
        answer = stub.ClearFaults(pb.ClearFaultsRequest(), timeout=DEADLINE_SECONDS)
    show(answer, as_json_text=as_json, table=lambda ended: _table(ended.faults))


@fault.command("kinds")
def kinds() -> None:
    """List what can go wrong, with its parameters, and what each kind stands for."""
    from perpmesh.exchange_sim.domain.fault_catalogue import CATALOGUE  # noqa: PLC0415 - only needed here

    rows: list[list[Any]] = [
        [_shown(name), entry.does, ", ".join(_parameters(name)) or "–", entry.stands_for]
        for name, entry in CATALOGUE.items()
    ]
    console.print(grid("kinds of faults", ["kind", "what happens", "parameters", "stands for"], rows))


def _known(kind: str) -> str:
    name = kind.lower().replace("-", "_")
    if name not in MESSAGES:
        raise typer.BadParameter(f"no kind of fault is called {kind}; there are {', '.join(map(_shown, MESSAGES))}")
    return name


def _parameters(name: str) -> list[str]:
    return [field.name for field in MESSAGES[name].fields]


def _shown(name: str) -> str:
    return name.replace("_", "-")


def _read_parameters(name: str, given: Sequence[str], message: Any) -> None:
    """Read NAME=VALUE pairs into the message of a kind; a list is written with commas."""
    message.SetInParent()
    for text in given:
        field, sign, value = text.partition("=")
        if not sign or field not in _parameters(name):
            known = ", ".join(_parameters(name)) or "none"
            raise typer.BadParameter(f"--param {text}: {_shown(name)} takes NAME=VALUE with the names: {known}")
        repeated = MESSAGES[name].fields_by_name[field].is_repeated
        try:
            json_format.ParseDict({field: value.split(",") if repeated else value}, message)
        except json_format.ParseError:
            raise typer.BadParameter(f"--param {text}: {value} is not a value that {field} can have") from None


def _table(faults: Sequence[Any]) -> Table:
    rows: list[list[Any]] = [
        [
            each.fault_id,
            _shown(each.kind),
            _said(as_json(getattr(each.spec, each.kind))),
            _said(as_json(each.spec.scope)) or "everywhere",
            each.fired,
            "spent" if each.spent else "in force",
        ]
        for each in faults
    ]
    return grid("faults", ["id", "kind", "parameters", "where", "struck", ""], rows)


def _said(values: dict[str, Any]) -> str:
    """Write what was said of a fault, and leave out what was not."""
    said = {name: value for name, value in values.items() if value not in ("", 0, "0", 1.0, [])}
    return ", ".join(
        f"{name} {','.join(map(str, value)) if isinstance(value, list) else value}" for name, value in said.items()
    )
