"""Bad input through the gateway: a clear error with the field's name and the right codes, and nothing changed."""

import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from perpmesh.testing.mesh import Mesh, eventually
from perpmesh.testing.ordering import SYMBOL, entry, exit_all, open_position
from perpmesh_api.execution.v1 import order_service_pb2 as order_pb
from perpmesh_api.market_data.v1 import market_data_service_pb2 as market_pb
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2 as ess_pb
from perpmesh_api.risk_safety.v1 import policy_service_pb2 as policy_pb

pytestmark = pytest.mark.mesh
ORDER = {
    "request_id": "bad-1", "symbol": SYMBOL, "intent": "INTENT_ENTRY", "side": "SIDE_BUY", "quantity": "0.004",
}  # fmt: skip


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in ORDER.items() if key != name}


@pytest.mark.parametrize(
    ("path", "body", "http", "field"),
    [
        ("/execution/order", {**ORDER, "symbol": "NOSUCHUSDT"}, 404, "symbol"),
        ("/api/policy/update", {"key": "no.such_key", "value": "1"}, 404, "key"),
        ("/api/policy/update", {"key": "ai.target_volatility", "value": "a lot"}, 400, "value"),
        ("/api/policy/update", {"key": "ai.target_volatility", "value": True}, 400, "value"),
        ("/api/policy/update", {"key": "ai.target_volatility", "value": "99"}, 400, "value"),
        ("/api/policy/update", {"key": "ai.target_volatility"}, 400, "value"),
        ("/api/policy/update", {"key": "ai.target_volatility", "value": "0.3", "expected_revision": 0}, 409,
         "expected_revision"),
        ("/execution/order", {**ORDER, "quantity": "-0.004"}, 400, "quantity"),
        ("/execution/order", {**ORDER, "quantity": "0.0001"}, 400, "quantity"),
        ("/execution/order", {**ORDER, "quantity": "0.0045"}, 400, "quantity"),
        ("/execution/order", without("quantity"), 400, "quantity"),
        ("/execution/order", without("symbol"), 400, "symbol"),
        ("/execution/order", without("request_id"), 400, "request_id"),
        ("/execution/order", without("intent"), 400, "intent"),
        ("/execution/order", without("side"), 400, "side"),
        ("/portfolio/rebalance", {"targets": [{"symbol": SYMBOL, "weight": "5"}]}, 400, "weight"),
        ("/training/start", {"total_steps": -1}, 400, "total_steps"),
        ("/api/risk/ess/reset", {"reason": "short", "operator_token": "x", "approver_token": "y"}, 400, "reason"),
    ],
)  # fmt: skip
def test_a_bad_request_names_the_field_and_changes_nothing(
    mesh: Mesh, path: str, body: dict[str, Any], http: int, field: str
) -> None:
    orders = len(mesh.exchange.orders(SYMBOL))
    revision = mesh.policies.ListPolicies(policy_pb.ListPoliciesRequest(), timeout=5).revision
    status, answer = mesh.ask("POST", path, body)
    assert status == http, answer
    assert field in answer["message"] or field in str(answer["details"]), answer
    assert len(mesh.exchange.orders(SYMBOL)) == orders
    assert mesh.policies.ListPolicies(policy_pb.ListPoliciesRequest(), timeout=5).revision == revision


def test_a_bad_grpc_request_carries_the_field_in_its_details(mesh: Mesh) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        mesh.orders.SubmitOrder(entry(quantity="-1"), timeout=5)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    bad = error_details_pb2.BadRequest()
    details = rpc_status.from_call(refused.value).details
    assert any(detail.Unpack(bad) for detail in details)
    assert bad.field_violations[0].field == "quantity"


@pytest.mark.parametrize("path", ["/market/price?symbol=NOSUCHUSDT", "/market/candles?symbol=NOSUCHUSDT"])
def test_an_unknown_symbol_is_not_found(mesh: Mesh, path: str) -> None:
    status, answer = mesh.ask("GET", path)
    assert status == 404
    assert "NOSUCHUSDT" in answer["message"]


def test_an_unknown_policy_is_not_found(mesh: Mesh) -> None:
    assert mesh.ask("GET", "/api/policy/no.such_key")[0] == 404


def test_malformed_json_is_a_bad_request(mesh: Mesh) -> None:
    assert mesh.ask("POST", "/execution/order", b'{"symbol": ')[0] == 400


def test_a_wrong_json_type_is_a_bad_request(mesh: Mesh) -> None:
    assert mesh.ask("POST", "/execution/order", {**ORDER, "symbol": {"a": 1}})[0] == 400


def test_an_unknown_path_is_not_found(mesh: Mesh) -> None:
    assert mesh.ask("GET", "/no/such/path")[0] in (404, 501)


