"""The HTTP server: REST and WebSocket on one port, as one unit that is up or down."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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
