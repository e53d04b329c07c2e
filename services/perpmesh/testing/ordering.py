"""Orders of a size that is always allowed, for whoever tests the mesh by trading."""

import secrets
from typing import Any

from perpmesh.testing.mesh import Mesh
from perpmesh_api.common.v1 import trading_pb2 as t
from perpmesh_api.execution.v1 import order_service_pb2 as pb

SYMBOL = "BTCUSDT"
QUANTITY = "0.004"


def entry(**changes: Any) -> pb.SubmitOrderRequest:
    """A small long entry on BTCUSDT with a request id of its own."""
    values = {
        "request_id": f"test-{secrets.token_hex(8)}", "symbol": SYMBOL, "intent": t.INTENT_ENTRY, "side": t.SIDE_BUY,
        "quantity": QUANTITY, "reason": "a test",
    }  # fmt: skip
    return pb.SubmitOrderRequest(**{**values, **changes})


def exit_all(**changes: Any) -> pb.SubmitOrderRequest:
    """An exit larger than any position: it closes."""
    return entry(**{"intent": t.INTENT_EXIT, "side": t.SIDE_SELL, "quantity": "1", **changes})


def open_position(mesh: Mesh, **changes: Any) -> pb.SubmitOrderResponse:
    answer: pb.SubmitOrderResponse = mesh.orders.SubmitOrder(entry(**changes), timeout=15)
    return answer
