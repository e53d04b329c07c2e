"""The HTTP server: REST and WebSocket on one port, as one unit that is up or down."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from perpmesh.exchange_sim.adapters.door import Door
from perpmesh.exchange_sim.adapters.sockets import Sockets
from perpmesh.exchange_sim.adapters.wicket import Wicket

BODY_MAX = 256 * 1024
Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def http_server(door: Door, sockets: Sockets, host: str, port: int) -> AsyncIterator[int]:
    """Listen until the block ends; yield the port, which may have been chosen by the system."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return await (sockets if sockets.serves(request) else door).handle(request)

    # The library's router costs a third of a request, and there is nothing to route: the door has a table of its own.
    server = Server(handle, door)
    runner = web.ServerRunner(server, shutdown_timeout=2.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await sockets.close()  # before the runner ends, which no longer reads what a listener says in farewell
        await runner.cleanup()


class Server(web.Server):
    """Makes a Wicket of each connection."""

    def __init__(self, handle: Handle, door: Door) -> None:
        super().__init__(handle, request_factory=_request, access_log=None)
        self._door = door

    def __call__(self) -> Wicket:
        return Wicket(self, self._door, loop=self._loop, **self._kwargs)


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=BODY_MAX)


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
