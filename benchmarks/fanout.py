"""One market told to many: WebSocket messages a second to 200 subscribers, and how late they are."""

import asyncio
import os
import time
from base64 import b64encode
from dataclasses import dataclass, field

import psutil

from benchmarks.tables import Table, quantile
from perpmesh.testing.exchange_process import ExchangeProcess, exchange_process

SUBSCRIBERS = 200
SECONDS, WARM_SECONDS = 4.0, 1.0
SPEEDS = (60.0, 300.0, 900.0)  # × real time: a symbol has a tick per five market seconds
STREAMS = tuple(
    f"{symbol}@{kind}" for symbol in ("btcusdt", "ethusdt") for kind in ("aggTrade", "bookTicker", "depth@0ms")
)
STAMP = b'"E":'


@dataclass(slots=True)
class Heard:
    """What all subscribers heard since `began`; `delays_ms` are of one message in ten, from its event time."""

    counting: bool = False
    messages: int = 0
    octets: int = 0
    delays_ms: list[float] = field(default_factory=list)


class Subscriber(asyncio.Protocol):
    """A WebSocket client that does nothing but count: the server's frames are whole, unmasked and text."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._buffer = b""
        self._upgraded = False
        self.lost: Exception | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        key = b64encode(os.urandom(16)).decode()
        path = f"/stream?streams={'/'.join(STREAMS)}"
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.transport.write(f"{head}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = exc or ConnectionError("the server hung up")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._upgraded:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            self._upgraded, self._buffer = True, self._buffer[end + 4 :]
        at, buffer, now_ms = 0, self._buffer, time.time_ns() / 1e6
        while (frame := _frame(buffer, at)) and frame[1] <= len(buffer):
            if self._heard.counting:
                self._count(buffer, *frame, now_ms)
            at = frame[1]
        self._buffer = buffer[at:]

    def _count(self, buffer: bytes, start: int, end: int, now_ms: float) -> None:
        self._heard.messages += 1
        self._heard.octets += end - start
        if self._heard.messages % 10 == 0:
            stamp = buffer.find(STAMP, start, end) + len(STAMP)
            self._heard.delays_ms.append(now_ms - int(buffer[stamp : stamp + 13]))


def _frame(buffer: bytes, at: int) -> tuple[int, int] | None:
    """Return where the payload of the frame at `at` starts and ends."""
    if len(buffer) < at + 4:
        return None
    short = buffer[at + 1]
    start = at + (2 if short < 126 else 4)
    return start, start + (short if short < 126 else int.from_bytes(buffer[at + 2 : at + 4], "big"))


def to_many() -> Table:
    return asyncio.run(_to_many())


async def _to_many() -> Table:
    columns = ["", "told each", "delivered", "MB/s", "p50 ms", "p99 ms", "server CPU", "client CPU"]
    table = Table(f"{len(STREAMS)} streams to {SUBSCRIBERS} subscribers, messages a second, for {SECONDS:g} s", columns)
    for speed in SPEEDS:
        async with exchange_process(None, speed=speed) as venue:
            table.rows.append((f"market at {speed:g} ×", *await _measured(venue)))
    return table


async def _measured(venue: ExchangeProcess) -> tuple[str, ...]:
    loop, heard, (host, port) = asyncio.get_running_loop(), Heard(), venue.host.split(":")
    subscribers = [
        (await loop.create_connection(lambda: Subscriber(heard), host, int(port)))[1] for _ in range(SUBSCRIBERS)
    ]
    await asyncio.sleep(WARM_SECONDS)
    processes = psutil.Process(venue.pid), psutil.Process()
    before, began, heard.counting = [_cpu(each) for each in processes], time.perf_counter(), True
    await asyncio.sleep(SECONDS)
    heard.counting, seconds = False, time.perf_counter() - began
    busy = [(_cpu(each) - cpu) / seconds for each, cpu in zip(processes, before, strict=True)]
    lost = [each.lost for each in subscribers if each.lost]
    for each in subscribers:
        each.transport.abort()
    if lost:
        raise RuntimeError(f"{len(lost)} subscribers were dropped: {lost[0]!r}")
    rate = heard.messages / seconds
    late = (f"{quantile(heard.delays_ms, share):.1f}" for share in (0.5, 0.99))
    return (
        f"{rate / SUBSCRIBERS:.0f}",
        f"{rate:.0f}",
        f"{heard.octets / seconds / 1e6:.1f}",
        *late,
        *(f"{b:.0%}" for b in busy),
    )


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system
