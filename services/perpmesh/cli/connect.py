"""Calling the mesh through its gateway, and saying what came back: for people as tables, for scripts as JSON."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, cast

import grpc
import typer
from google.protobuf import json_format
from google.protobuf.message import Message
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from perpmesh.platform.settings import MeshSettings
from perpmesh_api.exchange_sim.v1 import exchange_control_service_pb2_grpc as exchange_rpc

REFUSED, USAGE, UNAVAILABLE, UNHEALTHY = 1, 2, 3, 4
EXIT_OF_CODE = {
    grpc.StatusCode.INVALID_ARGUMENT: USAGE,
    grpc.StatusCode.UNAVAILABLE: UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: UNAVAILABLE,
}
DEADLINE_SECONDS = 15.0
PIPED_WIDTH = 180  # a pipe has no width; eighty columns would cut what a script or a log wants whole
console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
errors = Console(stderr=True)


@contextmanager
def gateway(settings: MeshSettings | None = None) -> Iterator[Any]:
    """Open a channel to the gateway; end the command with a clear error and exit code when a call fails."""
    settings = settings or MeshSettings.load()
    address = f"localhost:{settings.gateway_port}"
    with grpc.insecure_channel(address) as channel:
        try:
            yield channel
        except grpc.RpcError as error:
            fail(error, address)


@contextmanager
def exchange_control(address: str) -> Iterator[Any]:
    """Call the control service at host:port, or that of the mesh's exchange when it is empty."""
    if not address:
        with gateway() as channel:
            yield exchange_rpc.ExchangeControlServiceStub(cast("Any", channel))
        return
    with grpc.insecure_channel(address) as channel:
        stub: Any = exchange_rpc.ExchangeControlServiceStub(cast("Any", channel))
        try:
            yield stub
        except grpc.RpcError as error:
            fail(error, address, what="the exchange")


def fail(error: Any, address: str, *, what: str = "the mesh") -> NoReturn:
    """Say what a failed call means and leave with its exit code."""
    code = error.code()
    hint = f" (is {what} up at {address}?)" if code is grpc.StatusCode.UNAVAILABLE else ""
    errors.print(f"[red]{code.name}[/red] {escape(error.details() or '')}{hint}", soft_wrap=True)
    raise typer.Exit(EXIT_OF_CODE.get(code, REFUSED))


def as_json(message: Message) -> dict[str, Any]:
    """Return a message as plain values, with the contract's own field names and every field present."""
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def show(message: Message, *, as_json_text: bool, table: Callable[[Any], Table] | None = None) -> None:
    """Print a message: as JSON, or as the table `table` makes of it."""
    if as_json_text or table is None:
        print(json.dumps(as_json(message), indent=2))
    else:
        console.print(table(message))


def grid(title: str, columns: list[str], rows: list[list[Any]]) -> Table:
    """Return a table of strings."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    return table
