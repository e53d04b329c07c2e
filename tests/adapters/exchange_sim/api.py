"""A client of the WebSocket API that signs as the documentation says."""

import itertools
import time
from contextlib import asynccontextmanager

import aiohttp
from tests.adapters.exchange_sim.conftest import KEY, SECRET

from perpmesh.exchange_sim.domain.signature import sign


class Api:
    """`call` returns the whole answer."""

    def __init__(self, socket, behind_ms=0):
        self._behind_ms = behind_ms  # of the exchange's clock
        self.socket = socket
        self._ids = itertools.count(1)

    async def call(self, method, **params):
        """Ask without a signature."""
        return await self.say({"id": next(self._ids), "method": method, "params": params})

    async def signed(self, method, *, key=KEY, secret=SECRET, at_ms=0, **params):
        """Ask with one; `secret` is HMAC's, or a function from the text to its signature."""
        params |= {"apiKey": key, "timestamp": int(time.time() * 1_000) - self._behind_ms + at_ms}
        text = "&".join(f"{name}={written(params[name])}" for name in sorted(params))
        signature = secret(text) if callable(secret) else sign(secret, text)
        return await self.call(method, **params, signature=signature)

    async def say(self, frame):
        await self.socket.send_json(frame)
        return await self.socket.receive_json(timeout=10)


def written(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


@asynccontextmanager
async def api_of(host, query="", behind_ms=0):
    """Connect to the WebSocket API of `host`."""
    async with aiohttp.ClientSession() as session, session.ws_connect(f"ws://{host}/ws-fapi/v1{query}") as socket:
        yield Api(socket, behind_ms)
