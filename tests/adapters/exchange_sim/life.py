"""An account to which everything has happened that a history can tell of."""

import time

from tests.adapters.exchange_sim.rest import Rest

SYMBOL = "BTCUSDT"


async def ok(answer):
    status, body, _ = await answer
    assert status == 200, body
    return body


async def lived_in(rest: Rest):
    """Trade, change, cancel, add margin, be liquidated; return the ids that queries need."""
    mark = float((await ok(rest.public("/fapi/v1/premiumIndex", symbol=SYMBOL)))["markPrice"])
    below, above = f"{mark * 0.97:.1f}", f"{mark * 1.03:.1f}"
    order = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.010"}
    algo = {"algoType": "CONDITIONAL", "symbol": SYMBOL, "side": "SELL", "type": "STOP_MARKET"}

    await ok(rest.signed("POST", "/fapi/v1/marginType", symbol="ETHUSDT", marginType="ISOLATED"))
    await ok(rest.signed("POST", "/fapi/v1/leverage", symbol="ETHUSDT", leverage=75))
    eth = {"symbol": "ETHUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.100"}
    await ok(rest.signed("POST", "/fapi/v1/order", **eth))
    await ok(rest.signed("POST", "/fapi/v1/positionMargin", symbol="ETHUSDT", amount="5", type=1))
    await ok(rest.signed("POST", "/fapi/v1/order", symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.010"))
    canceled = await ok(rest.signed("POST", "/fapi/v1/order", **order, price=below))
    await ok(rest.signed("DELETE", "/fapi/v1/order", symbol=SYMBOL, orderId=canceled["orderId"]))
    resting = await ok(rest.signed("POST", "/fapi/v1/order", **order, price=below))
    change = {"symbol": SYMBOL, "side": "BUY", "orderId": resting["orderId"], "quantity": "0.009", "price": below}
    await ok(rest.signed("PUT", "/fapi/v1/order", **change, modifyId=7))
    watching = await ok(rest.signed("POST", "/fapi/v1/algoOrder", **algo, triggerPrice=below, closePosition="true"))
    await ok(rest.signed("POST", "/fapi/v1/listenKey"))
    return {
        "below": below,
        "above": above,
        "orderId": resting["orderId"],
        "algoId": watching["algoId"],
        "now": int(time.time() * 1_000),
    }
