"""`perpmesh up|down|run|status|watch|gateway-config`: the mesh as processes."""

import asyncio
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from typing import Annotated, Any

import grpc
import psutil
import typer
from grpc_health.v1 import health_pb2, health_pb2_grpc

from perpmesh.cli import gateway as gateway_config
from perpmesh.cli import state_folder, view
from perpmesh.cli.connect import REFUSED, UNAVAILABLE, UNHEALTHY, console, errors, gateway, grid, show
from perpmesh.cli.programs import programs_of
from perpmesh.cli.supervisor import Supervisor
from perpmesh.kernel.errors import Refused
from perpmesh.platform.settings import PROCESSES, MeshSettings, UnknownSetting
from perpmesh_api.monitoring_health.v1 import monitoring_service_pb2 as pb
from perpmesh_api.monitoring_health.v1 import monitoring_service_pb2_grpc as rpc

START_SECONDS = 60.0
STOP_SECONDS = 30.0
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def up(
    detach: Annotated[bool, typer.Option(help="Return once everything is healthy.")] = False,
    quiet: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Start the mesh, wait until every process is healthy, and stay with a live view. Ctrl-C stops all of it."""
    settings = _settings()
    try:
        with state_folder.locked(settings):
            state_folder.make_tokens(settings.state_dir)
            gateway_config.render(settings)
            ok = detach or asyncio.run(_supervise(settings, quiet=quiet))
        if detach:
            _up_detached(settings)
    except Refused as refusal:
        errors.print(f"[red]{refusal.reason}[/red] {refusal}", soft_wrap=True)
        raise typer.Exit(REFUSED) from None
    raise typer.Exit(0 if ok else UNHEALTHY)


async def _supervise(settings: MeshSettings, *, quiet: bool) -> bool:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    supervisor = Supervisor(
        programs_of(settings), state_dir=settings.state_dir, environment=settings.environment_of_children()
    )
    await supervisor.start()
    try:
        started = time.monotonic()  # noqa: TID251 - a person waits
        healthy = await _until_healthy(settings, stopped)
        if not stopped.is_set():
            if not healthy:
                errors.print(f"[red]not healthy after {START_SECONDS:.0f} s[/red]; see {settings.state_dir}/logs")
            elif not quiet:
                _welcome(settings, time.monotonic() - started)  # noqa: TID251 - a person waits
                await view.watch(settings, stopped)
            await stopped.wait()
    finally:
        if not quiet:
            console.print("\nstopping …")
        await supervisor.stop()
    return healthy


def _up_detached(settings: MeshSettings) -> None:
    log = settings.state_dir / "logs" / "supervisor.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "perpmesh.cli.main", "up", "--quiet"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    started = time.monotonic()  # noqa: TID251 - a person waits
    if not asyncio.run(_until_healthy(settings, None, process)):
        errors.print(log.read_text().strip() or "not healthy in time", soft_wrap=True)
        if process.poll() is None:
            process.terminate()
            process.wait(STOP_SECONDS)
        raise typer.Exit(process.returncode or UNHEALTHY)
    _welcome(settings, time.monotonic() - started)  # noqa: TID251 - a person waits


async def _until_healthy(
    settings: MeshSettings, stopped: asyncio.Event | None, process: subprocess.Popen[bytes] | None = None
) -> bool:
    """Wait until gRPC health is SERVING for every process and for the whole mesh through the gateway."""
    deadline = time.monotonic() + START_SECONDS  # noqa: TID251 - a person waits
    waiting = {name: settings.address(name) for name in PROCESSES}
    waiting[""] = f"localhost:{settings.gateway_port}"
    while waiting and time.monotonic() < deadline:  # noqa: TID251 - a person waits
        if (stopped is not None and stopped.is_set()) or (process is not None and process.poll() is not None):
            return False
        served = await asyncio.gather(*(_serves(address, name) for name, address in waiting.items()))
        for name, serving in zip(list(waiting), served, strict=True):
            if serving:
                del waiting[name]
        await asyncio.sleep(0.1)
    return not waiting


async def _serves(address: str, name: str) -> bool:
    async with grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=1)
        except grpc.RpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _welcome(settings: MeshSettings, seconds: float) -> None:
    scheme = "https" if settings.tls_certificate else "http"
    page = f"{scheme}://localhost:{settings.gateway_port}"
    state = os.path.relpath(settings.state_dir)
    console.print(
        f"\n[bold green]The mesh is up[/bold green] ({settings.environment.value}, {len(PROCESSES)} processes, "
        f"healthy after {seconds:.1f} s)\n"
        f"  page       {page}/\n"
        f"  gateway    {page}   JSON, gRPC, gRPC-Web:  curl {page}/health\n"
        f"                        grpcurl -plaintext localhost:{settings.gateway_port} list\n"
        f"  exchange   {settings.exchange_url}   Binance USDⓈ-M dialect, {settings.exchange_speed:g} × real time\n"
        f"  watch      .venv/bin/perpmesh watch   (or: status, decisions, trades, events tail)\n"
        f"  stop       make down   (or Ctrl-C here);  stop trading at once: .venv/bin/perpmesh ess trip\n"
        f"  state      {state}/   logs, stores, keys\n",
        highlight=False,
        soft_wrap=True,
    )


def down() -> None:
    """Stop the mesh of this state folder, if there is one."""
    settings = _settings()
    path = settings.state_dir / "run" / "processes.json"
    if not path.exists():
        console.print("nothing is running here")
        return
    supervisor = json.loads(path.read_text())["supervisor"]
    try:
        process = psutil.Process(supervisor)
        if any("perpmesh" in part for part in process.cmdline()):
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_SECONDS)
    except psutil.NoSuchProcess:
        from perpmesh.cli.supervisor import end_leftovers  # noqa: PLC0415 - only after a crash

        end_leftovers(settings.state_dir)
    console.print("stopped")


def run(service: Annotated[str, typer.Argument(help=f"One of {', '.join(PROCESSES)}.")]) -> None:
    """Run one process of the mesh in the foreground. This is what docker-compose calls."""
    if service not in PROCESSES:
        raise typer.BadParameter(f"no process is called {service}; there are {', '.join(PROCESSES)}")
    importlib.import_module(f"perpmesh.{service}.main").main()


def gateway_config_command(
    output: Annotated[str, typer.Option(help="Where to write it; '-' for standard output.")] = "-",
) -> None:
    """Render the gateway's configuration and make the keys it needs. docker-compose calls this."""
    settings = _settings()
    state_folder.prepare(settings.state_dir)
    state_folder.make_tokens(settings.state_dir)
    try:
        rendered = gateway_config.render(settings)
    except Refused as refusal:
        errors.print(f"[red]{refusal.reason}[/red] {refusal}", soft_wrap=True)
        raise typer.Exit(REFUSED) from None
    if output == "-":
        print(rendered)
    else:
        with open(output, "w") as file:  # noqa: PTH123 - a path from the command line
            file.write(rendered)


def status(as_json: Json = False) -> None:
    """Show the health of every part. Exit code 0 when all serve, 4 when not, 3 when the mesh does not answer."""
    with gateway() as channel:
        stub: Any = rpc.MonitoringServiceStub(channel)
        answer = stub.GetHealthAll(pb.GetHealthAllRequest(), timeout=UNAVAILABLE)
    show(
        answer,
        as_json_text=as_json,
        table=lambda found: grid(
            f"mesh: {pb.HealthStatus.Name(found.status).removeprefix('HEALTH_STATUS_')}",
            ["component", "status", "ms", "detail"],
            [
                [c.name, pb.HealthStatus.Name(c.status).removeprefix("HEALTH_STATUS_"), f"{c.latency_ms:.1f}", c.detail]
                for c in found.components
            ],
        ),
    )
    raise typer.Exit(0 if answer.status == pb.HEALTH_STATUS_SERVING else UNHEALTHY)


def watch() -> None:
    """Show the live view of a running mesh until Ctrl-C."""
    try:
        asyncio.run(view.watch(_settings(), asyncio.Event()))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def _settings() -> MeshSettings:
    try:
        return MeshSettings.load()
    except (UnknownSetting, ValueError) as error:
        errors.print(f"[red]SETTINGS[/red] {error}", soft_wrap=True)
        raise typer.Exit(2) from None
