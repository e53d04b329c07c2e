"""The HTTP server: REST and WebSocket on one port, as one unit that is up or down."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from perpmesh.exchange_sim.adapters.door import Door
from perpmesh.exchange_sim.adapters.sockets import Sockets
from perpmesh.platform import telemetry

log = telemetry.log(__name__)
BODY_MAX = 256 * 1024


class Handler(web.RequestHandler):
    """One connection. What is not even HTTP is refused in the venue's form, too."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        log.info("not a request", status=status, error=repr(exc)[:200], remote=request.remote)
        answer = web.json_response({"code": -1013, "msg": "INVALID_MESSAGE"}, status=status)
        answer.force_close()
        return answer


class Server(web.Server):
    """Makes a Handler of each connection."""

    def __call__(self) -> Handler:
        return Handler(self, loop=self._loop, **self._kwargs)


@asynccontextmanager
async def http_server(door: Door, sockets: Sockets, host: str, port: int) -> AsyncIterator[int]:
    """Listen until the block ends; yield the port, which may have been chosen by the system."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return await (sockets if sockets.serves(request) else door).handle(request)

    # The library's router costs a third of a request, and there is nothing to route: the door has a table of its own.
    server = Server(handle, request_factory=_request, access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=2.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await sockets.close()  # before the runner ends, which no longer reads what a listener says in farewell
        await runner.cleanup()


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
