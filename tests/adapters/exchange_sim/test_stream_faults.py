"""Faults that strike streams: events that come twice, late, out of turn or never, and connections that end."""

import asyncio
import json
from contextlib import asynccontextmanager

import aiohttp
import pytest
from tests.adapters.exchange_sim.conftest import KEY
from tests.adapters.exchange_sim.control import controlled

ORDERS = {"event": "ORDER_TRADE_UPDATE"}


@pytest.fixture
async def venue():
    async with controlled() as made:
        yield made


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as made:
        yield made


@asynccontextmanager
async def user_stream(host, rest, session):
    key = (await rest.signed("POST", "/fapi/v1/listenKey"))[1]["listenKey"]
    async with session.ws_connect(f"ws://{host}/private/ws?listenKey={key}") as stream:
        yield stream


async def buy(rest):
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.002"}
    assert (await rest.signed("POST", "/fapi/v1/order", **order))[0] == 200


async def leverage(rest, value):
    """Cause one event, an ACCOUNT_CONFIG_UPDATE with this leverage."""
    await rest.signed("POST", "/fapi/v1/leverage", symbol="ETHUSDT", leverage=value)


async def heard_until(stream, last, seconds=5.0):
    """The leverages told, in the order they came, up to and with `last`."""
    heard = []
    async with asyncio.timeout(seconds):
        while not heard or heard[-1] != last:
            heard.append((await stream.receive_json())["ac"]["l"])
    return heard


async def test_an_event_comes_as_often_as_the_fault_wants(venue, session):
    host, rest, control = venue
    await control.add("duplicate_events", {**ORDERS, "symbol": "BTCUSDT"}, copies=2)
    async with user_stream(host, rest, session) as stream:
        await buy(rest)
        await leverage(rest, 9)
        states = []
        while (event := await stream.receive_json(timeout=5))["e"] != "ACCOUNT_CONFIG_UPDATE":
            states += [event["o"]["X"]] if event["e"] == "ORDER_TRADE_UPDATE" else []
    assert states == ["NEW"] * 3 + ["FILLED"] * 3


async def test_a_lost_event_never_comes_and_those_after_it_do(venue, session):
    host, rest, control = venue
    lost = await control.add("lose_events", {"account": KEY, "count": 1})
    async with user_stream(host, rest, session) as stream:
        await leverage(rest, 8)
        await leverage(rest, 9)
        assert await heard_until(stream, 9) == [9]
    assert await control.fired(lost) == 1


async def test_an_event_comes_after_those_that_follow_it(venue, session):
    host, rest, control = venue
    await control.add("reorder_events", {"count": 1}, behind=2, hold_ms=60_000)
    async with user_stream(host, rest, session) as stream:
        for value in (6, 7, 8, 9):
            await leverage(rest, value)
        assert await heard_until(stream, 9) == [7, 8, 6, 9]


async def test_an_event_waits_for_others_only_so_long(venue, session):
    host, rest, control = venue
    await control.add("reorder_events", {"count": 1}, behind=2, hold_ms=50)
    async with user_stream(host, rest, session) as stream:
        await leverage(rest, 6)
        assert await heard_until(stream, 6) == [6]


async def test_a_late_event_is_passed_by_those_that_are_not(venue, session):
    host, rest, control = venue
    await control.add("delay_events", {"count": 1}, delay_ms=400)
    async with user_stream(host, rest, session) as stream:
        await leverage(rest, 8)
        await leverage(rest, 9)
        assert await heard_until(stream, 8) == [9, 8]


async def test_a_silent_stream_stays_open_and_carries_nothing_until_the_fault_ends(venue, session):
    host, _, control = venue
    fault = await control.add("silent_stream", {"stream": "btcusdt@*"})
    async with session.ws_connect(f"ws://{host}/stream?streams=btcusdt@aggTrade/ethusdt@aggTrade") as stream:
        heard = {(await stream.receive_json(timeout=5))["stream"] for _ in range(6)}
        assert heard == {"ethusdt@aggTrade"}
        await stream.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        while (await stream.receive_json(timeout=5)).get("id") != 1:
            pass
        await control.remove(fault)
        while (await stream.receive_json(timeout=5))["stream"] != "btcusdt@aggTrade":
            pass


async def test_a_silent_user_stream_is_silent_for_its_account(venue, session):
    host, rest, control = venue
    await control.add("silent_stream", {"stream": "user", "account": KEY, "count": 1})
    async with user_stream(host, rest, session) as stream:
        await leverage(rest, 8)
        await leverage(rest, 9)
        assert await heard_until(stream, 9) == [9]


async def ended(stream):
    """Read a stream to its end and return the code that it was closed with."""
    async with asyncio.timeout(5):
        while not stream.closed:
            await stream.receive()
    return stream.close_code


@pytest.mark.parametrize(("parameters", "code"), [({}, 1006), ({"code": 1008}, 1008)])
async def test_open_connections_are_cut_and_those_opened_later_too(venue, session, parameters, code):
    host, rest, control = venue
    address = f"ws://{host}/ws/btcusdt@aggTrade"
    async with session.ws_connect(address) as before, user_stream(host, rest, session) as other:
        fault = await control.add("close_connection", {"stream": "btcusdt@*"}, **parameters)
        assert await ended(before) == code
        async with session.ws_connect(address) as after:
            assert await ended(after) == code
        async with session.ws_connect(f"ws://{host}/ws/0") as subscriber:
            await subscriber.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@bookTicker"], "id": 1})
            assert await ended(subscriber) == code
        assert await control.fired(fault) == 3
        await leverage(rest, 9)
        assert await heard_until(other, 9) == [9]


async def test_a_fault_that_strikes_once_cuts_one_connection(venue, session):
    host, _, control = venue
    address = f"ws://{host}/ws/btcusdt@aggTrade"
    async with session.ws_connect(address) as one, session.ws_connect(address) as two:
        await control.add("close_connection", {"count": 1})
        done, waiting = await asyncio.wait(
            [asyncio.create_task(ended(one)), asyncio.create_task(ended(two))], return_when=asyncio.FIRST_COMPLETED
        )
        assert (len(done), len(waiting)) == (1, 1)
        waiting.pop().cancel()


async def test_a_listen_key_runs_out_and_is_said_to(venue, session):
    host, rest, control = venue
    async with user_stream(host, rest, session) as stream:
        await control.add("expire_listen_key", {"account": KEY})
        assert (await stream.receive_json(timeout=5))["e"] == "listenKeyExpired"
    assert (await rest.signed("PUT", "/fapi/v1/listenKey"))[1]["code"] == -1125


async def test_in_maintenance_streams_end_and_nobody_is_let_in_until_it_is_over(venue, session):
    host, _, control = venue
    address = f"ws://{host}/ws/btcusdt@aggTrade"
    async with session.ws_connect(address) as stream:
        fault = await control.add("maintenance")
        assert await ended(stream) == 1001
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await session.ws_connect(address)
    assert refused.value.status == 503
    await control.remove(fault)
    async with session.ws_connect(address) as stream:
        assert json.loads((await stream.receive(timeout=5)).data)["e"] == "aggTrade"


async def test_a_fault_begins_at_its_time(venue, session):
    host, rest, control = venue
    async with user_stream(host, rest, session) as stream:
        now_ms = (await rest.public("/fapi/v1/time"))[1]["serverTime"]
        await control.add("expire_listen_key", {"from_ms": now_ms + 300})
        await leverage(rest, 9)
        assert [(await stream.receive_json(timeout=5))["e"] for _ in range(2)] == [
            "ACCOUNT_CONFIG_UPDATE",
            "listenKeyExpired",
        ]
