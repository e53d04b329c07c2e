"""The gateway as users meet it: curl, grpcurl, gRPC-Web, and everybody who is not to be let in."""

import json
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from perpmesh.platform.identity import Identity, Keyring, Role
from perpmesh.platform.settings import PROCESSES, SERVICES
from perpmesh.testing.mesh import Mesh
from perpmesh_api.risk_safety.v1 import policy_service_pb2 as policy_pb

pytestmark = pytest.mark.mesh


def curl(*arguments: str) -> Any:
    done = subprocess.run(["curl", "-s", *arguments], capture_output=True, text=True, check=True, timeout=20)
    return json.loads(done.stdout)


def test_the_predecessors_four_curl_lines_work_word_for_word(mesh: Mesh) -> None:
    """Word for word but for the port, which a test may not take from a running mesh."""
    host = mesh.gateway
    assert curl(f"{host}/health")["status"] == "SERVING"
    assert curl(f"{host}/api/risk/ess/status")["status"]["can_execute"] is True
    assert curl(f"{host}/api/policy/execution.max_slippage_pct")["key"] == "execution.max_slippage_pct"
    body = '{"key": "execution.max_slippage_pct", "value": 0.02}'
    changed = curl("-X", "POST", f"{host}/api/policy/update", "-H", "Content-Type: application/json", "-d", body)
    assert changed["success"] is True
    assert curl(f"{host}/api/policy/execution.max_slippage_pct")["value"] == "0.02"


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/api/risk/ess/status", "status"),
        ("/api/policy/ai.target_volatility", "value"),
        ("/api/policy", "policies"),
        ("/ai/strategy", "symbols"),
        ("/ai/decisions", "decisions"),
        ("/execution/trades", "trades"),
        ("/execution/orders", "orders"),
        ("/execution/positions", "positions"),
        ("/execution/status", "can_enter"),
        ("/portfolio/summary", "summary"),
        ("/portfolio/equity", "points"),
        ("/training/jobs", "jobs"),
        ("/training/models", "models"),
        ("/health", "status"),
        ("/health/all", "components"),
        ("/metrics/system", "processes"),
        ("/alerts", "alerts"),
        ("/market/price?symbol=BTCUSDT", "price"),
        ("/market/candles?symbol=BTCUSDT&interval=15m", "candles"),
        ("/market/conditions?symbol=BTCUSDT", "conditions"),
        ("/exchange/replay", "replay"),
    ],
)
def test_every_path_that_reads_answers(mesh: Mesh, path: str, key: str) -> None:
    status, answer = mesh.ask("GET", path)
    assert status == 200, answer
    assert key in answer


@pytest.mark.parametrize(
    ("path", "body", "key"),
    [
        ("/ai/decision", {"symbol": "BTCUSDT"}, "decision"),
        ("/ai/position-size", {"symbol": "BTCUSDT", "side": "SIDE_BUY"}, "quantity"),
        ("/portfolio/rebalance", {"targets": [{"symbol": "BTCUSDT", "weight": "0.3"}]}, "steps"),
        ("/execution/flatten", {}, "orders"),
        ("/api/risk/pause", {"reason": "a test"}, "status"),
        ("/api/risk/resume", {"reason": "a test"}, "status"),
    ],
)
def test_every_path_that_acts_answers(mesh: Mesh, path: str, body: dict[str, Any], key: str) -> None:
    status, answer = mesh.ask("POST", path, body)
    assert status == 200, answer
    assert key in answer


def grpcurl(mesh: Mesh, *arguments: str) -> str:
    binary = Path(sys.executable).parent / "grpcurl"
    done = subprocess.run(
        [str(binary), "-plaintext", *arguments[:-1], mesh.gateway_address, arguments[-1]],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_reflection_through_the_gateway_lists_every_service(mesh: Mesh) -> None:
    listed = grpcurl(mesh, "list").split()
    for name in (
        "risk_safety.v1.EmergencyStopService", "risk_safety.v1.PolicyService", "risk_safety.v1.RiskService",
        "ai_engine.v1.DecisionService", "execution.v1.OrderService", "portfolio_intelligence.v1.PortfolioService",
        "rl_training.v1.TrainingService", "rl_training.v1.ModelRegistryService",
        "monitoring_health.v1.MonitoringService", "market_data.v1.MarketDataService",
        "exchange_sim.v1.ExchangeControlService",
    ):  # fmt: skip
        assert f"perpmesh_api.{name}" in listed


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("risk_safety.v1.EmergencyStopService/GetStatus", "{}"),
        ("risk_safety.v1.PolicyService/ListPolicies", "{}"),
        ("ai_engine.v1.DecisionService/GetStrategy", "{}"),
        ("execution.v1.OrderService/ListPositions", "{}"),
        ("portfolio_intelligence.v1.PortfolioService/GetSummary", "{}"),
        ("rl_training.v1.TrainingService/ListJobs", "{}"),
        ("rl_training.v1.ModelRegistryService/ListModels", "{}"),
        ("monitoring_health.v1.MonitoringService/GetHealthAll", "{}"),
        ("market_data.v1.MarketDataService/GetPrice", '{"symbol": "ETHUSDT"}'),
        ("exchange_sim.v1.ExchangeControlService/GetReplay", "{}"),
    ],
)
def test_grpcurl_calls_each_service_by_reflection(mesh: Mesh, method: str, body: str) -> None:
    assert grpcurl(mesh, "-d", body, f"perpmesh_api.{method}").strip().startswith("{")


