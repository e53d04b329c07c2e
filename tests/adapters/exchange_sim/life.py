"""An account to which everything has happened that a history can tell of."""

import time

from perpmesh.exchange.commands import Liquidate

BTC, ETH = "BTCUSDT", "ETHUSDT"


async def ok(answer):
    """Return the body of an answer that must be a success."""
    status, body, _ = await answer
    assert status == 200, body
    return body


async def lived_in(lab):
    """Trade, change, cancel, add margin, be liquidated; return the parameters that queries need."""
    rest = lab.rest
    mark = float((await ok(rest.public("/fapi/v1/premiumIndex", symbol=BTC)))["markPrice"])
    below = f"{mark * 0.97:.1f}"
    order = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.010", "price": below}
    algo = {"algoType": "CONDITIONAL", "symbol": BTC, "side": "SELL", "type": "STOP_MARKET", "closePosition": "true"}

    await ok(rest.signed("POST", "/fapi/v1/marginType", symbol=ETH, marginType="ISOLATED"))
    await ok(rest.signed("POST", "/fapi/v1/order", symbol=ETH, side="BUY", type="MARKET", quantity="0.100"))
    await ok(rest.signed("POST", "/fapi/v1/positionMargin", symbol=ETH, amount="5", type=1))
    await lab.execute(Liquidate(lab.account, ETH))
    await ok(rest.signed("POST", "/fapi/v1/order", symbol=ETH, side="BUY", type="MARKET", quantity="0.100"))
    await ok(rest.signed("POST", "/fapi/v1/order", symbol=BTC, side="BUY", type="MARKET", quantity="0.010"))
    canceled = await ok(rest.signed("POST", "/fapi/v1/order", **order))
    await ok(rest.signed("DELETE", "/fapi/v1/order", symbol=BTC, orderId=canceled["orderId"]))
    resting = await ok(rest.signed("POST", "/fapi/v1/order", **order))
    changed = {"symbol": BTC, "side": "BUY", "orderId": resting["orderId"], "quantity": "0.009", "price": below}
    await ok(rest.signed("PUT", "/fapi/v1/order", **changed, modifyId=7))
    watching = await ok(rest.signed("POST", "/fapi/v1/algoOrder", **algo, triggerPrice=below))
    await ok(rest.signed("POST", "/fapi/v1/listenKey"))
    return {
        "symbol": BTC,
        "pair": BTC,
        "contractType": "PERPETUAL",
        "interval": "1h",
        "period": "1h",
        "price": below,
        "orderId": resting["orderId"],
        "algoId": watching["algoId"],
        "endTime": int(time.time() * 1_000),
        "startTime": int(time.time() * 1_000) - 3_600_000,
    }
