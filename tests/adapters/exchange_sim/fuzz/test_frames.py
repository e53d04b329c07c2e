"""Whatever is said on a WebSocket: always an answer in its own form, never a 500, and a refusal changes nothing."""

import asyncio
import json
from contextlib import contextmanager

import aiohttp
import pytest
from hypothesis import given
from tests.adapters.exchange_sim.fuzz.arena import arena, seeds, tried
from tests.adapters.exchange_sim.fuzz.frames import Frames
from tests.adapters.exchange_sim.fuzz.wire import ANSWER_SECONDS

FRAMES = 20  # of a seed


@pytest.fixture(scope="module")
def venue():
    with arena() as made:
        yield made


@contextmanager
def socket(venue, path):
    """Connect for the length of the block; everything is asked of the venue's own event loop."""

    async def connect():
        session = aiohttp.ClientSession()
        return session, await session.ws_connect(f"ws://{venue.host}{path}")

    session, made = venue.do(connect())
    try:
        yield made
    finally:
        venue.do(made.close())
        venue.do(session.close())


async def say(made, text):
    """Say something, and return the answer to it: what the streams tell meanwhile is not one."""
    await made.send_str(text)
    async with asyncio.timeout(ANSWER_SECONDS):
        while True:
            message = await made.receive()
            assert message.type is aiohttp.WSMsgType.TEXT, (message, text[:300])
            answer = json.loads(message.data)
            if isinstance(answer, dict) and not {"e", "stream"} & set(answer):
                return answer


@tried(40)
@given(seeds)
def test_every_control_frame_has_an_answer(venue, seed):
    frames = Frames(seed)
    with socket(venue, "/stream") as made:
        for _ in range(FRAMES):
            text = frames.control()
            answer = venue.do(say(made, text))
            assert set(answer) <= {"id", "result", "error"}, (text[:300], answer)
            assert ("result" in answer) != ("error" in answer), (text[:300], answer)
            if "error" in answer:
                assert isinstance(answer["error"]["code"], int), answer
                assert answer["error"]["msg"], answer
        venue.agree(changed=False)


@tried(40)
@given(seeds)
def test_every_request_of_the_websocket_api_has_an_answer(venue, seed):
    frames = Frames(seed)
    with socket(venue, "/ws-fapi/v1") as made:
        for _ in range(FRAMES):
            text = frames.request()
            answer = venue.do(say(made, text))
            assert 200 <= answer["status"] < 500, (text[:500], answer)
            if answer["status"] != 200:
                assert answer["error"]["code"] < 0, answer
                assert answer["error"]["msg"], answer
            venue.agree(changed=answer["status"] == 200)


@pytest.mark.parametrize("path", ["/stream", "/ws-fapi/v1"])
def test_a_frame_that_is_too_large_ends_the_connection_and_the_venue_lives(venue, path):
    async def shout(made):
        await made.send_str("x" * 1_100_000)
        async with asyncio.timeout(ANSWER_SECONDS):
            return await made.receive()

    with socket(venue, path) as made:
        assert venue.do(shout(made)).type in (
            aiohttp.WSMsgType.CLOSE,
            aiohttp.WSMsgType.CLOSED,
            aiohttp.WSMsgType.ERROR,
        )
    with socket(venue, path) as made:
        assert venue.do(say(made, json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": 1})))["id"] == 1
