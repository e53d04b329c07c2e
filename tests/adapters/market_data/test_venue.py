"""The exchange's public side, over sockets."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from perpmesh.exchange_sim.config import Config as ExchangeConfig
from perpmesh.exchange_sim.main import exchange
from perpmesh.kernel.errors import Unavailable
from perpmesh.market_data.adapters import venue
from perpmesh.market_data.config import Config
from perpmesh.market_data.domain.candle import Candle
from perpmesh.market_data.domain.price import BookMoved, MarkMoved
from perpmesh.platform.time import SystemClock
from perpmesh.testing.ports import free_port

SYMBOLS = ["BTCUSDT", "ETHUSDT"]


@asynccontextmanager
async def venue_at(port, **options):
    host = f"127.0.0.1:{port}"
    config = Config(symbols=SYMBOLS, exchange_url=f"http://{host}", exchange_ws_url=f"ws://{host}", **options)
    async with venue.opened(config) as found:
        yield found


@pytest.fixture
async def real():
    config = ExchangeConfig(port=0, speed=240.0, strict_routes=True)
    async with exchange(config, SystemClock()) as port, venue_at(port) as found:
        yield found


async def test_every_kind_of_message_comes_for_every_symbol(real):
    wanted = {(kind, symbol) for kind in (BookMoved, MarkMoved, Candle) for symbol in SYMBOLS}
    closed = []
    async with asyncio.timeout(30), real.listen(SYMBOLS) as messages:
        async for message in messages:
            wanted.discard((type(message), message.symbol))
            if isinstance(message, Candle) and message.closed and message.symbol == "BTCUSDT":
                closed.append(message)
            if not wanted and len(closed) >= 3:
                break
    assert [each.open_time_ms - closed[0].open_time_ms for each in closed[:3]] == [0, 60_000, 120_000]


async def test_the_candle_of_the_stream_is_the_candle_of_the_history(real):
    async with asyncio.timeout(30), real.listen(SYMBOLS) as messages:
        async for message in messages:
            if isinstance(message, Candle) and message.closed:
                break
    history = await real.closed_candles(message.symbol, "1m", since_ms=message.open_time_ms)
    assert history[0] == message


async def test_listening_ends_at_once_however_busy_the_market_is(real):
    for _ in range(10):
        async with asyncio.timeout(5):
            async with real.listen(SYMBOLS) as messages:
                await anext(messages)


async def test_history_has_no_hole_and_ends_before_the_bar_in_progress(real):
    minutes = await real.closed_candles("BTCUSDT", "1m", limit=200)
    assert [each.open_time_ms for each in minutes] == list(
        range(minutes[0].open_time_ms, minutes[0].open_time_ms + 199 * 60_000, 60_000)
    )
    hours = await real.closed_candles("BTCUSDT", "1h", limit=1_500)
    assert hours[-1].next_open_ms - minutes[-1].next_open_ms < 3_600_000


async def test_an_exchange_that_is_not_there_is_unavailable():
    async with venue_at(free_port(), request_seconds=2.0) as gone:
        with pytest.raises(Unavailable):
            await gone.closed_candles("BTCUSDT", "1m")
        with pytest.raises(Unavailable):
            async with gone.listen(SYMBOLS):
                pass


@asynccontextmanager
async def socket_server(answer):
    """Serve every WebSocket path with `answer`; yield the port."""

    async def handle(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await answer(socket)
        return socket

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port := free_port())
    await site.start()
    try:
        yield port
    finally:
        await runner.cleanup()


async def hear(port):
    async with venue_at(port, silence_seconds=0.5) as found, asyncio.timeout(10), found.listen(SYMBOLS) as messages:
        async for _ in messages:
            pass


async def test_a_socket_that_falls_silent_is_given_up():
    async def silent(socket):
        await socket.receive()

    async with socket_server(silent) as port:
        with pytest.raises(Unavailable, match="silent"):
            await hear(port)


async def test_a_socket_that_is_closed_is_given_up():
    async def closing(socket):
        await socket.close()

    async with socket_server(closing) as port:
        with pytest.raises(Unavailable, match="broke"):
            await hear(port)


async def test_a_message_that_cannot_be_read_ends_the_connection_and_not_the_process():
    async def babbling(socket):
        await socket.send_json({"stream": "x", "data": {"e": "bookTicker", "s": "BTCUSDT", "b": "not a number"}})
        await socket.receive()

    async with socket_server(babbling) as port:
        with pytest.raises(Unavailable, match="failed"):
            await hear(port)
