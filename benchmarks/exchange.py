"""REST orders a second through HTTP, beside a handler of the same library that only signs and keeps."""

import asyncio
import itertools
import statistics
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.http_load import Measured, load, signed
from benchmarks.tables import Table, milliseconds, quantile
from perpmesh.testing.exchange_process import exchange_process

SECONDS, ROUNDS = 2.0, 3
CONCURRENCIES = (1, 64)
ORDER = "/fapi/v1/order"
LIMIT = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.002&price={price}&newClientOrderId={name}"
MARKET = "symbol=BTCUSDT&side={side}&type=MARKET&quantity=0.002"


def limit_and_cancel(price: str) -> Callable[[], bytes]:
    """Place a limit order that rests, then cancel it, and so on."""
    number, names = next(_CONNECTIONS), itertools.count()

    def requests() -> Iterator[bytes]:
        while True:
            name = f"c{number}-{next(names)}"
            yield signed("POST", ORDER, LIMIT.format(price=price, name=name))
            yield signed("DELETE", ORDER, f"symbol=BTCUSDT&origClientOrderId={name}")

    return requests().__next__


def market_orders() -> Callable[[], bytes]:
    """Buy, then sell, at market: every order is filled."""
    sides = itertools.cycle(("BUY", "SELL"))
    return lambda: signed("POST", ORDER, MARKET.format(side=next(sides)))


_CONNECTIONS = itertools.count()


@dataclass(slots=True)
class Subject:
    """A server under load, what it is asked, and what came of it in each round."""

    name: str
    port: int
    pid: int
    make: Callable[[], Callable[[], bytes]]
    rounds: list[Measured] = field(default_factory=list)
    server_busy: list[float] = field(default_factory=list)
    client_busy: list[float] = field(default_factory=list)

    async def measure(self, concurrency: int) -> None:
        server, client = psutil.Process(self.pid), psutil.Process()
        before = _cpu(server), _cpu(client)
        measured = await load(self.port, [self.make() for _ in range(concurrency)], SECONDS)
        self.rounds.append(measured)
        self.server_busy.append((_cpu(server) - before[0]) / measured.seconds)
        self.client_busy.append((_cpu(client) - before[1]) / measured.seconds)

    @property
    def per_second(self) -> float:
        return statistics.median(measured.per_second for measured in self.rounds)

    @property
    def per_cpu_second(self) -> float:
        """Requests per second of the server's own processor time: what a busy machine does not change."""
        pairs = zip(self.rounds, self.server_busy, strict=True)
        return statistics.median(measured.per_second / busy for measured, busy in pairs)


def orders_per_second() -> Table:
    return asyncio.run(_orders_per_second())


async def _orders_per_second() -> Table:
    table = Table(
        f"Signed REST requests a second, each durable before its answer; median of {ROUNDS} × {SECONDS:g} s in turn",
        ["", "at once", "per second", "p50 ms", "p99 ms", "× peer", "CPU", "client", "per CPU s", "× peer"],
    )
    with tempfile.TemporaryDirectory(prefix="perpmesh-bench-") as folder:
        async with exchange_process(Path(folder) / "state", speed=1.0) as venue, _peer(folder) as (port, pid):
            price = await _far_price(venue.host)
            for concurrency in CONCURRENCIES:
                ours = int(venue.host.rpartition(":")[2])
                subjects = [
                    Subject("peer: sign and keep", port, pid, market_orders),
                    Subject("limit, cancel", ours, venue.pid, lambda: limit_and_cancel(price)),
                    Subject("market", ours, venue.pid, market_orders),
                ]
                for _ in range(ROUNDS):
                    for subject in subjects:
                        await subject.measure(concurrency)
                table.rows += [_row(subject, concurrency, subjects[0]) for subject in subjects]
    return table


def _row(subject: Subject, concurrency: int, peer: Subject) -> tuple[object, ...]:
    waits = [wait for measured in subject.rounds for wait in measured.waits]
    return (
        subject.name,
        concurrency,
        f"{subject.per_second:.0f}",
        milliseconds(quantile(waits, 0.5)),
        milliseconds(quantile(waits, 0.99)),
        f"{subject.per_second / peer.per_second:.2f}",
        f"{statistics.median(subject.server_busy):.0%}",
        f"{statistics.median(subject.client_busy):.0%}",
        f"{subject.per_cpu_second:.0f}",
        f"{subject.per_cpu_second / peer.per_cpu_second:.2f}",
    )


@asynccontextmanager
async def _peer(folder: str) -> AsyncIterator[tuple[int, int]]:
    command = (sys.executable, "-m", "benchmarks.signed_peer", f"{folder}/peer.log")
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield int((await process.stdout.readline()).split()[1]), process.pid
    finally:
        process.kill()
        await process.wait()


async def _far_price(host: str) -> str:
    """Return a price 3 % under the market: a limit order there rests."""
    import aiohttp  # noqa: PLC0415

    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://{host}/fapi/v1/premiumIndex?symbol=BTCUSDT") as a,
    ):
        return f"{int(float((await a.json())['markPrice']) * 0.97)}.0"


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system
