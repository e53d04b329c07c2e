"""Faults that strike requests: what the client is told, and what the exchange did all the same."""

import asyncio
import time

import aiohttp
import grpc
import pytest
from tests.adapters.exchange_sim.api import api_of
from tests.adapters.exchange_sim.conftest import KEY
from tests.adapters.exchange_sim.control import controlled

BUY = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.002"}
ORDER = "POST /fapi/v1/order"


@pytest.fixture
async def venue():
    async with controlled() as made:
        yield made


async def held(rest):
    """How many coins the account holds."""
    rows = (await rest.signed("GET", "/fapi/v3/positionRisk"))[1]
    return sum(float(row["positionAmt"]) for row in rows)


@pytest.mark.parametrize(
    ("kind", "parameters", "status", "code"),
    [
        ("rate_limit", {}, 429, -1003),
        ("ip_ban", {}, 418, -1003),
        ("timeout_not_accepted", {}, 408, -1007),
        ("throttled", {}, 503, -1008),
        ("timestamp_refused", {}, 400, -1021),
        ("server_error_before", {}, 503, -1000),
        ("refuse", {"code": -2019}, 400, -2019),
        ("refuse", {"code": -4164, "status": 422, "message": "no"}, 422, -4164),
        ("maintenance", {}, 503, -1016),
    ],
)
async def test_a_refusing_fault_answers_and_nothing_is_executed(venue, kind, parameters, status, code):
    _, rest, control = venue
    scope = {} if kind == "maintenance" else {"endpoint": ORDER}
    fault = await control.add(kind, scope, **parameters)
    answer = await rest.signed("POST", "/fapi/v1/order", **BUY)
    assert (answer[0], answer[1]["code"]) == (status, code)
    assert await control.fired(fault) == 1
    await control.remove(fault)
    assert await held(rest) == 0
    assert (await rest.signed("POST", "/fapi/v1/order", **BUY))[0] == 200


@pytest.mark.parametrize(("kind", "seconds"), [("rate_limit", 7), ("ip_ban", 300)])
async def test_a_storm_says_when_to_come_back(venue, kind, seconds):
    _, rest, control = venue
    await control.add(kind, {"endpoint": "GET *"}, retry_after_s=seconds)
    before = time.time() * 1_000
    _, body, headers = await rest.public("/fapi/v1/time")
    assert headers["Retry-After"] == str(seconds)
    if kind == "ip_ban":
        until = int(body["msg"].split("banned until ")[1].split(".")[0])
        assert before + seconds * 1_000 <= until <= time.time() * 1_000 + seconds * 1_000
    assert (await rest.signed("POST", "/fapi/v1/order", **BUY))[0] == 200


async def test_a_throttle_spares_what_only_reduces(venue):
    _, rest, control = venue
    await rest.signed("POST", "/fapi/v1/order", **BUY)
    await control.add("throttled", {"endpoint": ORDER})
    assert (await rest.signed("POST", "/fapi/v1/order", **BUY))[1]["code"] == -1008
    close = {**BUY, "side": "SELL", "reduceOnly": "true"}
    assert (await rest.signed("POST", "/fapi/v1/order", **close))[0] == 200
    assert await held(rest) == 0


@pytest.mark.parametrize(
    ("kind", "parameters", "status", "code"),
    [("timeout_accepted", {}, 408, -1007), ("server_error_after", {}, 503, -1000)],
)
async def test_an_order_is_accepted_though_its_answer_says_that_nobody_knows(venue, kind, parameters, status, code):
    _, rest, control = venue
    await control.add(kind, {"endpoint": ORDER, "count": 1}, **parameters)
    answer = await rest.signed("POST", "/fapi/v1/order", newClientOrderId="mine", **BUY)
    assert (answer[0], answer[1]["code"]) == (status, code)
    found = await rest.signed("GET", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="mine")
    assert found[1]["status"] == "FILLED"
    assert await held(rest) == 0.002


async def test_a_fault_of_the_answer_is_not_spent_on_what_the_engine_refuses(venue):
    _, rest, control = venue
    fault = await control.add("timeout_accepted", {"endpoint": ORDER, "count": 1})
    refused = await rest.signed("POST", "/fapi/v1/order", **{**BUY, "quantity": "0"})
    assert refused[1]["code"] == -4003
    assert await control.fired(fault) == 0


@pytest.mark.parametrize("status", [500, 502, 504])
@pytest.mark.parametrize(("kind", "coins"), [("server_error_before", 0), ("server_error_after", 0.002)])
async def test_what_stands_before_the_exchange_answers_with_a_page(venue, status, kind, coins):
    _, rest, control = venue
    await control.add(kind, {"endpoint": ORDER}, status=status)
    with pytest.raises(aiohttp.ContentTypeError) as page:
        await rest.signed("POST", "/fapi/v1/order", **BUY)
    assert page.value.status == status
    assert await held(rest) == coins


async def test_a_request_that_is_late_at_the_engine_is_refused_there(venue):
    _, rest, control = venue
    await control.add("latency", {"endpoint": ORDER}, ms=150)
    late = await rest.signed("POST", "/fapi/v1/order", recvWindow=100, **BUY)
    assert late[1]["code"] == -5028
    assert await held(rest) == 0
    assert (await rest.signed("POST", "/fapi/v1/order", **BUY))[0] == 200


async def test_latency_is_drawn_for_the_endpoint_that_it_is_for(venue):
    _, rest, control = venue
    slow = await control.add("latency", {"endpoint": "GET /fapi/v1/time"}, distribution="uniform", ms=60, max_ms=90)
    began = time.monotonic()
    await rest.public("/fapi/v1/time")
    assert time.monotonic() - began >= 0.06
    await rest.public("/fapi/v1/ping")
    assert await control.fired(slow) == 1


