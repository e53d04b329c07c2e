"""The WebSocket API: every method of the documents, who may log on, and what the limits are told as."""

import json
import time
from pathlib import Path

import pytest
from tests.adapters.exchange_sim.api import api_of
from tests.adapters.exchange_sim.conftest import ACCOUNT, KEY, MinuteClock, serving
from tests.adapters.exchange_sim.keys import ed25519_pair, rsa_pair
from tests.adapters.exchange_sim.shapes import misfits

from perpmesh.exchange_sim.adapters.ws_api import ENDPOINTS
from perpmesh.exchange_sim.config import AccountConfig
from perpmesh.exchange_sim.domain.limits import Limits

SPEC = {row["method"]: row for row in json.loads((Path(__file__).parent / "spec" / "usdm_ws_api.json").read_text())}
MARKET = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.002"}
BOTH_TYPES = ("priceRate", "activatePrice", "callbackRate")  # fields of trailing orders only, or in older examples


@pytest.fixture
async def api(host):
    async with api_of(host) as made:
        yield made


async def price_below(api):
    """Return a limit price at which nothing trades, on the tick."""
    last = (await api.call("ticker.price", symbol="BTCUSDT"))["result"]["price"]
    return f"{float(last) * 0.97:.1f}"


async def answers(api):
    """Ask every method once, in an order in which each has something to answer with."""
    below = await price_below(api)
    limit = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": below}
    algo = {"algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET"}
    given = {
        "depth": await api.call("depth", symbol="BTCUSDT", limit=5),
        "ticker.price": await api.call("ticker.price", symbol="BTCUSDT"),
        "ticker.book": await api.call("ticker.book", symbol="BTCUSDT"),
        "order.place": await api.signed("order.place", quantity=0.01, reduceOnly=False, **limit),
    }
    order = {"symbol": "BTCUSDT", "orderId": given["order.place"]["result"]["orderId"]}
    given["order.status"] = await api.signed("order.status", **order)
    given["order.modify"] = await api.signed(
        "order.modify", side="BUY", quantity="0.02", price=below, modifyId=1, **order
    )
    given["order.cancel"] = await api.signed("order.cancel", **order)
    await api.signed("order.place", **MARKET)
    for method in ("account.status", "v2/account.status", "account.balance", "v2/account.balance"):
        given[method] = await api.signed(method)
    for method in ("account.position", "v2/account.position"):
        given[method] = await api.signed(method, symbol="BTCUSDT")
    placed = given["algoOrder.place"] = await api.signed(
        "algoOrder.place", triggerPrice=below, closePosition=True, **algo
    )
    given["algoOrder.cancel"] = await api.signed("algoOrder.cancel", algoId=placed["result"]["algoId"])
    for method in ("userDataStream.start", "userDataStream.ping", "userDataStream.stop"):
        given[method] = await api.call(method, apiKey=KEY)
    return given


async def test_every_method_of_the_documents_answers_as_its_example_does(api):
    given = await answers(api)
    assert given.keys() == SPEC.keys()
    assert set(ENDPOINTS) - SPEC.keys() == {"ping", "time"}
    for method, answer in given.items():
        assert answer["status"] == 200, (method, answer)
        assert answer["rateLimits"][-1]["rateLimitType"] in ("REQUEST_WEIGHT", "ORDERS")
        example = SPEC[method]["example"]["result"]
        wrong = misfits(in_order_of(example, answer["result"]), example, method, optional=BOTH_TYPES)
        assert not wrong, wrong


def in_order_of(example, answer):
    """Put the fields in the example's order: ours is that of REST, and here the documents' is another."""
    if isinstance(answer, list) and isinstance(example, list) and example:
        return [in_order_of(example[0], row) for row in answer]
    if not isinstance(answer, dict) or not isinstance(example, dict):
        return answer
    names = (*[name for name in example if name in answer], *answer)
    return {name: in_order_of(example.get(name), answer[name]) for name in names}


async def test_an_answer_tells_the_limits_unless_it_shall_not():
    clock = MinuteClock()
    async with serving(clock) as host, api_of(host, behind_ms=clock.behind_ms) as api:
        assert (await api.call("time"))["rateLimits"] == [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400, "count": 6}
        ]
        placed = await api.signed("order.place", **MARKET)
        assert [(row["intervalNum"], row["interval"], row["count"]) for row in placed["rateLimits"]] == [
            (10, "SECOND", 1),
            (1, "MINUTE", 1),
            (1, "MINUTE", 6),
        ]
        assert "rateLimits" not in await api.signed("account.balance", returnRateLimits=False)
        async with api_of(host, "?returnRateLimits=false") as quiet:
            assert (await quiet.call("ping")) == {"id": 1, "status": 200, "result": {}}
            assert "rateLimits" in await quiet.call("ping", returnRateLimits=True)


