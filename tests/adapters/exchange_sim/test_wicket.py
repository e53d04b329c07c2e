"""One connection, byte by byte: plain requests and all others are answered alike, in their order."""

import asyncio
import json

import pytest
from tests.adapters.exchange_sim.conftest import serving

TIME = b"GET /fapi/v1/time HTTP/1.1\r\nHost: x\r\n\r\n"
LOST = b"GET /fapi/v1/lost?n=%d HTTP/1.1\r\nHost: x\r\n\r\n"
LEAVE = b"GET /fapi/v1/lost HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
HEAD, BODY = b"POST /fapi/v1/listenKey HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n", b"timestamp=1"


@pytest.fixture
async def wire(host):
    reader, writer = await asyncio.open_connection(*host.split(":"))
    yield reader, writer
    writer.close()


async def heard(reader):
    """Return the status, the headers and the body of the next answer."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return int(first.split()[1]), headers, json.loads(await reader.readexactly(int(headers["Content-Length"])))


async def test_requests_that_come_together_are_answered_in_their_order(wire):
    reader, writer = wire
    writer.write(b"".join(TIME + LOST % n for n in range(100)))
    for _ in range(100):
        assert (await heard(reader))[2].keys() == {"serverTime"}
        assert (await heard(reader))[2]["code"] == -5000


async def test_a_request_that_comes_in_pieces_is_answered_when_it_is_whole(wire):
    reader, writer = wire
    for at in range(len(TIME)):
        writer.write(TIME[at : at + 1])
        await writer.drain()
    assert (await heard(reader))[0] == 200


async def test_a_body_that_comes_later_leaves_the_order_as_it_was(wire):
    reader, writer = wire
    writer.write(TIME + HEAD)
    assert (await heard(reader))[0] == 200
    writer.write(BODY + TIME)
    assert (await heard(reader))[2]["code"] == -2014
    assert (await heard(reader))[0] == 200


async def test_a_body_that_comes_along_is_read(wire):
    reader, writer = wire
    writer.write(HEAD.replace(b"listenKey", b"order").replace(b"Host: x", b"Host: x\r\nX-MBX-APIKEY: testkey") + BODY)
    assert "signature" in (await heard(reader))[2]["msg"]


async def test_the_last_request_of_a_connection_is_answered_like_the_others_and_ends_it(wire):
    reader, writer = wire
    writer.write(LOST % 1 + LEAVE)
    (status, headers, body), (last_status, last_headers, last_body) = await heard(reader), await heard(reader)
    assert (status, body) == (last_status, last_body)
    assert last_headers.pop("Connection") == "close"
    assert headers.keys() == last_headers.keys()
    assert {**headers, "Date": ""} == {**last_headers, "Date": ""}
    assert await reader.read() == b""


async def test_nonsense_after_a_request_is_refused_and_ends_the_connection(wire):
    reader, writer = wire
    writer.write(TIME)
    assert (await heard(reader))[0] == 200
    writer.write(b"\x00\x01 nonsense\r\n\r\n")
    assert (await heard(reader))[2] == {"code": -1013, "msg": "INVALID_MESSAGE"}
    assert await reader.read() == b""


async def test_an_exchange_that_stops_hangs_up():
    async with serving() as host:
        reader, writer = await asyncio.open_connection(*host.split(":"))
        writer.write(TIME)
        assert (await heard(reader))[0] == 200
    assert await reader.read() == b""
    writer.close()
