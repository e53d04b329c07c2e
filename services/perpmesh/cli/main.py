"""The `perpmesh` command. Exit codes: 0 done, 1 refused, 2 wrong usage, 3 not reachable, 4 not healthy."""

import typer

from perpmesh.cli import exchange, learning, mesh, policies, safety, trading
from perpmesh.cli.attempts import audit, heartbeat
from perpmesh.cli.events import events

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Trade Binance USDⓈ-M perpetual futures as a mesh of services under a safety core that can always stop it.",
    epilog="Exit codes: 0 done, 1 refused, 2 wrong usage, 3 not reachable, 4 not healthy.",
)
for command in (
    mesh.up,
    mesh.down,
    mesh.run,
    mesh.status,
    mesh.watch,
    trading.decisions,
    trading.orders,
    trading.trades,
    trading.positions,
    trading.flatten,
    safety.pause,
    safety.resume,
    learning.train,
):
    app.command()(command)
app.command("gateway-config")(mesh.gateway_config_command)
safety.ess.command("heartbeat")(heartbeat)
safety.ess.command("audit")(audit)
app.add_typer(exchange.exchange, name="exchange")
app.add_typer(safety.ess, name="ess")
app.add_typer(policies.policy, name="policy")
app.add_typer(learning.models, name="models")
app.add_typer(events, name="events")

if __name__ == "__main__":
    app()
