"""Faults that strike the engine: fills in parts, triggers that fail, symbols that change, accounts that are liquidated."""

import asyncio
from decimal import Decimal

import aiohttp
import pytest
from tests.adapters.exchange_sim.conftest import KEY, serving
from tests.adapters.exchange_sim.control import controlled
from tests.adapters.exchange_sim.rest import Rest

from perpmesh_api.exchange_sim.v1 import exchange_control_service_pb2 as pb

BUY = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.010"}


@pytest.fixture
async def venue():
    async with controlled() as made:
        yield made


async def order(rest, client_id):
    return (await rest.signed("GET", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId=client_id))[1]


async def position(rest, symbol="BTCUSDT"):
    rows = (await rest.signed("GET", "/fapi/v3/positionRisk", symbol=symbol))[1]
    return sum(Decimal(row["positionAmt"]) for row in rows)


async def algo(rest, algo_id):
    return (await rest.signed("GET", "/fapi/v1/algoOrder", algoId=algo_id))[1]


async def test_an_order_fills_in_the_parts_of_the_script_one_after_the_other(venue):
    host, rest, control = venue
    key = (await rest.signed("POST", "/fapi/v1/listenKey"))[1]["listenKey"]
    fault = await control.add("partial_fills", {"symbol": "BTCUSDT", "count": 1}, parts=[30, 30, 40], delay_ms=150)
    async with aiohttp.ClientSession() as session, session.ws_connect(f"ws://{host}/ws/{key}") as stream:
        body = (await rest.signed("POST", "/fapi/v1/order", newOrderRespType="RESULT", **BUY))[1]
        assert (body["status"], body["executedQty"]) == ("PARTIALLY_FILLED", "0.003")
        fills = []
        while len(fills) < 3:
            event = await stream.receive_json(timeout=5)
            if event["e"] == "ORDER_TRADE_UPDATE" and event["o"]["x"] == "TRADE":
                fills.append((event["E"], event["o"]["X"], event["o"]["l"], event["o"]["z"]))
    assert [fill[1:] for fill in fills] == [
        ("PARTIALLY_FILLED", "0.003", "0.003"),
        ("PARTIALLY_FILLED", "0.003", "0.006"),
        ("FILLED", "0.004", "0.010"),
    ]
    assert all(fill[0] - fills[0][0] >= 150 * number for number, fill in enumerate(fills))
    assert await position(rest) == Decimal("0.010")
    assert await control.fired(fault) == 1
    after = (await rest.signed("POST", "/fapi/v1/order", newOrderRespType="RESULT", **BUY))[1]
    assert after["status"] == "FILLED"


async def test_what_a_script_leaves_of_a_market_order_expires_and_of_a_limit_order_rests(venue):
    _, rest, control = venue
    await control.add("partial_fills", parts=[50], delay_ms=0)
    await rest.signed("POST", "/fapi/v1/order", newClientOrderId="market", **BUY)
    found = await order(rest, "market")
    assert (found["status"], found["executedQty"]) == ("EXPIRED", "0.005")
    bid = Decimal((await rest.public("/fapi/v1/ticker/bookTicker", symbol="BTCUSDT"))[1]["bidPrice"])
    near, far = (bid * Decimal("1.02")).quantize(Decimal("0.1")), (bid * Decimal("0.97")).quantize(Decimal("0.1"))
    limit = {**BUY, "type": "LIMIT", "timeInForce": "GTC"}
    await rest.signed("POST", "/fapi/v1/order", newClientOrderId="far", price=far, **limit)
    assert (await order(rest, "far"))["executedQty"] == "0.000"
    await rest.signed("POST", "/fapi/v1/order", newClientOrderId="near", price=near, **limit)
    assert Decimal((await order(rest, "near"))["executedQty"]) >= Decimal("0.005")


async def test_a_scripted_order_can_be_canceled_between_its_parts(venue):
    _, rest, control = venue
    await control.add("partial_fills", parts=[40, 60], delay_ms=600_000)
    await rest.signed("POST", "/fapi/v1/order", newClientOrderId="mine", **BUY)
    canceled = await rest.signed("DELETE", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId="mine")
    assert (canceled[0], canceled[1]["status"], canceled[1]["executedQty"]) == (200, "CANCELED", "0.004")
    assert (await rest.signed("GET", "/fapi/v1/openOrders"))[1] == []


