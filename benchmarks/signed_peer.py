"""What the exchange is measured against: an aiohttp handler that checks the signature and keeps one durable record.

One fdatasync serves all that wait together. It parses nothing, knows no account and matches nothing.
"""

import asyncio
import hashlib
import hmac
import os
import sys

from aiohttp import web

from perpmesh.testing.exchange_process import SECRET


class DurableLog:
    """Appends records; `append` returns when the record is on disk."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()

    async def append(self, record: bytes) -> None:
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((record, kept))
        self._wake.set()
        await kept

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            batch, self._waiting = self._waiting, []
            os.write(self._file, b"".join(record for record, _ in batch))
            await asyncio.to_thread(os.fdatasync, self._file)
            for _, kept in batch:
                kept.set_result(None)


async def main(path: str) -> None:
    log = DurableLog(path)

    async def handle(request: web.Request) -> web.Response:
        text, _, signature = request.query_string.rpartition("&signature=")
        expected = hmac.digest(SECRET.encode(), text.encode(), hashlib.sha256).hex()
        if not hmac.compare_digest(expected, signature):
            raise web.HTTPBadRequest
        await log.append(f"{text}\n".encode())
        return web.json_response({"code": 200, "msg": "success"})

    app = web.Application()
    app.router.add_route("*", "/fapi/v1/order", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print("port", runner.addresses[0][1], flush=True)
    await log.run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
