"""The simulated exchange as a process of its own, that can be killed: for tests and benchmarks."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from perpmesh.exchange_sim.adapters.pace import loop_factory, seldom_collected
from perpmesh.exchange_sim.config import AccountConfig, Config
from perpmesh.exchange_sim.domain.limits import Limits
from perpmesh.exchange_sim.main import exchange
from perpmesh.platform.time import SystemClock

KEY, SECRET = "testkey", "testsecret"
BALANCE = Decimal(10_000)
MANY = 10**9
UNLIMITED = Limits(
    weight_per_minute=MANY,
    orders_per_minute=MANY,
    orders_per_ten_seconds=MANY,
    funding_per_five_minutes=MANY,
    connections_per_five_minutes=MANY,
    messages_per_second=MANY,
)
READY = b"port "


@dataclass(slots=True)
class ExchangeProcess:
    """A running exchange. `host` is host:port; the account's key and secret are KEY and SECRET."""

    process: asyncio.subprocess.Process
    host: str

    @property
    def pid(self) -> int:
        return self.process.pid

    async def kill(self) -> None:
        """End it without warning, as `kill -9` does."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """Ask it to end, and return its exit status."""
        return await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> int:
        if self.process.returncode is None:
            self.process.send_signal(how)
        return await self.process.wait()


async def start_exchange(folder: Path | None, **options: Any) -> ExchangeProcess:
    """Start an exchange without request limits that keeps its state in `folder`; `options` are Config's, as JSON."""
    options |= {"state_dir": str(folder) if folder else None}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, json.dumps(options), stdout=subprocess.PIPE, env=dict(os.environ)
    )
    if process.stdout is None:
        raise AssertionError("a pipe was asked for")
    while not (line := await process.stdout.readline()).startswith(READY):
        if not line:
            raise RuntimeError("the exchange did not start")
    return ExchangeProcess(process, f"127.0.0.1:{int(line.split()[1])}")


@asynccontextmanager
async def exchange_process(folder: Path | None, **options: Any) -> AsyncIterator[ExchangeProcess]:
    """Run an exchange for the length of the block, whatever happens in it."""
    running = await start_exchange(folder, **options)
    try:
        yield running
    finally:
        await running.kill()


async def _serve(options: dict[str, Any]) -> None:
    account = AccountConfig(KEY, SECRET, BALANCE)
    folder = Path(options.pop("state_dir")) if options["state_dir"] else options.pop("state_dir")
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    config = Config(port=0, limits=UNLIMITED, accounts=(account,), state_dir=folder, **{"speed": 60.0, **options})
    with seldom_collected():
        async with exchange(config, SystemClock()) as port:
            sys.stdout.buffer.write(READY + f"{port}\n".encode())
            sys.stdout.flush()
            await stopped.wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=loop_factory()) as made:
        made.run(_serve(json.loads(sys.argv[1])))
