"""The whole mesh as real processes, on ports and in a folder of its own, seen as its users see it."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import grpc
import psutil
from grpc_health.v1 import health_pb2, health_pb2_grpc

from perpmesh.platform.settings import PROCESSES, MeshSettings
from perpmesh.testing.ports import free_ports
from perpmesh.testing.referee import Referee
from perpmesh_api.ai_engine.v1 import decision_service_pb2_grpc as ai_rpc
from perpmesh_api.common.v1 import event_log_service_pb2 as log_pb
from perpmesh_api.common.v1 import event_log_service_pb2_grpc as log_rpc
from perpmesh_api.exchange_sim.v1 import exchange_control_service_pb2_grpc as exchange_rpc
from perpmesh_api.execution.v1 import order_service_pb2_grpc as order_rpc
from perpmesh_api.market_data.v1 import market_data_service_pb2_grpc as market_rpc
from perpmesh_api.monitoring_health.v1 import monitoring_service_pb2_grpc as health_rpc
from perpmesh_api.portfolio_intelligence.v1 import portfolio_service_pb2_grpc as books_rpc
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2_grpc as ess_rpc
from perpmesh_api.risk_safety.v1 import policy_service_pb2_grpc as policy_rpc
from perpmesh_api.risk_safety.v1 import risk_service_pb2_grpc as risk_rpc
from perpmesh_api.rl_training.v1 import model_registry_service_pb2_grpc as models_rpc
from perpmesh_api.rl_training.v1 import training_service_pb2_grpc as training_rpc

T = TypeVar("T")
START_SECONDS = 90.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.05
# The exchange counts request weight by the minute. Restarting many services within one uses it up, and all but exits
# and protection waits for the next: what needs an answer of the exchange may take that long.
RATE_WINDOW_SECONDS = 75
HTTP_SECONDS = 20


class NeverHappened(AssertionError):
    """Something that was waited for did not become true in time."""


def eventually(what: str, look: Callable[[], T], *, within: float = 20.0) -> T:
    """Return what `look` returns as soon as it is true; calls that fail count as not yet."""
    deadline = time.monotonic() + within  # noqa: TID251 - waits for real processes
    last: object = None
    while time.monotonic() < deadline:  # noqa: TID251
        try:
            found = look()
        except (grpc.RpcError, OSError, AssertionError) as error:
            last = error
        else:
            last = found
            if found:
                return found
        time.sleep(POLL_SECONDS)
    raise NeverHappened(f"{what}: not within {within} s; last seen: {last!r}")


def _channel(address: str) -> Any:
    """Return a blocking channel; the generated stubs are typed for asynchronous ones only."""
    return grpc.insecure_channel(address)


class Mesh:
    """A running mesh. The stubs go through its gateway."""

    def __init__(self, state_dir: Path, *, speed: float = 60.0, settings: dict[str, Any] | None = None) -> None:
        ports = free_ports(len(PROCESSES) + 5)
        addresses = {f"{name}_address": f"127.0.0.1:{ports.pop()}" for name in PROCESSES}
        exchange_port = ports.pop()
        values: dict[str, Any] = {
            "state_dir": state_dir,
            "gateway_port": ports.pop(),
            "gateway_admin_port": ports.pop(),
            "gateway_ready_address": f"127.0.0.1:{ports.pop()}",
            "kafka": f"127.0.0.1:{ports.pop()}",
            "exchange_port": exchange_port,
            "exchange_url": f"http://127.0.0.1:{exchange_port}",
            "exchange_speed": speed,
            "metrics_port_base": 0,
            **addresses,
            **(settings or {}),
        }
        self.settings = MeshSettings(**values)
        self.gateway = f"http://localhost:{self.settings.gateway_port}"
        self.gateway_address = f"localhost:{self.settings.gateway_port}"
        self.exchange = Referee(self.settings)
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._channel = _channel(self.gateway_address)
        self.ess: Any = ess_rpc.EmergencyStopServiceStub(self._channel)
        self.policies: Any = policy_rpc.PolicyServiceStub(self._channel)
        self.risk: Any = risk_rpc.RiskServiceStub(self._channel)
        self.orders: Any = order_rpc.OrderServiceStub(self._channel)
        self.decisions: Any = ai_rpc.DecisionServiceStub(self._channel)
        self.books: Any = books_rpc.PortfolioServiceStub(self._channel)
        self.training: Any = training_rpc.TrainingServiceStub(self._channel)
        self.models: Any = models_rpc.ModelRegistryServiceStub(self._channel)
        self.aggregated: Any = health_pb2_grpc.HealthStub(self._channel)
        self.health: Any = health_rpc.MonitoringServiceStub(self._channel)
        self.market: Any = market_rpc.MarketDataServiceStub(self._channel)
        self.replay: Any = exchange_rpc.ExchangeControlServiceStub(self._channel)

    def start(self) -> float:
        """Start it and wait until every process is healthy; return how many seconds that took."""
        started = time.monotonic()  # noqa: TID251 - a real start is timed
        done = self.command("up", "--detach", timeout=START_SECONDS)
        if done.returncode != 0:
            raise RuntimeError(f"the mesh did not start: {done.stdout}{done.stderr}\n{self.log_tails()}")
        return time.monotonic() - started  # noqa: TID251

    def stop(self) -> None:
        """Stop it; nothing is left running."""
        self.command("down", timeout=STOP_SECONDS * 2)
        self._channel.close()
        left = [entry["pid"] for entry in self.processes().values() if psutil.pid_exists(entry["pid"])]
        if left:
            raise RuntimeError(f"left running after down: {left}")

    def command(self, *arguments: str, timeout: float = 30.0) -> subprocess.CompletedProcess[str]:
        """Run the `perpmesh` command against this mesh."""
        return subprocess.run(  # noqa: S603 - ourselves
            [sys.executable, "-m", "perpmesh.cli.main", *arguments],
            env={**os.environ, **self.settings.environment_of_children()},
            capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip

    def processes(self) -> dict[str, dict[str, Any]]:
        """Return what the supervisor says it runs, by name; empty when it is down."""
        path = self.settings.state_dir / "run" / "processes.json"
        if not path.exists():
            return {}
        found: dict[str, dict[str, Any]] = json.loads(path.read_text())["processes"]
        return found

    def kill(self, name: str) -> int:
        """End one process as a crash would (SIGKILL); return the pid it had."""
        pid = int(self.processes()[name]["pid"])
        os.kill(pid, signal.SIGKILL)
        return pid

    def is_healthy(self) -> bool:
        """Whether the whole mesh serves, by the gateway's own aggregated health."""
        request = health_pb2.HealthCheckRequest(service="")
        return bool(self.aggregated.Check(request, timeout=5).status == health_pb2.HealthCheckResponse.SERVING)

    def serves(self, name: str) -> bool:
        """Whether one process of ours says of itself that it serves."""
        with _channel(self.settings.address(name)) as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            answer = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=2)
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def events(self, stream: str) -> list[Any]:
        """Return every retained event of a stream, asked of its producer."""
        channel = _channel(self.settings.address(stream.partition(".")[0]))
        with channel:
            stub: Any = log_rpc.EventLogServiceStub(channel)
            return list(stub.ListEvents(log_pb.ListEventsRequest(stream=stream, limit=5000), timeout=5).events)

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        """Call the gateway over HTTP; return the status and the body (JSON where it is)."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        given = {**({"Content-Type": "application/json"} if body is not None else {}), **(headers or {})}
        request = urllib.request.Request(self.gateway + path, method=method, data=data, headers=given)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=HTTP_SECONDS) as answer:  # noqa: S310 - our own gateway
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            text = error.read()
            try:
                return error.code, json.loads(text)
            except ValueError:
                return error.code, text.decode()

    def token(self, name: str) -> str:
        """Return the token of `operator`, `approver` or `viewer`."""
        return (self.settings.state_dir / "keys" / f"{name}.token").read_text().strip()

    def log_tails(self, lines: int = 15) -> str:
        """Return the end of every log, for a failure's report."""
        folder = self.settings.state_dir / "logs"
        return "\n".join(
            f"--- {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
            for path in sorted(folder.glob("*.log"))
        )


@contextmanager
def running(state_dir: Path, *, speed: float = 60.0, settings: dict[str, Any] | None = None) -> Iterator[Mesh]:
    """Run a mesh for the length of the block."""
    mesh = Mesh(state_dir, speed=speed, settings=settings)
    mesh.start()
    try:
        yield mesh
    finally:
        mesh.stop()
