"""Streams: books that can be joined to a snapshot, control frames, and listeners that come and go."""

import json

import aiohttp
import pytest
from tests.adapters.exchange_sim.conftest import serving
from tests.adapters.exchange_sim.rest import Rest


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as made:
        yield made


async def receive(socket, seconds=5.0):
    return json.loads((await socket.receive(timeout=seconds)).data)


async def test_a_local_book_built_from_snapshot_and_diffs_over_the_wire_equals_the_exchanges(host, session):
    async with session.ws_connect(f"ws://{host}/public/ws/btcusdt@depth@100ms") as socket, Rest(host) as rest:
        buffered = [await receive(socket)]
        snapshot = (await rest.public("/fapi/v1/depth", symbol="BTCUSDT", limit=1000))[1]
        last = snapshot["lastUpdateId"]
        book = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}
        previous = None
        while previous is None or previous < last + 60:
            diff = buffered.pop() if buffered else await receive(socket)
            if diff["u"] < last:
                continue
            if previous is None:
                assert diff["U"] <= last <= diff["u"]
            else:
                assert diff["pu"] == previous
            previous = diff["u"]
            for side in "ba":
                book[side].update(diff[side])
                book[side] = {at: size for at, size in book[side].items() if float(size)}
            assert max(map(float, book["b"])) < min(map(float, book["a"]))
        while True:  # a snapshot that falls on the diff just applied shows the same book
            now = (await rest.public("/fapi/v1/depth", symbol="BTCUSDT", limit=1000))[1]
            if now["lastUpdateId"] == previous + 1:
                break
            diff = await receive(socket)
            previous = diff["u"]
            for side in "ba":
                book[side].update(diff[side])
                book[side] = {at: size for at, size in book[side].items() if float(size)}
        assert book == {"b": dict(now["bids"]), "a": dict(now["asks"])}


async def test_streams_are_subscribed_listed_and_left_by_control_frames(host, session):
    async with session.ws_connect(f"ws://{host}/market/stream") as socket:
        await socket.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@aggTrade"], "id": "a-1"})
        assert await receive(socket) == {"result": None, "id": "a-1"}
        assert (await receive(socket))["stream"] == "btcusdt@aggTrade"
        await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 2})
        while (answer := await receive(socket)).get("id") != 2:
            pass
        assert answer["result"] == ["btcusdt@aggTrade"]
        await socket.send_json({"method": "UNSUBSCRIBE", "params": ["btcusdt@aggTrade"], "id": 3})
        while (await receive(socket)).get("id") != 3:
            pass
        with pytest.raises(TimeoutError):
            await receive(socket, 0.5)


@pytest.mark.parametrize(
    ("frame", "code"), [("nonsense", 3), ("[]", 2), ('{"method":"DANCE","id":1}', 2), ('{"method":"GET_PROPERTY"}', 2)]
)
async def test_a_frame_that_makes_no_sense_gets_an_error_and_the_socket_lives(host, session, frame, code):
    async with session.ws_connect(f"ws://{host}/ws/0") as socket:
        await socket.send_str(frame)
        assert (await receive(socket))["error"]["code"] == code
        await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 2})
        assert await receive(socket) == {"result": [], "id": 2}


@pytest.mark.parametrize("path", ["/private/ws?listenKey={}", "/ws/{}", "/private/stream?listenKey={}"])
async def test_a_user_stream_opens_on_every_path_that_clients_use(host, session, path):
    async with Rest(host) as rest:
        key = (await rest.signed("POST", "/fapi/v1/listenKey"))[1]["listenKey"]
        async with session.ws_connect(f"ws://{host}{path.format(key)}") as socket:
            await rest.signed("POST", "/fapi/v1/leverage", symbol="ETHUSDT", leverage=9)
            message = await receive(socket)
            message = message.get("data", message)
            assert message["ac"] == {"s": "ETHUSDT", "l": 9}


async def test_user_events_are_not_heard_by_another_account(session):
    path = f"/private/ws?listenKey={'0' * 64}"
    async with serving() as host, Rest(host) as rest, session.ws_connect(f"ws://{host}{path}") as stranger:
        await rest.signed("POST", "/fapi/v1/listenKey")
        await rest.signed("POST", "/fapi/v1/leverage", symbol="ETHUSDT", leverage=9)
        with pytest.raises(TimeoutError):
            await receive(stranger, 0.3)


async def test_a_user_stream_sends_only_the_events_that_were_asked_for(host, session):
    async with Rest(host) as rest:
        key = (await rest.signed("POST", "/fapi/v1/listenKey"))[1]["listenKey"]
        url = f"ws://{host}/private/ws?listenKey={key}&events=ACCOUNT_UPDATE/ACCOUNT_CONFIG_UPDATE"
        async with session.ws_connect(url) as socket:
            await rest.signed("POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.002")
            await rest.signed("POST", "/fapi/v1/leverage", symbol="ETHUSDT", leverage=9)
            heard = [(await receive(socket))["e"] for _ in range(2)]
        assert heard == ["ACCOUNT_UPDATE", "ACCOUNT_CONFIG_UPDATE"]


async def test_a_user_stream_subscribed_to_by_name_comes_wrapped_until_it_is_asked_for_plain(host, session):
    async with Rest(host) as rest, session.ws_connect(f"ws://{host}/private/stream") as socket:
        key = (await rest.signed("POST", "/fapi/v1/listenKey"))[1]["listenKey"]
        for method, params, result in (
            ("SUBSCRIBE", [key], None),
            ("GET_PROPERTY", ["combined"], True),
            ("LIST_SUBSCRIPTIONS", [], [key]),
        ):
            await socket.send_json({"method": method, "params": params, "id": 1})
            assert await receive(socket) == {"result": result, "id": 1}
        await rest.signed("POST", "/fapi/v1/leverage", symbol="ETHUSDT", leverage=9)
        message = await receive(socket)
        assert (message["stream"], message["data"]["ac"]) == (key, {"s": "ETHUSDT", "l": 9})
        await socket.send_json({"method": "SET_PROPERTY", "params": ["combined", False], "id": 2})
        assert await receive(socket) == {"result": None, "id": 2}
        await rest.signed("POST", "/fapi/v1/leverage", symbol="ETHUSDT", leverage=8)
        assert (await receive(socket))["ac"] == {"s": "ETHUSDT", "l": 8}


async def test_strict_routes_withhold_what_belongs_elsewhere(session):
    async with serving(strict_routes=True) as host:
        names = "btcusdt@aggTrade/btcusdt@bookTicker"
        async with session.ws_connect(f"ws://{host}/stream?streams={names}") as socket:
            heard = {(await receive(socket))["stream"] for _ in range(5)}
        assert heard == {"btcusdt@bookTicker"}
        async with Rest(host) as rest:
            key = (await rest.signed("POST", "/fapi/v1/listenKey"))[1]["listenKey"]
            async with (
                session.ws_connect(f"ws://{host}/ws/{key}") as unrouted,
                session.ws_connect(f"ws://{host}/private/ws/{key}") as private,
            ):
                await rest.signed("POST", "/fapi/v1/leverage", symbol="ETHUSDT", leverage=9)
                assert (await receive(private))["ac"] == {"s": "ETHUSDT", "l": 9}
                with pytest.raises(TimeoutError):
                    await receive(unrouted, 0.1)
