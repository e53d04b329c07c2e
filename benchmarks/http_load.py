"""An HTTP client cheap enough not to be what is measured: one request after the other on each of many connections."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from perpmesh.testing.exchange_process import KEY, SECRET

WINDOW_MS = 60_000
OK = b"HTTP/1.1 200"


@dataclass(slots=True)
class Measured:
    """What one load did: seconds each request waited, over `seconds` of wall clock."""

    waits: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.waits) / self.seconds


def signed(method: str, path: str, params: str) -> bytes:
    """Return the bytes of a signed request of now."""
    text = f"{params}&recvWindow={WINDOW_MS}&timestamp={time.time_ns() // 1_000_000}"
    signature = hmac.digest(SECRET.encode(), text.encode(), hashlib.sha256).hex()
    head = f"{method} {path}?{text}&signature={signature} HTTP/1.1\r\nHost: x\r\nX-MBX-APIKEY: {KEY}\r\n"
    return f"{head}Content-Length: 0\r\n\r\n".encode()


class Caller(asyncio.Protocol):
    """One connection: the next request leaves when the answer to the last one is whole."""

    def __init__(self, make: Callable[[], bytes], measured: Measured, until: float) -> None:
        self._make = make
        self._measured = measured
        self._until = until
        self._buffer = b""
        self._sent = 0.0
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0 or len(self._buffer) < head + 4 + _length(self._buffer, head):
            return
        if not self._buffer.startswith(OK):
            self._fail(RuntimeError(f"refused: {self._buffer!r}"))
            return
        self._buffer = b""
        now = time.perf_counter()
        self._measured.waits.append(now - self._sent)
        if now < self._until:
            self._next()
        else:
            self._fail(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or RuntimeError("the server hung up"))

    def _next(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._make())

    def _fail(self, error: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_exception(error) if error else self.finished.set_result(None)
            self._transport.close()


def _length(answer: bytes, head: int) -> int:
    start = answer.lower().find(b"content-length:", 0, head)
    return int(answer[start + 15 : answer.find(b"\r\n", start)])


async def load(port: int, makers: list[Callable[[], bytes]], seconds: float) -> Measured:
    """Run one connection per maker for `seconds`; a request that is refused ends it all."""
    loop, measured, began = asyncio.get_running_loop(), Measured(), time.perf_counter()
    until = began + seconds
    callers = [
        (await loop.create_connection(lambda make=make: Caller(make, measured, until), "127.0.0.1", port))[1]
        for make in makers
    ]
    await asyncio.gather(*(caller.finished for caller in callers))
    measured.seconds = time.perf_counter() - began
    return measured
