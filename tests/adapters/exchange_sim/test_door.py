"""The door: who is let in, and what is said to those who are not."""

import time
from urllib.parse import unquote_plus

import pytest
from tests.adapters.exchange_sim.conftest import KEY, SECRET, MinuteClock, serving
from tests.adapters.exchange_sim.rest import Rest

from perpmesh.exchange_sim.domain.limits import Limits
from perpmesh.exchange_sim.domain.signature import sign

MARKET = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.002"}


@pytest.fixture
async def rest(host):
    async with Rest(host) as made:
        yield made


async def test_an_unknown_path_is_404_with_the_venues_own_words(rest):
    status, body, _ = await rest.public("/fapi/v1/nothing")
    assert (status, body) == (404, {"code": -5000, "msg": "Path /fapi/v1/nothing, Method GET is invalid"})


async def test_a_request_without_a_key_or_with_an_unknown_one_is_401(rest):
    assert (await rest.raw("GET", "/fapi/v2/account"))[:2] == (
        401,
        {"code": -2014, "msg": "API-key format invalid."},
    )
    status, body, _ = await rest.signed("GET", "/fapi/v2/account", key="stranger")
    assert (status, body["code"]) == (401, -2015)


async def test_a_signed_request_needs_a_timestamp_and_a_signature_that_holds(rest):
    headers = {"X-MBX-APIKEY": KEY}
    assert (await rest.raw("GET", "/fapi/v2/account", headers))[1]["code"] == -1102
    assert (await rest.raw("GET", "/fapi/v2/account?timestamp=1", headers))[1]["code"] == -1102
    status, body, _ = await rest.signed("GET", "/fapi/v2/account", secret="wrong")
    assert (status, body["code"]) == (400, -1022)


@pytest.mark.parametrize(("at_ms", "window"), [(-6_000, None), (2_000, None), (-600, "500")])
async def test_a_request_outside_its_window_is_refused(rest, at_ms, window):
    more = {"recvWindow": window} if window else {}
    status, body, _ = await rest.signed("GET", "/fapi/v2/account", at_ms=at_ms, **more)
    assert (status, body["code"]) == (400, -1021)


@pytest.mark.parametrize("where", ["query", "body"])
async def test_parameters_may_travel_in_the_query_or_in_the_body(rest, where):
    status, body, headers = await rest.signed("POST", "/fapi/v1/order", where=where, **MARKET)
    assert (status, body["status"]) == (200, "NEW")
    assert not {"avgPrice", "cumQuote"} & set(body)
    assert (headers["X-MBX-ORDER-COUNT-10S"], headers["X-MBX-ORDER-COUNT-1M"]) == ("1", "1")
    assert int(headers["X-MBX-USED-WEIGHT-1M"]) >= 0


@pytest.mark.parametrize("where", ["query", "body", "both"])
async def test_changing_and_cancelling_take_their_parameters_from_anywhere(rest, where):
    price = f"{float((await rest.public('/fapi/v1/premiumIndex', symbol='BTCUSDT'))[1]['markPrice']) * 0.97:.1f}"
    order = {**MARKET, "type": "LIMIT", "timeInForce": "GTC", "price": price, "newClientOrderId": "mine"}
    assert (await rest.signed("POST", "/fapi/v1/order", where=where, **order))[0] == 200
    change = {"symbol": "BTCUSDT", "side": "BUY", "origClientOrderId": "mine", "quantity": "0.003", "price": price}
    status, body, headers = await rest.signed("PUT", "/fapi/v1/order", where=where, **change)
    assert (status, body["origQty"], "modifyId" in body) == (200, "0.003", False)
    assert headers["X-MBX-ORDER-COUNT-10S"] == "2"
    gone = await rest.signed("DELETE", "/fapi/v1/order", where=where, symbol="BTCUSDT", origClientOrderId="mine")
    assert (gone[0], gone[1]["status"]) == (200, "CANCELED")


