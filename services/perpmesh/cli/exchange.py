"""`perpmesh exchange`: the simulated exchange alone, for anybody's bot."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from perpmesh.cli.connect import USAGE, console, errors
from perpmesh.kernel.errors import Refused
from perpmesh.platform import telemetry


def _speed(text: str) -> float:
    return 0.0 if text == "max" else float(text)


def exchange(
    port: Annotated[int, typer.Option(help="Where to listen.")] = 8010,
    host: Annotated[str, typer.Option(help="Which address to listen on.")] = "127.0.0.1",
    data: Annotated[
        list[Path] | None,
        typer.Option(help="Candles as CSV or parquet, repeatable; or synthetic:SEED, or raw_ws:FOLDER."),
    ] = None,
    speed: Annotated[
        float, typer.Option(parser=_speed, metavar="TIMES", help="Seconds of market per second, or max.")
    ] = 1.0,
    account: Annotated[
        list[str] | None, typer.Option(help="KEY:SECRET:BALANCE, or KEY:@PUBLIC.pem:BALANCE; repeatable.")
    ] = None,
    funding: Annotated[list[Path] | None, typer.Option(help="A file of real funding rates; repeatable.")] = None,
    state_dir: Annotated[Path | None, typer.Option(help="Keep accounts and orders here over a restart.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the price path inside each candle.")] = 1,
    insurance: Annotated[int, typer.Option(help="USDT in a new insurance fund; 0 to see ADL.")] = 1_000_000,
    grpc_listen: Annotated[str, typer.Option(help="host:port of the control service; none when left out.")] = "",
) -> None:
    """Serve Binance's USDⓈ-M REST and WebSocket dialect over replayed candles until Ctrl-C."""
    from perpmesh.exchange_sim import main as process  # noqa: PLC0415 - heavy, and only needed here
    from perpmesh.exchange_sim.config import AccountConfig, Config  # noqa: PLC0415

    telemetry.set_up("exchange_sim")
    try:
        accounts = tuple(AccountConfig.parse(text) for text in account or ["paper:paper:10000"])
        config = Config(
            host=host,
            port=port,
            grpc_listen=grpc_listen,
            speed=speed,
            seed=seed,
            accounts=accounts,
            insurance=Decimal(insurance),
            data=tuple(data or ()),
            funding=tuple(funding or ()),
            state_dir=state_dir,
        )
        pace = f"{speed:g} × real time" if speed else "as fast as it can"
        console.print(f"REST http://{host}:{port}/fapi   WebSocket ws://{host}:{port}   {pace}")
        console.print(f"accounts: {', '.join(one.api_key for one in accounts)}   stop with Ctrl-C")
        asyncio.run(process.run(config))
    except (Refused, OSError, ValueError) as error:
        errors.print(f"[red]{error}[/red]", soft_wrap=True)
        raise typer.Exit(USAGE) from None