async def test_a_script_goes_on_after_a_restart_though_the_fault_is_forgotten(tmp_path):
    async with controlled(state_dir=tmp_path) as (_, rest, control):
        await control.add("partial_fills", parts=[40, 60], delay_ms=1_500)
        await rest.signed("POST", "/fapi/v1/order", newClientOrderId="mine", **BUY)
        assert (await order(rest, "mine"))["status"] == "PARTIALLY_FILLED"
    async with serving(state_dir=tmp_path) as host, Rest(host) as rest, asyncio.timeout(10):
        while (found := await order(rest, "mine"))["status"] != "FILLED":
            await asyncio.sleep(0.05)
        assert found["executedQty"] == "0.010"
        assert (await rest.signed("POST", "/fapi/v1/order", newOrderRespType="RESULT", **BUY))[1]["status"] == "FILLED"


async def protect(rest):
    """Place a stop on each side close by and return their ids: half an hour of market reaches at least one."""
    last = Decimal((await rest.public("/fapi/v1/ticker/price", symbol="BTCUSDT"))[1]["price"])
    ids = []
    for side, away in (("SELL", "0.9995"), ("BUY", "1.0005")):
        trigger = (last * Decimal(away)).quantize(Decimal("0.1"))
        stop = {**BUY, "side": side, "type": "STOP_MARKET", "triggerPrice": trigger, "algoType": "CONDITIONAL"}
        ids.append((await rest.signed("POST", "/fapi/v1/algoOrder", **stop))[1]["algoId"])
    return ids


@pytest.mark.parametrize("before", [True, False])
async def test_a_stop_triggers_and_is_rejected_and_the_position_stays(venue, before):
    _, rest, control = venue
    replay = (await control.stub.PauseReplay(pb.PauseReplayRequest())).replay
    await rest.signed("POST", "/fapi/v1/order", **BUY)
    ids = await protect(rest) if before else []
    await control.add("reject_trigger", {"symbol": "BTCUSDT"}, code=-2019)
    ids = ids or await protect(rest)
    await control.stub.JumpReplay(pb.JumpReplayRequest(market_time_ms=replay.market_time_ms + 1_800_000))
    triggered = [each for each in [await algo(rest, each) for each in ids] if each["algoStatus"] != "NEW"]
    assert triggered
    assert {each["algoStatus"] for each in triggered} == {"REJECTED"}
    assert await position(rest) == Decimal("0.010")


async def test_a_delisted_symbol_closes_what_is_open_and_takes_nothing_more(venue):
    _, rest, control = venue
    await rest.signed("POST", "/fapi/v1/order", **BUY)
    fault = await control.add("delist_symbol", {"symbol": "BTCUSDT"})
    assert await position(rest) == 0
    assert (await rest.signed("POST", "/fapi/v1/order", **BUY))[0] == 400
    info = (await rest.public("/fapi/v1/exchangeInfo"))[1]
    status = {row["symbol"]: row["status"] for row in info["symbols"]}
    assert (status["BTCUSDT"] != "TRADING", status["ETHUSDT"]) == (True, "TRADING")
    assert await control.fired(fault) == 1


async def test_filters_change_in_mid_flight(venue):
    _, rest, control = venue
    await control.add("change_filters", {"symbol": "BTCUSDT"}, step_size="0.01", min_notional="200")
    refused = await rest.signed("POST", "/fapi/v1/order", **{**BUY, "quantity": "0.015"})
    assert (refused[0], refused[1]["code"]) == (400, -4023)
    accepted = await rest.signed("POST", "/fapi/v1/order", **BUY)
    assert accepted[0] == 200, accepted
    rows = (await rest.public("/fapi/v1/exchangeInfo"))[1]["symbols"]
    filters = {each["filterType"]: each for row in rows if row["symbol"] == "BTCUSDT" for each in row["filters"]}
    assert Decimal(filters["LOT_SIZE"]["stepSize"]) == Decimal("0.01")
    assert Decimal(filters["MIN_NOTIONAL"]["notional"]) == 200


async def test_an_account_is_liquidated(venue):
    host, rest, control = venue
    await rest.signed("POST", "/fapi/v1/order", **BUY)
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"ws://{host}/ws/btcusdt@forceOrder") as stream,
    ):
        await control.add("liquidate", {"account": KEY})
        told = await stream.receive_json(timeout=5)
        assert (told["e"], told["o"]["S"]) == ("forceOrder", "SELL")
    assert await position(rest) == 0