@pytest.mark.parametrize("spelled", ["true", "True", "TRUE", '"true"'])
async def test_a_boolean_is_understood_however_it_is_spelled(rest, spelled):
    status, body, _ = await rest.signed("POST", "/fapi/v1/positionSide/dual", dualSidePosition=spelled)
    assert (status, body) == (200, {"code": 200, "msg": "success"})
    assert (await rest.signed("GET", "/fapi/v1/positionSide/dual"))[1] == {"dualSidePosition": True}


async def test_what_is_sent_in_query_and_body_counts_as_the_query_says(rest):
    text = f"symbol=ETHUSDT&leverage=9&timestamp={int(time.time() * 1_000)}"
    mark = sign(SECRET, f"symbol=BTCUSDT{text}")
    path = f"/fapi/v1/leverage?symbol=BTCUSDT&signature={mark}"
    status, body, _ = await rest.raw("POST", path, {"X-MBX-APIKEY": KEY}, text)
    assert (status, body["symbol"], body["leverage"]) == (200, "BTCUSDT", 9)


async def test_a_test_order_is_asked_everything_and_leaves_nothing(rest):
    status, body, _ = await rest.signed("POST", "/fapi/v1/order/test", **MARKET)
    assert (status, body["status"], body["executedQty"]) == (200, "NEW", "0.000")
    assert (await rest.signed("POST", "/fapi/v1/order/test", **{**MARKET, "quantity": "9"}))[1]["code"] == -2019
    assert (await rest.signed("GET", "/fapi/v1/allOrders"))[1] == []


async def test_a_result_answer_tells_the_final_state(rest):
    _, body, _ = await rest.signed("POST", "/fapi/v1/order", newOrderRespType="RESULT", **MARKET)
    assert (body["status"], body["executedQty"]) == ("FILLED", "0.002")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"symbol": "DOGEUSDT"}, -1121),
        ({"side": "HOLD"}, -1117),
        ({"type": "WISH"}, -1116),
        ({"type": "STOP_MARKET"}, -4120),
        ({"quantity": "0.0001"}, -1111),
        ({"quantity": "abc"}, -1102),
        ({"quantity": "0"}, -4003),
        ({"positionSide": "LONG"}, -4061),
        ({"newClientOrderId": "x" * 37}, -4015),
        ({"reduceOnly": "true"}, -2022),
        ({"type": "LIMIT", "timeInForce": "NEVER", "price": "1"}, -1115),
    ],
)
async def test_a_wrong_order_is_refused_with_binances_code_and_nothing_changes(rest, change, code):
    status, body, _ = await rest.signed("POST", "/fapi/v1/order", **{**MARKET, **change})
    assert (status, body["code"]) == (400, code), body
    assert (await rest.signed("GET", "/fapi/v3/positionRisk"))[1] == []
    assert (await rest.signed("GET", "/fapi/v1/allOrders"))[1] == []


async def test_too_many_orders_and_too_much_weight_are_429_and_say_when_to_come_back():
    clock = MinuteClock()
    limits = Limits(weight_per_minute=12, orders_per_ten_seconds=1)
    async with serving(clock, limits=limits) as host, Rest(host, behind_ms=clock.behind_ms) as rest:
        await rest.signed("POST", "/fapi/v1/order", **MARKET)
        status, body, headers = await rest.signed("POST", "/fapi/v1/order", **MARKET)
        assert (status, body["code"]) == (429, -1015)
        assert 0 < int(headers["Retry-After"]) <= 10
        answers = [await rest.signed("GET", "/fapi/v2/account") for _ in range(3)]
        assert [status for status, *_ in answers] == [200, 200, 429]
        assert answers[-1][1]["code"] == -1003


