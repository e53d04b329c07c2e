"""Whatever is sent, the answer is a refusal with a code: never a crash, never a change."""

import random

import pytest
from tests.adapters.exchange_sim.rest import Rest

NASTY = [
    "",
    "0",
    "-1",
    "1e999999",
    "1e-400",
    "NaN",
    "-Infinity",
    "0.00000000001",
    "9" * 40,
    "ünïcode",
    "true",
    "[]",
    "null",
    "0x10",
    " 1 ",
]
ENDPOINTS = {
    "POST /fapi/v1/order": (
        "symbol side type quantity price timeInForce reduceOnly newClientOrderId goodTillDate",
        {
            "symbol": "BTCUSDT",
            "side": "BUY",
            "type": "LIMIT",
            "quantity": "0.002",
            "price": "1000.0",
            "timeInForce": "GTC",
        },
    ),
    "POST /fapi/v1/algoOrder": (
        "symbol side type triggerPrice quantity callbackRate activatePrice closePosition workingType",
        {
            "algoType": "CONDITIONAL",
            "symbol": "BTCUSDT",
            "side": "SELL",
            "type": "STOP_MARKET",
            "triggerPrice": "x",
            "quantity": "0.002",
        },
    ),
    "POST /fapi/v1/leverage": ("symbol leverage", {"symbol": "BTCUSDT", "leverage": "0"}),
    "POST /fapi/v1/batchOrders": ("batchOrders", {"batchOrders": "{"}),
    "GET /fapi/v1/klines": (
        "symbol interval startTime endTime limit",
        {"symbol": "BTCUSDT", "interval": "1m", "limit": "0"},
    ),
    "GET /fapi/v1/depth": ("symbol limit", {"symbol": "BTCUSDT", "limit": "7"}),
    "GET /fapi/v1/userTrades": ("symbol startTime limit fromId orderId", {"symbol": "BTCUSDT", "limit": "0"}),
    "GET /fapi/v1/income": ("startTime endTime limit", {"limit": "-5"}),
    "DELETE /fapi/v1/order": ("symbol orderId origClientOrderId", {"symbol": "BTCUSDT"}),
    "POST /fapi/v1/countdownCancelAll": ("symbol countdownTime", {"symbol": "BTCUSDT", "countdownTime": "x"}),
}


@pytest.mark.parametrize("route", ENDPOINTS)
async def test_nonsense_is_refused_with_a_code_and_the_exchange_lives(host, route):
    chance, (names, sound) = random.Random(route), ENDPOINTS[route]
    method, path = route.split(" ")
    async with Rest(host) as rest:
        for _ in range(40):
            params = dict(sound)
            for name in chance.sample(names.split(), k=min(2, len(names.split()))):
                params[name] = chance.choice(NASTY)
            status, body, _ = await rest.signed(method, path, where="body" if method != "GET" else "query", **params)
            assert status in (200, 400), (params, body)
            if status == 400:
                assert body["code"] < -1000, (params, body)
                assert body["msg"]
        assert (await rest.signed("GET", "/fapi/v3/positionRisk"))[0] == 200


async def test_a_body_too_large_is_refused_and_the_exchange_lives(host):
    async with Rest(host) as rest:
        status, _, _ = await rest.signed("POST", "/fapi/v1/order", where="body", symbol="x" * 300_000)
        assert status == 413
        assert (await rest.public("/fapi/v1/ping"))[0] == 200