REFUSALS = (
    (lambda api: api.call("v1/login"), 404, -5000, "Method v1/login is invalid"),
    (lambda api: api.call("order.place", **MARKET), 400, -1102, None),
    (lambda api: api.signed("order.place", secret="wrong", **MARKET), 400, -1022, None),
    (lambda api: api.signed("order.place", key="stranger", **MARKET), 401, -2015, None),
    (lambda api: api.signed("order.place", key="!", **MARKET), 401, -2014, None),
    (lambda api: api.signed("account.balance", at_ms=-6_000), 400, -1021, None),
    (lambda api: api.signed("account.balance", at_ms=2_000), 400, -1021, None),
    (lambda api: api.signed("account.balance", recvWindow=60_001), 400, -1131, None),
    (lambda api: api.signed("order.place", **{**MARKET, "type": "STOP_MARKET"}), 400, -4120, None),
    (lambda api: api.call("depth"), 400, -1102, None),
    (lambda api: api.say([]), 400, -1102, None),
    (lambda api: api.say({"id": 1, "method": "ping", "params": []}), 200, None, None),
    (lambda api: api.say({"id": 1, "method": "ping", "params": [1]}), 400, -1102, None),
)


async def test_a_refusal_has_the_status_code_and_words_of_rest_and_the_connection_lives(api):
    for number, (ask, status, code, text) in enumerate(REFUSALS):
        answer = await ask(api)
        assert (answer["status"], answer.get("error", {}).get("code")) == (status, code), (number, answer)
        assert text in (None, answer.get("error", {}).get("msg"))
    await api.socket.send_str("{nonsense")
    broken = await api.socket.receive_json()
    assert (broken["id"], broken["status"], broken["error"]) == (None, 400, {"code": -1013, "msg": "INVALID_MESSAGE"})
    for frame_id in (7, "a-b-c", None, ""):
        assert (await api.say({"id": frame_id, "method": "ping"}))["id"] == frame_id


@pytest.mark.parametrize("make", [rsa_pair, ed25519_pair])
async def test_requests_are_signed_with_the_key_they_name(make):
    sign, pem = make()
    async with serving(accounts=(ACCOUNT, AccountConfig("paired", pem, ACCOUNT.balance))) as host, api_of(host) as api:
        placed = await api.signed("order.place", key="paired", secret=sign, newClientOrderId="a:b/c", **MARKET)
        assert (placed["status"], placed["result"]["clientOrderId"]) == (200, "a:b/c")
        refused = await api.signed("order.place", key="paired", secret=make()[0], **MARKET)
        assert (refused["status"], refused["error"]["code"]) == (400, -1022)


async def test_only_an_ed25519_key_may_log_on_and_then_needs_no_signature():
    sign, pem = ed25519_pair()
    rsa, rsa_pem = rsa_pair()
    accounts = (
        ACCOUNT,
        AccountConfig("paired", pem, ACCOUNT.balance),
        AccountConfig("rsa", rsa_pem, ACCOUNT.balance),
    )
    async with serving(accounts=accounts) as host, api_of(host) as api:
        for key, secret, word in ((KEY, ACCOUNT.secret, "HMAC_SHA256"), ("rsa", rsa, "RSA")):
            refused = await api.signed("session.logon", key=key, secret=secret)
            assert refused["error"] == {"code": -4056, "msg": f"{word} API key is not supported."}
        assert (await api.call("session.status"))["result"]["apiKey"] is None
        assert (await api.signed("session.logon", key="paired", secret=rsa))["error"]["code"] == -1022
        logged_on = (await api.signed("session.logon", key="paired", secret=sign))["result"]
        assert logged_on["apiKey"] == (await api.call("session.status"))["result"]["apiKey"] == "paired"
        assert logged_on["connectedSince"] <= logged_on["authorizedSince"] <= logged_on["serverTime"]
        now = int(time.time() * 1_000)
        assert (await api.call("order.place", timestamp=now, **MARKET))["status"] == 200
        assert (await api.call("userDataStream.start"))["result"].keys() == {"listenKey"}
        assert (await api.call("account.balance", timestamp=now - 6_000))["error"]["code"] == -1021
        assert (await api.call("account.balance"))["error"]["code"] == -1102
        other = await api.call("account.balance", apiKey=KEY, timestamp=now)
        assert other["error"]["code"] == -1102, "another key must sign, whoever has logged on"
        assert (await api.signed("account.balance"))["status"] == 200
        assert (await api.call("session.logout"))["result"]["apiKey"] is None
        assert (await api.call("account.balance", timestamp=now))["error"]["code"] == -1102


async def test_the_limits_hold_here_too_and_a_ban_covers_rest_and_new_connections():
    limits = Limits(weight_per_minute=12, orders_per_ten_seconds=1, refusals_before_ban=2)
    clock = MinuteClock()
    async with serving(clock, limits=limits) as host, api_of(host, behind_ms=clock.behind_ms) as api:
        assert (await api.signed("order.place", **MARKET))["status"] == 200
        too_many = await api.signed("order.place", **MARKET)
        assert (too_many["status"], too_many["error"]["code"]) == (429, -1015)
        statuses = [(await api.signed("account.balance"))["status"] for _ in range(4)]
        assert statuses == [200, 429, 429, 418]
        banned = (await api.call("ping"))["error"]
        assert (banned["code"], banned["data"]["retryAfter"] > 100_000) == (-1003, True)
        with pytest.raises(Exception, match="418"):
            async with api_of(host):
                pass