async def test_who_does_not_stop_after_429_gets_418_and_the_headers_tell_each_time():
    clock, limits = MinuteClock(), Limits(weight_per_minute=5, refusals_before_ban=2)
    async with serving(clock, limits=limits) as host, Rest(host, behind_ms=clock.behind_ms) as rest:
        answers = [await rest.signed("GET", "/fapi/v2/account") for _ in range(5)]
        assert [status for status, *_ in answers] == [200, 429, 429, 418, 418]
        assert [headers["X-MBX-USED-WEIGHT-1M"] for *_, headers in answers] == ["5", "10", "15", "20", "20"]
        assert all(0 < int(headers["Retry-After"]) <= 60 for *_, headers in answers[1:3])
        assert all(60 < int(headers["Retry-After"]) <= 120 for *_, headers in answers[3:])
        assert answers[-1][1]["code"] == -1003
        assert "banned until" in answers[-1][1]["msg"]


async def test_funding_history_is_counted_apart_from_all_other_weight():
    async with serving(MinuteClock(), limits=Limits(funding_per_five_minutes=2)) as host, Rest(host) as rest:
        asked = ("/fapi/v1/fundingRate", "/fapi/v1/fundingInfo", "/fapi/v1/fundingRate", "/fapi/v1/time")
        answers = [await rest.public(path) for path in asked]
        assert [status for status, *_ in answers] == [200, 200, 429, 200]
        assert [headers["X-MBX-USED-WEIGHT-1M"] for *_, headers in answers] == ["0", "0", "0", "1"]


async def test_a_signature_over_the_decoded_text_is_good_as_well(rest):
    order = {**MARKET, "newClientOrderId": "a:b/c"}
    status, body, _ = await rest.signed(
        "POST", "/fapi/v1/order", secret=lambda text: sign(SECRET, unquote_plus(text)), **order
    )
    assert (status, body["clientOrderId"]) == (200, "a:b/c")


async def test_a_batch_answers_in_order_each_item_for_itself(rest):
    rows = '[{"symbol":"BTCUSDT","side":"BUY","type":"MARKET","quantity":"0.002"},{"symbol":"BTCUSDT","side":"BUY","type":"MARKET","quantity":"0"}]'
    status, body, headers = await rest.signed("POST", "/fapi/v1/batchOrders", batchOrders=rows)
    assert status == 200
    assert (body[0]["status"], body[1]["code"]) == ("NEW", -4003)
    assert (headers["X-MBX-ORDER-COUNT-10S"], headers["X-MBX-ORDER-COUNT-1M"]) == ("5", "1")


async def test_account_balance_and_position_tell_one_story(rest):
    await rest.signed("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=10)
    await rest.signed("POST", "/fapi/v1/order", **MARKET)
    v2 = (await rest.signed("GET", "/fapi/v2/account"))[1]
    v3 = (await rest.signed("GET", "/fapi/v3/account"))[1]
    held = (await rest.signed("GET", "/fapi/v3/positionRisk", symbol="BTCUSDT"))[1][0]
    money = (await rest.signed("GET", "/fapi/v3/balance"))[1][0]
    assert len(v2["positions"]) == 2
    assert [each["symbol"] for each in v3["positions"]] == ["BTCUSDT"]
    assert v2["totalWalletBalance"] == v3["totalWalletBalance"] == money["balance"]
    assert held["positionAmt"] == v3["positions"][0]["positionAmt"] == "0.002"
    assert (await rest.signed("GET", "/fapi/v1/symbolConfig", symbol="BTCUSDT"))[1][0]["leverage"] == 10


async def test_an_end_that_is_the_wall_clocks_now_means_the_markets_now(rest):
    now = (await rest.public("/fapi/v1/time"))[1]["serverTime"]
    newest = (await rest.public("/fapi/v1/klines", symbol="BTCUSDT", interval="1m", limit=1))[1][0]
    until_now = (await rest.public("/fapi/v1/klines", symbol="BTCUSDT", interval="1m", limit=1, endTime=now))[1][0]
    assert until_now[0] >= newest[0]


async def test_funding_history_is_what_the_settlements_were(rest):
    rows = (await rest.public("/fapi/v1/fundingRate", symbol="BTCUSDT"))[1]
    assert len(rows) >= 3
    assert all(row["fundingTime"] % 28_800_000 == 0 for row in rows)
