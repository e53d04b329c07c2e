"""A real broker of one's own, which can be killed and started again empty."""

import asyncio
import subprocess
from typing import Self

from perpmesh.platform import embedded
from perpmesh.testing.ports import free_port

STOP_SECONDS = 5


class Broker:
    """The embedded broker as a child process, for the length of an `async with`."""

    def __init__(self) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.kill()

    async def start(self) -> None:
        """Start it, empty, and wait until it takes connections."""
        command = embedded.broker_command(self.address)
        self._process = subprocess.Popen(  # noqa: ASYNC220, S603 - forking takes a millisecond, and `kill` is not async
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        host, _, port = self.address.rpartition(":")
        while True:
            try:
                _, writer = await asyncio.open_connection(host, int(port))
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return

    def kill(self) -> None:
        """End it as a crash would: what it held is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_SECONDS)
            self._process = None
