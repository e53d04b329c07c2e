"""`perpmesh exchange`: the simulated exchange alone, for anybody's bot; `perpmesh exchange …` turns its knobs."""

import asyncio
import math
import socket
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perpmesh.cli.connect import USAGE, console, errors
from perpmesh.cli.exchange_accounts import account
from perpmesh.cli.exchange_faults import fault
from perpmesh.cli.exchange_replay import replay
from perpmesh.cli.moments import moment
from perpmesh.kernel.errors import Refused
from perpmesh.platform import telemetry

if TYPE_CHECKING:
    from perpmesh.exchange_sim.config import Config

CONTROL_OFFSET = 10_000  # from the exchange's port to that of its control service
PORT_MAX = 65_535
exchange = typer.Typer(
    invoke_without_command=True, help="Serve the simulated exchange alone, or turn the knobs of one that runs."
)
exchange.add_typer(fault, name="fault")
exchange.add_typer(account, name="account")
exchange.add_typer(replay, name="replay")


def _control_address(asked: str, port: int) -> str:
    """Return where the control service listens; "" when nowhere, as when nothing was asked and its port is taken."""
    if asked:
        return "" if asked == "none" else asked
    if not 0 < port <= PORT_MAX - CONTROL_OFFSET:
        return ""
    with socket.socket() as probe:
        return f"127.0.0.1:{port + CONTROL_OFFSET}" if probe.connect_ex(("127.0.0.1", port + CONTROL_OFFSET)) else ""


def _speed(text: str) -> float:
    """Read a factor, or `max`, which the replay's clock writes 0."""
    speed = 0.0 if text == "max" else float(text)
    if not 0 <= speed < math.inf:
        raise ValueError(text)
    return speed


def _announce(config: "Config") -> None:
    pace = f"{config.speed:g} × real time" if config.speed else "as fast as it can"
    address = f"{config.host}:{config.port}"
    console.print(f"REST http://{address}/fapi   WebSocket ws://{address}   {pace}")
    if config.grpc_listen:
        console.print(f"control: perpmesh exchange fault add … --control {config.grpc_listen}   (kinds: … fault kinds)")
    console.print(f"accounts: {', '.join(one.api_key for one in config.accounts)}   stop with Ctrl-C")


@exchange.callback()
def serve(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Where to listen.")] = 8010,
    host: Annotated[str, typer.Option(help="Which address to listen on.")] = "127.0.0.1",
    data: Annotated[
        list[Path] | None,
        typer.Option(help="Candles as CSV or parquet, repeatable; or synthetic:SEED, or raw_ws:FOLDER."),
    ] = None,
    speed: Annotated[
        float, typer.Option(parser=_speed, metavar="TIMES", help="Seconds of market per second, or max.")
    ] = 1.0,
    accounts: Annotated[
        list[str] | None,
        typer.Option(
            "--account", help="Key, secret and balance with colons between; the secret may be @PUBLIC.pem. Repeatable."
        ),
    ] = None,
    funding: Annotated[list[Path] | None, typer.Option(help="A file of real funding rates; repeatable.")] = None,
    state_dir: Annotated[Path | None, typer.Option(help="Keep accounts and orders here over a restart.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the price path inside each candle.")] = 1,
    insurance: Annotated[int, typer.Option(help="USDT in a new insurance fund; 0 to see ADL.")] = 1_000_000,
    start: Annotated[
        str, typer.Option(help="Date or time (UTC) in the data from which on a new market begins; five days into it.")
    ] = "",
    grpc_listen: Annotated[
        str, typer.Option(help="host:port of the control service, or none; 127.0.0.1 and the port + 10000 by default.")
    ] = "",
) -> None:
    """Serve Binance's USDⓈ-M REST and WebSocket dialect over replayed candles until Ctrl-C.

    The commands below turn the knobs of an exchange that runs: the mesh's, or the one that --control names.
    """
    if context.invoked_subcommand is not None:
        return
    from perpmesh.exchange_sim import main as process  # noqa: PLC0415 - heavy, and only needed here
    from perpmesh.exchange_sim.adapters.pace import loop_factory  # noqa: PLC0415
    from perpmesh.exchange_sim.config import AccountConfig, Config  # noqa: PLC0415

    telemetry.set_up("exchange_sim")
    try:
        config = Config(
            host=host,
            port=port,
            grpc_listen=_control_address(grpc_listen, port),
            start_ms=moment(start, "--start") if start else None,
            speed=speed,
            seed=seed,
            accounts=tuple(AccountConfig.parse(text) for text in accounts or ["paper:paper:10000"]),
            insurance=Decimal(insurance),
            data=tuple(data or ()),
            funding=tuple(funding or ()),
            state_dir=state_dir,
        )
        _announce(config)
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(process.run(config))
    except (Refused, OSError, ValueError) as error:
        errors.print(f"[red]{error}[/red]", soft_wrap=True)
        raise typer.Exit(USAGE) from None