def test_an_unknown_rpc_is_unimplemented(mesh: Mesh) -> None:
    with grpc.insecure_channel(mesh.gateway_address) as channel:
        call = channel.unary_unary("/perpmesh_api.execution.v1.OrderService/NoSuchRpc")
        with pytest.raises(grpc.RpcError) as refused:
            call(b"", timeout=5)
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_body_of_ten_megabytes_is_too_large(mesh: Mesh, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_bytes(b'{"reason": "' + b"x" * 10_000_000 + b'"}')
    done = subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Content-Type: application/json",
         "--data-binary", f"@{body}", f"{mesh.gateway}/execution/order"],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.stdout == "413"
    assert mesh.is_healthy()


def test_a_deadline_already_past_does_nothing(mesh: Mesh) -> None:
    orders = len(mesh.exchange.orders(SYMBOL))
    with pytest.raises(grpc.RpcError) as refused:
        mesh.orders.SubmitOrder(entry(), timeout=0)
    assert refused.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert len(mesh.exchange.orders(SYMBOL)) == orders


def test_the_same_request_id_twice_orders_once(mesh: Mesh) -> None:
    before = len(mesh.exchange.orders(SYMBOL))
    request = entry()
    first = mesh.orders.SubmitOrder(request, timeout=15)
    again = mesh.orders.SubmitOrder(request, timeout=15)
    assert again == first
    market = [order for order in mesh.exchange.orders(SYMBOL)[before:] if order["type"] == "MARKET"]
    assert len(market) == 1


def test_ten_callers_with_one_request_id_order_once(mesh: Mesh) -> None:
    before = len(mesh.exchange.orders(SYMBOL))
    request = entry()
    answers: list[Message] = []

    def submit() -> None:
        answers.append(mesh.orders.SubmitOrder(request, timeout=20))

    callers = [threading.Thread(target=submit) for _ in range(10)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(answers) == 10
    assert all(answer.order.client_order_id == answers[0].order.client_order_id for answer in answers)
    assert len(mesh.exchange.orders(SYMBOL)) == before + 1


def test_a_request_id_with_another_request_is_refused(mesh: Mesh) -> None:
    request = entry()
    mesh.orders.SubmitOrder(request, timeout=15)
    with pytest.raises(grpc.RpcError) as refused:
        mesh.orders.SubmitOrder(entry(request_id=request.request_id, quantity="0.005"), timeout=15)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "request_id" in refused.value.details()


def test_an_exit_can_never_become_an_entry(mesh: Mesh) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        mesh.orders.SubmitOrder(exit_all(), timeout=15)
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert mesh.exchange.position(SYMBOL) == 0


def test_a_stop_on_the_wrong_side_is_refused(mesh: Mesh) -> None:
    price = mesh.market.GetPrice(market_pb.GetPriceRequest(symbol=SYMBOL), timeout=5).price
    with pytest.raises(grpc.RpcError) as refused:
        mesh.orders.SubmitOrder(entry(stop_price=str(round(float(price.last_price) * 1.02, 1))), timeout=15)
    assert "stop" in refused.value.details().lower()
    assert mesh.exchange.position(SYMBOL) == 0


def test_a_caller_that_leaves_in_the_middle_of_an_order_gets_it_all_the_same(mesh: Mesh) -> None:
    request = entry()
    call = mesh.orders.SubmitOrder.future(request, timeout=15)
    recorded = lambda: any(  # noqa: E731
        order.request_id == request.request_id
        for order in mesh.orders.ListOrders(order_pb.ListOrdersRequest(), timeout=5).orders
    )
    eventually("the request has reached the service", recorded, within=10)
    call.cancel()

    def protected() -> bool:
        return bool(mesh.exchange.position(SYMBOL) > 0 and mesh.exchange.stops(SYMBOL))

    eventually("the order was done and protected", protected, within=10)


def test_a_caller_that_leaves_in_the_middle_of_a_trip_has_tripped(mesh: Mesh) -> None:
    call = mesh.ess.Trip.future(ess_pb.TripRequest(reason="a caller that leaves"), timeout=15)
    time.sleep(0.02)  # long enough to have left this process
    call.cancel()
    eventually(
        "the stop holds",
        lambda: mesh.ess.GetStatus(ess_pb.GetStatusRequest(), timeout=5).status.state == ess_pb.ESS_STATE_TRIPPED,
        within=10,
    )


def test_a_refused_order_is_an_event_and_the_exchange_never_saw_it(mesh: Mesh) -> None:
    before = len(mesh.exchange.orders(SYMBOL))
    request = entry(quantity="5")  # far over the risk a trade may carry
    with pytest.raises(grpc.RpcError) as refused:
        mesh.orders.SubmitOrder(request, timeout=15)
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert len(mesh.exchange.orders(SYMBOL)) == before
    refusals = [event for event in mesh.events("execution.orders.v1") if event.type == "order.refused"]
    assert refusals


def test_open_position_helper_is_protected(mesh: Mesh) -> None:
    answer = open_position(mesh)
    assert answer.stop.client_order_id
    assert mesh.exchange.stops(SYMBOL)
