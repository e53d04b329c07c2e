"""The exchange's public side over python-binance, with our own idea of when a connection is dead.

The library gives up after five reconnections and says so only inside its queue; here any error, and any silence, ends
the connection, and the caller begins again with a new one.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import aiohttp
from binance import AsyncClient, BinanceSocketManager
from binance.exceptions import BinanceAPIException, BinanceRequestException
from binance.ws.reconnecting_websocket import ReconnectingWebsocket

from perpmesh.kernel.errors import Unavailable
from perpmesh.market_data.adapters import wire
from perpmesh.market_data.application.ports import Message
from perpmesh.market_data.config import Config
from perpmesh.market_data.domain.candle import MINUTE, Candle

CLOSE_SECONDS = 3.0
LOOK_SECONDS = 0.5
MARKET, PUBLIC = "market", "public"  # Binance's routes: prices and candles on one, books on the other
REST_ERRORS = (BinanceAPIException, BinanceRequestException, aiohttp.ClientError, TimeoutError, OSError)


class BinanceVenue:
    """Streams and history of USDⓈ-M symbols. Use inside `async with opened(config)`."""

    def __init__(self, config: Config, client: AsyncClient, sockets: BinanceSocketManager) -> None:
        self._config = config
        self._client = client
        self._sockets = sockets

    @asynccontextmanager
    async def listen(self, symbols: Sequence[str]) -> AsyncIterator[AsyncIterator[Message]]:
        """Open one socket per route, and read both into one bounded queue while the block runs."""
        queue: asyncio.Queue[Any] = asyncio.Queue(self._config.queue_messages)
        async with AsyncExitStack() as house:
            for route, kinds in ((MARKET, (f"kline_{MINUTE}", "markPrice@1s")), (PUBLIC, ("bookTicker",))):
                names = [f"{symbol.lower()}@{kind}" for symbol in symbols for kind in kinds]
                socket = await house.enter_async_context(self._connected(names, route))
                house.push_async_callback(_ended, asyncio.create_task(self._pump(socket, route, queue)))
            yield _messages(queue)

    async def closed_candles(
        self, symbol: str, interval: str, *, since_ms: int | None = None, limit: int = 1_500
    ) -> list[Candle]:
        """Return closed candles; the last row of an answer is left out, because it may be in progress.

        (Nothing else says so: in a fast replay market time runs ahead of every clock.)
        """
        start = {} if since_ms is None else {"startTime": since_ms}
        try:
            rows = await self._client.futures_klines(symbol=symbol, interval=interval, limit=limit, **start)
        except REST_ERRORS as error:
            raise Unavailable(f"no candles of {symbol} {interval}: {error!r}") from error
        return [wire.candle_of_row(symbol, interval, row) for row in rows[:-1]]

    @asynccontextmanager
    async def _connected(self, names: list[str], route: str) -> AsyncIterator[ReconnectingWebsocket]:
        socket = self._sockets.futures_multiplex_socket(names, category=route)
        socket.MAX_RECONNECTS = 0
        socket.TIMEOUT = LOOK_SECONDS
        try:
            await asyncio.wait_for(socket.connect(), self._config.request_seconds)
        except Exception as error:  # the library lets every kind of exception through
            self._forget(socket)
            raise Unavailable(f"the {route} streams cannot be opened: {error!r}") from error
        try:
            yield socket
        finally:
            self._forget(socket)
            with suppress(Exception):
                await asyncio.wait_for(socket.close(), CLOSE_SECONDS)

    def _forget(self, socket: ReconnectingWebsocket) -> None:
        """The manager hands out a socket of the same name again, dead or alive: make it forget this one."""
        for name, held in list(self._sockets._conns.items()):  # noqa: SLF001 - there is no other way
            if held is socket:
                del self._sockets._conns[name]  # noqa: SLF001

    async def _pump(self, socket: ReconnectingWebsocket, route: str, queue: "asyncio.Queue[Any]") -> None:
        """Move messages into the queue until the socket fails or falls silent; put the reason there, last."""
        silence, loop = self._config.silence_seconds, asyncio.get_running_loop()
        try:
            async with asyncio.timeout(silence) as deadline:
                while True:
                    raw = await socket.recv()
                    deadline.reschedule(loop.time() + silence)
                    if raw.get("e") == "error":
                        raise Unavailable(f"the {route} streams broke: {raw.get('type')}")
                    message = wire.message_of(raw["data"])
                    if message is not None:
                        queue.put_nowait(message)
        except TimeoutError:
            await queue.put(Unavailable(f"the {route} streams are silent"))
        except Unavailable as error:
            await queue.put(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, this connection is over
            await queue.put(Unavailable(f"the {route} streams failed: {error!r}"))


async def _messages(queue: "asyncio.Queue[Any]") -> AsyncIterator[Message]:
    while True:
        item = await queue.get()
        if isinstance(item, Unavailable):
            raise item
        yield item


async def _ended(task: "asyncio.Task[None]") -> None:
    """End the task. The library's `wait_for` swallows a cancellation that meets a message, so once may not do."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=LOOK_SECONDS)


@asynccontextmanager
async def opened(config: Config) -> AsyncIterator[BinanceVenue]:
    """Point python-binance at the configured exchange; nothing is called yet."""
    logging.getLogger("binance").setLevel(logging.CRITICAL)  # we tell of interruptions ourselves, once

    class Client(AsyncClient):  # type: ignore[misc]
        API_URL = f"{config.exchange_url}/api"
        FUTURES_URL = f"{config.exchange_url}/fapi"
        FUTURES_DATA_URL = f"{config.exchange_url}/futures/data"
        REQUEST_TIMEOUT = config.request_seconds

    class Sockets(BinanceSocketManager):  # type: ignore[misc]
        FSTREAM_URL = f"{config.exchange_ws_url}/"

    client = Client()
    try:
        yield BinanceVenue(config, client, Sockets(client, max_queue_size=config.queue_messages))
    finally:
        await client.close_connection()
