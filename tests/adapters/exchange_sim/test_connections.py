"""Connections: pings, lifetime, limits of what a listener may do, and the reasons for which one ends."""

import asyncio
import socket

import aiohttp
import pytest
from aiohttp import WSMsgType
from prometheus_client import REGISTRY
from tests.adapters.exchange_sim.standing import served

from perpmesh.exchange.events import TradePrinted
from perpmesh.exchange.symbols import default_symbols
from perpmesh.exchange.words import Side
from perpmesh.exchange_sim.adapters import connection, sockets
from perpmesh.exchange_sim.domain.limits import Limits

MINUTE = 60_000
UPGRADE = (
    "GET /stream?streams={} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as made:
        yield made


def print_of(number):
    return TradePrinted(default_symbols()[0], number, 10, 1_000, Side.BUY, number)


def dropped(reason):
    return REGISTRY.get_sample_value("perpmesh_exchange_connections_dropped_total", {"reason": reason}) or 0


async def ping(socket_):
    message = await socket_.receive(timeout=5)
    assert message.type is WSMsgType.PING
    return message.data


async def farewell(socket_):
    message = await socket_.receive(timeout=5)
    assert message.type is WSMsgType.CLOSE
    return message.data, message.extra


async def test_a_connection_is_pinged_every_three_minutes_and_lives_while_it_answers(session):
    async with served() as exchange, session.ws_connect(f"ws://{exchange.host}/ws/0", autoping=False) as listener:
        for _ in range(8):  # 24 minutes
            exchange.clock.advance(3 * MINUTE)
            exchange.sockets.look_after()
            payload = await ping(listener)
            await listener.pong(payload)
            await listener.pong(payload)  # as some clients do; once more is not held against them
            await listener.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
            assert (await listener.receive_json(timeout=5))["id"] == 1
            exchange.clock.advance(1_000)


@pytest.mark.parametrize("unasked", [False, True])
async def test_ten_minutes_without_the_right_pong_end_the_connection(session, unasked):
    before = dropped("no pong within 10 minutes")
    async with served() as exchange, session.ws_connect(f"ws://{exchange.host}/ws/0", autoping=False) as listener:
        for _ in range(5):
            exchange.clock.advance(3 * MINUTE)
            exchange.sockets.look_after()
            if exchange.clock.boot_ms() < 1_000_000 + 13 * MINUTE:
                await ping(listener)
                if unasked:
                    await listener.pong(b"unasked")
        assert await farewell(listener) == (1008, "no pong within 10 minutes")
    assert dropped("no pong within 10 minutes") == before + 1


@pytest.mark.parametrize("path", ["/public/ws/btcusdt@depth", "/ws-fapi/v1"])
async def test_a_connection_ends_after_a_day(session, path):
    async with served() as exchange, session.ws_connect(f"ws://{exchange.host}{path}", autoping=False) as listener:
        exchange.clock.advance(24 * 60 * MINUTE - 1)
        exchange.sockets.look_after()
        await listener.pong(await ping(listener))
        await listener.ping()
        assert (await listener.receive(timeout=5)).type is WSMsgType.PONG
        exchange.clock.advance(1)
        exchange.sockets.look_after()
        assert await farewell(listener) == (1001, "the connection is 24 hours old")


async def test_more_than_ten_messages_in_a_second_end_a_listeners_connection_but_not_one_to_the_api(session):
    async with served() as exchange:
        async with session.ws_connect(f"ws://{exchange.host}/ws/0") as listener:
            for _ in range(2):
                for _ in range(10):
                    await listener.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 1})
                    assert (await listener.receive_json(timeout=5))["result"] == []
                exchange.clock.advance(1_000)
            for _ in range(11):
                await listener.pong()
            assert await farewell(listener) == (1008, "too many requests")
        async with session.ws_connect(f"ws://{exchange.host}/ws-fapi/v1") as api:
            for number in range(30):
                await api.send_json({"id": number, "method": "time"})
            assert {(await api.receive_json(timeout=5))["id"] for _ in range(30)} == set(range(30))


