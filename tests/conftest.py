"""What every test may use. The mesh is started once for all tests that want it, and stopped at the end."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from perpmesh.platform.settings import SERVICES
from perpmesh.testing.mesh import RATE_WINDOW_SECONDS, Mesh, eventually, running
from perpmesh_api.common.v1 import trading_pb2
from perpmesh_api.execution.v1 import order_service_pb2 as order_pb
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2 as ess_pb
from perpmesh_api.risk_safety.v1 import policy_service_pb2 as policy_pb
from perpmesh_api.risk_safety.v1 import risk_service_pb2 as risk_pb

# The same examples every time, however slow the machine: a red suite then is a change's doing. `make fuzz` tries others.
SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
hypothesis_settings.register_profile("suite", deadline=None, derandomize=True, suppress_health_check=SLOW)
hypothesis_settings.load_profile("suite")


@pytest.fixture(scope="session")
def mesh_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    with running(tmp_path_factory.mktemp("mesh") / "state") as mesh:
        yield mesh


@pytest.fixture
def mesh(mesh_process: Mesh) -> Mesh:
    """The shared mesh: armed, tradable, flat, and with the engine kept quiet, before each test."""
    calm(mesh_process)
    return mesh_process


def calm(mesh: Mesh) -> None:
    eventually("the whole mesh is healthy", mesh.is_healthy, within=40)
    eventually("the engine is quiet", lambda: quiet_engine(mesh), within=30)
    eventually("everything is flat", lambda: is_flat(mesh), within=RATE_WINDOW_SECONDS)
    eventually("entries would pass the gate", lambda: is_armed(mesh) and can_enter(mesh), within=RATE_WINDOW_SECONDS)


# More confidence than any strategy has, so that only the test trades; and room for a test's many small losses.
BY_HAND = {"ai.min_confidence": "1", "ess.max_consecutive_losses": "50"}


def quiet_engine(mesh: Mesh) -> bool:
    for key, value in BY_HAND.items():
        current = mesh.policies.GetPolicy(policy_pb.GetPolicyRequest(key=key), timeout=5)
        if (current.value.string_value or f"{current.value.number_value:g}") != value:
            request = policy_pb.UpdatePolicyRequest(key=key, reason="a test trades by hand")
            request.value.string_value = value
            mesh.policies.UpdatePolicy(request, timeout=5)
    found = mesh.policies.ListAdoptions(policy_pb.ListAdoptionsRequest(), timeout=5)
    return {a.service for a in found.adoptions if a.revision == found.revision} == set(SERVICES)


def is_armed(mesh: Mesh) -> bool:
    """Whether the stop is lifted and at full stage; lifts it when it is not. (A loss may trip it late.)"""
    status = mesh.ess.GetStatus(ess_pb.GetStatusRequest(), timeout=5).status
    if status.paused:
        mesh.risk.ResumeEntries(risk_pb.ResumeEntriesRequest(), timeout=5)
    if status.state == ess_pb.ESS_STATE_ARMED and status.stage == trading_pb2.STAGE_FULL:
        return True
    reset(mesh)
    return False


def reset(mesh: Mesh) -> None:
    mesh.ess.Reset(
        ess_pb.ResetRequest(
            reason="the test that tripped it is over",
            stage=trading_pb2.STAGE_FULL,
            operator_token=mesh.token("operator"),
            approver_token=mesh.token("approver"),
        ),
        timeout=10,
    )


def is_flat(mesh: Mesh) -> bool:
    if all(mesh.exchange.position(symbol) == 0 for symbol in mesh.settings.symbol_list):
        return not mesh.orders.ListTrades(order_pb.ListTradesRequest(open_only=True), timeout=5).trades
    mesh.orders.Flatten(order_pb.FlattenRequest(reason="calm before a test"), timeout=15)
    return False


def can_enter(mesh: Mesh) -> bool:
    state = mesh.orders.GetTradability(order_pb.GetTradabilityRequest(), timeout=5)
    assert state.can_enter, list(state.blockers)
    return True