@pytest.mark.parametrize("name", ["", *SERVICES, "perpmesh_api.execution.v1.OrderService"])
def test_aggregated_health_answers_for_every_name(mesh: Mesh, name: str) -> None:
    with grpc.insecure_channel(mesh.gateway_address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        answer = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=5)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        first = next(iter(stub.Watch(health_pb2.HealthCheckRequest(service=name), timeout=5)))
        assert first.status == health_pb2.HealthCheckResponse.SERVING


def test_health_of_an_unknown_name_is_not_found(mesh: Mesh) -> None:
    with grpc.insecure_channel(mesh.gateway_address) as channel, pytest.raises(grpc.RpcError) as refused:
        health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service="nobody"), timeout=5)
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


def test_grpc_web_is_served(mesh: Mesh) -> None:
    request = urllib.request.Request(
        f"{mesh.gateway}/perpmesh_api.risk_safety.v1.EmergencyStopService/GetStatus",
        data=b"\x00\x00\x00\x00\x00",
        headers={"Content-Type": "application/grpc-web+proto", "X-Grpc-Web": "1"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("application/grpc-web")
        assert b"grpc-status:0" in answer.read().replace(b" ", b"")


def test_a_foreign_host_is_forbidden(mesh: Mesh) -> None:
    assert mesh.ask("GET", "/health", headers={"Host": "evil.example"})[0] == 403


def test_a_foreign_origin_is_forbidden(mesh: Mesh) -> None:
    assert mesh.ask("GET", "/health", headers={"Origin": "http://evil.example"})[0] == 403
    assert mesh.ask("GET", "/health", headers={"Origin": mesh.gateway})[0] == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_post_that_is_not_json_is_refused_before_transcoding(mesh: Mesh, kind: str) -> None:
    status, _ = mesh.ask("POST", "/api/risk/ess/trip", b"{}", {"Content-Type": kind})
    assert status == 415
    assert mesh.ask("GET", "/api/risk/ess/status")[1]["status"]["state"] == "ESS_STATE_ARMED"


def test_nobody_may_say_of_himself_who_he_is(mesh: Mesh) -> None:
    """The role header is the gateway's to set: a caller's own is dropped, so this one is the local operator."""
    body = {"key": "ai.min_confidence", "value": "1"}
    status, _ = mesh.ask("POST", "/api/policy/update", body, {"x-perpmesh-role": "viewer"})
    assert status == 200


def test_a_viewer_may_look_and_not_touch(mesh: Mesh) -> None:
    bearer = {"Authorization": f"Bearer {mesh.token('viewer')}"}
    assert mesh.ask("GET", "/api/policy", headers=bearer)[0] == 200
    status, answer = mesh.ask("POST", "/api/policy/update", {"key": "ai.min_confidence", "value": "0.9"}, bearer)
    assert status == 403, answer
    assert mesh.ask("POST", "/api/risk/ess/trip", {}, bearer)[0] == 403
    assert mesh.ask("POST", "/execution/flatten", {}, bearer)[0] == 403


def test_an_operators_token_acts(mesh: Mesh) -> None:
    bearer = {"Authorization": f"Bearer {mesh.token('operator')}"}
    assert mesh.ask("POST", "/api/policy/update", {"key": "ai.min_confidence", "value": "1"}, bearer)[0] == 200


def test_a_token_of_another_key_is_unauthenticated(mesh: Mesh, tmp_path: Path) -> None:
    stranger = Keyring(tmp_path)
    stranger.create()
    token = stranger.issue(Identity(subject="stranger", role=Role.OPERATOR))
    assert mesh.ask("GET", "/api/policy", headers={"Authorization": f"Bearer {token}"})[0] == 401
    assert mesh.ask("GET", "/api/policy", headers={"Authorization": "Bearer nonsense"})[0] == 401


def test_cors_lets_the_page_itself_ask_first(mesh: Mesh) -> None:
    request = urllib.request.Request(
        f"{mesh.gateway}/perpmesh_api.risk_safety.v1.EmergencyStopService/Trip",
        method="OPTIONS",
        headers={
            "Origin": mesh.gateway, "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,x-grpc-web",
        },
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.headers["access-control-allow-origin"] == mesh.gateway


def test_the_gateway_listens_on_loopback_only(mesh: Mesh) -> None:
    addresses = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in addresses - {"127.0.0.1"}:
        if address.startswith("127."):
            continue
        with pytest.raises(OSError), socket.create_connection((address, mesh.settings.gateway_port), timeout=2):
            pass


def test_beyond_loopback_it_refuses_to_start_without_tls(mesh: Mesh, tmp_path: Path) -> None:
    other = Mesh(tmp_path / "state", settings={"gateway_host": "0.0.0.0"})
    done = other.command("up", "--detach", timeout=60)
    assert done.returncode == 1
    assert "TLS_REQUIRED" in done.stderr


def test_the_processes_are_those_of_the_design(mesh: Mesh) -> None:
    assert set(mesh.processes()) == {*PROCESSES, "broker", "gateway"}


def test_every_service_has_adopted_the_stores_revision(mesh: Mesh) -> None:
    found = mesh.policies.ListAdoptions(policy_pb.ListAdoptionsRequest(), timeout=5)
    assert {adoption.service for adoption in found.adoptions} == set(SERVICES)