async def test_a_connection_carries_so_many_streams_and_no_more(session):
    limits = Limits(streams_per_connection=3)
    async with served(limits) as exchange, session.ws_connect(f"ws://{exchange.host}/ws/a@x/b@x") as listener:
        answers = []
        for names in (["c@x"], ["a@x", "c@x"], ["d@x", "e@x"], ["d@x"]):
            await listener.send_json({"method": "SUBSCRIBE", "params": names, "id": 1})
            answers.append(await listener.receive_json(timeout=5))
        assert answers[:2] == [{"result": None, "id": 1}] * 2
        too_many = {"error": {"code": 2, "msg": "Invalid request: too many parameters"}, "id": 1}
        assert answers[2:] == [too_many] * 2
        await listener.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 2})
        assert await listener.receive_json(timeout=5) == {"result": ["a@x", "b@x", "c@x"], "id": 2}


async def test_an_address_opens_so_many_connections_in_five_minutes(session):
    async with served(Limits(connections_per_five_minutes=2)) as exchange:
        for _ in range(2):
            await (await session.ws_connect(f"ws://{exchange.host}/ws/0")).close()
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(f"ws://{exchange.host}/ws/0")
        assert refused.value.status == 429
        exchange.clock.advance(5 * MINUTE)
        await (await session.ws_connect(f"ws://{exchange.host}/ws/0")).close()


def deaf_listener(host, *names):
    """Connect, ask for streams, and never read."""
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    deaf.connect((host.split(":")[0], int(host.split(":")[1])))
    deaf.sendall(UPGRADE.format("/".join(names)).encode())
    return deaf


async def test_a_listener_that_does_not_read_is_dropped_with_a_reason_and_fifty_others_wait_for_nothing(
    session, monkeypatch
):
    monkeypatch.setattr(connection, "WAITING_MAX", 100)
    monkeypatch.setattr(connection, "FAREWELL_S", 30.0)
    monkeypatch.setattr(sockets, "FAREWELL_S", 30.0)
    before = dropped("slow consumer")
    async with served() as exchange:
        deaf = deaf_listener(exchange.host, "btcusdt@depth20@0ms", "ethusdt@depth20@0ms")
        url = f"ws://{exchange.host}/ws/btcusdt@aggTrade"
        others = [await session.ws_connect(url) for _ in range(50)]
        while exchange.hub.listening < 52:
            await asyncio.sleep(0)
        told = 0
        while exchange.hub.listening == 52:
            told += 1
            for _ in range(19):
                exchange.tell()  # the book is told again, which only the deaf one wanted
            exchange.tell(print_of(told))
            heard = await asyncio.gather(*(other.receive_json(timeout=5) for other in others))
            assert {message["a"] for message in heard} == {told}
        assert told > 10
        assert dropped("slow consumer") == before + 1
        assert (await asyncio.to_thread(read_all, deaf)).endswith(b"\x03\xf0slow consumer")
        for other in others:
            await other.close()


def read_all(deaf):
    """Read what waits for somebody who begins to read at last, and take leave."""
    data = bytearray()
    with deaf:
        while b"slow consumer" not in data and (more := deaf.recv(65_536)):
            data += more
        deaf.sendall(b"\x88\x82\x00\x00\x00\x00\x03\xf0")
    return bytes(data)


async def test_when_the_exchange_stops_every_listener_is_told_and_nobody_is_let_in_again(session):
    async with served() as exchange:
        url = f"ws://{exchange.host}/ws/btcusdt@aggTrade"
        listeners = [await session.ws_connect(url) for _ in range(5)]
        deaf = deaf_listener(exchange.host, "btcusdt@aggTrade")
        while exchange.hub.listening < 6:
            await asyncio.sleep(0)
        heard = [asyncio.create_task(farewell(listener)) for listener in listeners]
    assert {await each for each in heard} == {(1001, "going away")}
    assert exchange.hub.listening == 0
    assert (await asyncio.to_thread(read_until_end, deaf)).endswith(b"\x03\xe9going away")
    with pytest.raises(aiohttp.ClientError):
        await session.ws_connect(url)


def read_until_end(deaf):
    with deaf:
        return b"".join(iter(lambda: deaf.recv(65_536), b""))
