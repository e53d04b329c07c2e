"""The HTTP server: REST and WebSocket on one port, as one unit that is up or down."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from perpmesh.exchange_sim.adapters.door import Door
from perpmesh.exchange_sim.adapters.sockets import Sockets

BODY_MAX = 256 * 1024


@asynccontextmanager
async def http_server(door: Door, sockets: Sockets, host: str, port: int) -> AsyncIterator[int]:
    """Listen until the block ends; yield the port, which may have been chosen by the system."""
    app = web.Application(client_max_size=BODY_MAX)
    sockets.add_routes(app)
    app.router.add_route("*", "/{path:.*}", door.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await sockets.close()
        await runner.cleanup()


@asynccontextmanager
async def loops(*bodies: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run endless loops beside the block. One that fails ends the block with its error: no loop, no venue."""
    block = asyncio.current_task()
    failures: list[BaseException] = []

    def watch(task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (failure := task.exception()):
            failures.append(failure)
            if block is not None:
                block.cancel()

    tasks = [asyncio.create_task(body) for body in bodies]
    for task in tasks:
        task.add_done_callback(watch)
    try:
        yield
    except asyncio.CancelledError:
        if failures:
            raise failures[0] from None
        raise
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
