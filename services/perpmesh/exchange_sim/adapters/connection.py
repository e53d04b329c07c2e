"""One WebSocket: a bounded queue that a task of its own empties, pings, a lifetime, and an end with a reason."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import WSMsgType, web
from prometheus_client import Counter

from perpmesh.exchange_sim.domain.faults import CloseConnection
from perpmesh.exchange_sim.domain.frames import PING, TEXT, frame
from perpmesh.exchange_sim.domain.limits import Window
from perpmesh.platform import telemetry

log = telemetry.log(__name__)
WAITING_MAX = 2_000  # messages; who is further behind than this is dropped
WRITTEN_TOGETHER = 32
MESSAGE_MAX = 256 * 1024
PING_EVERY_MS, PONG_WITHIN_MS, LIFETIME_MS = 180_000, 600_000, 86_400_000
FAREWELL_S = 1.0  # for the other side to take note of the end
SECOND_MS = 1_000
_dropped = Counter("perpmesh_exchange_connections_dropped_total", "WebSockets that the exchange ended", ["reason"])


@dataclass(frozen=True, slots=True)
class Farewell:
    """How a connection ends: the code and the text of its close frame; a code of 0 is a reset, without a frame."""

    code: int
    text: str


LEFT = Farewell(1000, "")
STOPPING = Farewell(1001, "going away")
TOO_OLD = Farewell(1001, "the connection is 24 hours old")
TOO_SLOW = Farewell(1008, "slow consumer")
NO_PONG = Farewell(1008, "no pong within 10 minutes")
TOO_MANY_MESSAGES = Farewell(1008, "too many requests")
MAINTENANCE = Farewell(1001, "maintenance")
CUT_TEXT = "cut on demand"
DROPPED = (TOO_OLD, TOO_SLOW, NO_PONG, TOO_MANY_MESSAGES)


class Connection:
    """Whoever is at the other end. Sending returns at once; a listener too far behind is dropped."""

    def __init__(
        self, request: web.BaseRequest, socket: web.WebSocketResponse, boot_ms: Callable[[], int], messages_max: int
    ) -> None:
        self.address = request.remote or ""
        self.ended = asyncio.Event()  # nothing more will be said
        self.names: dict[str, None] = {}  # of the streams that it listens to
        self._transport = request.transport
        self._drain = request.writer.drain
        self._socket = socket
        self._boot_ms = boot_ms
        self._messages_max = messages_max  # in a second; 0: any number
        self._heard = Window(SECOND_MS)
        self._waiting: deque[bytes] = deque()  # whole frames
        self._wake = asyncio.Event()
        self._over: asyncio.Future[Farewell] = asyncio.get_running_loop().create_future()
        self._opened_ms = self._pinged_ms = boot_ms()
        self._asked: dict[bytes, int] = {}  # pings without a pong, oldest first, and when they were sent

    def say(self, text: str) -> None:
        """Queue a message."""
        self.send(frame(TEXT, text.encode()))

    def send(self, whole: bytes) -> None:
        """Queue a frame."""
        if len(self._waiting) >= WAITING_MAX:
            self.dismiss(TOO_SLOW)
        elif not self._over.done():
            self._waiting.append(whole)
            self._wake.set()

    def dismiss(self, farewell: Farewell) -> None:
        """End the connection; the first reason counts."""
        if self._over.done():
            return
        self._over.set_result(farewell)
        if farewell in DROPPED:
            _dropped.labels(farewell.text).inc()
            log.warning("connection dropped", reason=farewell.text, address=self.address, waiting=len(self._waiting))

    def suffer(self, cuts: Iterable[CloseConnection]) -> None:
        """End the connection when the faults that struck it say so."""
        for cut in cuts:
            farewell = Farewell(cut.code, CUT_TEXT)
            asyncio.get_running_loop().call_later(cut.after_ms / 1_000, self.dismiss, farewell)

    @property
    def is_over(self) -> bool:
        return self._over.done()

    def tend(self) -> None:
        """Ping when it is time, and end what is too old or silent."""
        now_ms = self._boot_ms()
        if now_ms - self._opened_ms >= LIFETIME_MS:
            self.dismiss(TOO_OLD)
        if now_ms - min(self._asked.values(), default=now_ms) >= PONG_WITHIN_MS:
            self.dismiss(NO_PONG)
        if now_ms - self._pinged_ms >= PING_EVERY_MS:
            self._pinged_ms = now_ms
            payload = str(now_ms).encode()
            self._asked[payload] = now_ms
            self.send(frame(PING, payload))

    async def serve(self, hear: Callable[[str], None]) -> None:
        """Hand over what comes in until the connection ends."""
        tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._read(hear))]
        for task in tasks:
            task.add_done_callback(lambda _: self.dismiss(LEFT))
        try:
            farewell = await self._over
            await self._stop(tasks)
            await self._say(farewell)
        finally:
            await self._stop(tasks)

    async def _stop(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _write(self) -> None:
        """Write what waits, many frames at a time, and wait while the other side does not take it."""
        while self._transport is not None and not self._transport.is_closing():
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                together = [self._waiting.popleft() for _ in range(min(len(self._waiting), WRITTEN_TOGETHER))]
                self._transport.write(b"".join(together))
                await self._drain()

    async def _read(self, hear: Callable[[str], None]) -> None:
        async for message in self._socket:
            if self._messages_max and self._heard.add(1, self._boot_ms()) > self._messages_max:
                self.dismiss(TOO_MANY_MESSAGES)
                return
            match message.type:
                case WSMsgType.TEXT:
                    hear(message.data)
                case WSMsgType.PING:
                    await self._socket.pong(message.data)
                case WSMsgType.PONG:
                    if bytes(message.data) in self._asked:  # one that nobody asked for proves nothing
                        self._asked.clear()

    async def _say(self, farewell: Farewell) -> None:
        """Close with a reason. Who does not read it within a moment is cut off."""
        if not farewell.code and self._transport is not None:
            self._transport.abort()
            return
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(FAREWELL_S):
                await self._socket.close(code=farewell.code, message=farewell.text.encode(), drain=False)
        if self._transport is not None and self._transport.get_write_buffer_size():
            self._transport.abort()
