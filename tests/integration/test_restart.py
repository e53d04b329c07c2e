"""A mesh that is stopped and started again goes on from where it was, and leaves nothing running in between."""

from pathlib import Path

import psutil
import pytest

from perpmesh.testing.mesh import Mesh, eventually
from perpmesh.testing.ordering import SYMBOL, open_position
from perpmesh_api.execution.v1 import order_service_pb2 as order_pb
from perpmesh_api.risk_safety.v1 import policy_service_pb2 as policy_pb

pytestmark = [pytest.mark.mesh, pytest.mark.timeout(240)]


def test_a_second_up_goes_on_from_where_the_first_stopped(tmp_path: Path) -> None:
    mesh = Mesh(tmp_path / "state")
    mesh.start()
    try:
        request = policy_pb.UpdatePolicyRequest(key="ai.min_confidence", reason="by hand")
        request.value.string_value = "1"
        mesh.policies.UpdatePolicy(request, timeout=5)
        opened = eventually("an entry goes", lambda: open_position(mesh), within=30)
        quantity = mesh.exchange.position(SYMBOL)
        pids = [entry["pid"] for entry in mesh.processes().values()]
        assert mesh.command("down", timeout=60).returncode == 0
        assert not [pid for pid in pids if psutil.pid_exists(pid)], "nothing is left running"

        mesh.start()
        assert mesh.exchange.position(SYMBOL) == quantity
        assert mesh.exchange.stops(SYMBOL)
        trades = mesh.orders.ListTrades(order_pb.ListTradesRequest(open_only=True), timeout=5).trades
        assert [trade.trade_id for trade in trades] == [opened.trade.trade_id]
        found = mesh.policies.GetPolicy(policy_pb.GetPolicyRequest(key="ai.min_confidence"), timeout=5)
        assert found.value.string_value == "1"
    finally:
        mesh.stop()