async def test_the_answer_comes_after_the_fill(venue):
    host, rest, control = venue
    key = (await rest.signed("POST", "/fapi/v1/listenKey"))[1]["listenKey"]
    await control.add("late_answer", {"endpoint": ORDER}, delay_ms=10_000)
    async with aiohttp.ClientSession() as session, session.ws_connect(f"ws://{host}/ws/{key}") as stream:
        answer = asyncio.create_task(rest.signed("POST", "/fapi/v1/order", **BUY))
        while True:
            event = await stream.receive_json(timeout=5)
            if event["e"] == "ORDER_TRADE_UPDATE" and event["o"]["X"] == "FILLED":
                break
        assert not answer.done()
        answer.cancel()


@pytest.mark.parametrize("offset_ms", [30_000, -30_000])
async def test_a_clock_that_is_off_tells_its_own_time_and_judges_by_it(venue, offset_ms):
    _, rest, control = venue
    fault = await control.add("clock_offset", offset_ms=offset_ms)
    told = (await rest.public("/fapi/v1/time"))[1]["serverTime"]
    assert abs(told - time.time() * 1_000 - offset_ms) < 5_000
    assert (await rest.signed("POST", "/fapi/v1/order", **BUY))[1]["code"] == -1021
    assert (await rest.signed("POST", "/fapi/v1/order", at_ms=offset_ms, **BUY))[0] == 200
    await control.remove(fault)
    assert (await rest.signed("POST", "/fapi/v1/order", **BUY))[0] == 200


async def test_a_conditional_order_is_refused_and_an_ordinary_one_is_not(venue):
    _, rest, control = venue
    await control.add("refuse_conditional", {"symbol": "BTCUSDT"}, code=-2021)
    stop = {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "triggerPrice": "1000", "closePosition": "true"}
    assert (await rest.signed("POST", "/fapi/v1/algoOrder", algoType="CONDITIONAL", **stop))[1] == {
        "code": -2021,
        "msg": "Order would immediately trigger.",
    }
    assert (await rest.signed("POST", "/fapi/v1/order", **BUY))[0] == 200
    other = {**stop, "symbol": "ETHUSDT", "triggerPrice": "100"}
    assert (await rest.signed("POST", "/fapi/v1/algoOrder", algoType="CONDITIONAL", **other))[0] == 200


async def test_the_websocket_api_suffers_as_the_rest_method_does_that_its_request_stands_for(venue):
    host, rest, control = venue
    await control.add("rate_limit", {"endpoint": ORDER, "count": 1}, retry_after_s=7)
    await control.add("timeout_accepted", {"endpoint": ORDER, "count": 1})
    async with api_of(host) as api:
        stormed, unknown = [await api.signed("order.place", **BUY) for _ in range(2)]
        assert (stormed["status"], stormed["error"]["code"]) == (429, -1003)
        assert stormed["error"]["data"]["retryAfter"] == 7_000
        assert (unknown["status"], unknown["error"]["code"]) == (408, -1007)
    assert await held(rest) == 0.002


async def test_a_scope_narrows_by_account_symbol_count_and_time(venue):
    _, rest, control = venue
    one = await control.add("refuse", {"account": KEY, "symbol": "ETHUSDT", "count": 1}, code=-2019)
    await control.add("refuse", {"until_ms": int(time.time() * 1_000) - 1}, code=-1)
    await control.add("refuse", {"from_ms": int(time.time() * 1_000) + 3_600_000}, code=-2)
    assert (await rest.signed("POST", "/fapi/v1/order", **BUY))[0] == 200
    assert (await rest.public("/fapi/v1/ticker/price", symbol="ETHUSDT"))[0] == 200
    ether = {"symbol": "ETHUSDT", "leverage": 5}
    answers = [(await rest.signed("POST", "/fapi/v1/leverage", **ether))[0] for _ in range(3)]
    assert answers == [400, 200, 200]
    assert await control.fired(one) == 1


@pytest.mark.parametrize(
    ("kind", "scope", "parameters", "field"),
    [
        ("rate_limit", {"account": "nobody"}, {}, "fault.scope.account"),
        ("rate_limit", {"symbol": "DOGEUSDT"}, {}, "fault.scope.symbol"),
        ("rate_limit", {"symbol": "btc"}, {}, "fault.scope.symbol"),
        ("rate_limit", {"stream": "user"}, {}, "fault.scope.stream"),
        ("rate_limit", {"probability": 1.5}, {}, "fault.scope.probability"),
        ("rate_limit", {}, {"retry_after_s": -1}, "fault.rate_limit.retry_after_s"),
        ("server_error_after", {}, {"status": 404}, "fault.server_error_after.status"),
        ("latency", {}, {"distribution": "cauchy"}, "fault.latency.distribution"),
        ("latency", {}, {"ms": 100, "max_ms": 50}, "fault.latency.max_ms"),
        ("liquidate", {}, {}, "fault.scope.account"),
        ("delist_symbol", {}, {}, "fault.scope.symbol"),
        ("change_filters", {"symbol": "BTCUSDT"}, {}, "fault.change_filters"),
        ("partial_fills", {}, {"parts": [60, 60]}, "fault.partial_fills.parts"),
        ("clock_offset", {"count": 5}, {}, "fault.scope.count"),
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused_by_the_name_of_the_field(venue, kind, scope, parameters, field):
    _, _, control = venue
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await control.add(kind, scope, **parameters)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert field.encode() in dict(refused.value.trailing_metadata())["grpc-status-details-bin"]
