"""WebSocket connections: every path that clients use, the control frames, and user streams by listen key."""

import asyncio
import json
from collections import deque
from collections.abc import Iterable
from typing import Any

from aiohttp import WSMsgType, web

from perpmesh.exchange_sim.adapters.hub import Hub
from perpmesh.exchange_sim.domain.streams import parse_stream

WAITING_MAX = 2_000  # messages; who is further behind than this is dropped
STREAMS_MAX = 1_024
PING_SECONDS = 180.0
ROUTES = ("public", "market", "private")


class Connection:
    """One socket. It holds a bounded queue, which a task of its own empties."""

    def __init__(self, request: web.BaseRequest, socket: web.WebSocketResponse, hub: Hub, *, route: str) -> None:
        self._transport = request.transport
        self._socket = socket
        self._hub = hub
        self._combined = request.path.endswith("/stream")
        self._route = route  # "" when everything may be had here
        self._waiting: deque[str] = deque()
        self._wake = asyncio.Event()
        self.names: dict[str, None] = {}

    def offer(self, stream: str, payload: str) -> None:
        """Queue a message; a listener too far behind is cut off instead."""
        if len(self._waiting) >= WAITING_MAX:
            self._cut_off()
            return
        self._waiting.append(f'{{"stream":"{stream}","data":{payload}}}' if self._combined else payload)
        self._wake.set()

    async def write(self) -> None:
        """Send what waits until the listener is gone."""
        while not self._socket.closed:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._socket.send_str(self._waiting.popleft())

    async def read(self) -> None:
        """Answer control frames until the listener leaves."""
        async for message in self._socket:
            if message.type is WSMsgType.TEXT:
                self._answer(self._control(message.data))

    def listen(self, names: Iterable[str]) -> None:
        for name in names:
            if name and len(self.names) < STREAMS_MAX:
                self.names[name] = None
                if self._may_have(name):
                    self._hub.subscribe(self, [name])

    def leave(self) -> None:
        self._hub.unsubscribe(self, list(self.names))

    def _cut_off(self) -> None:
        """Drop the connection without a farewell: nothing that we send would get through."""
        self.leave()
        if self._transport is not None:
            self._transport.abort()

    def _may_have(self, name: str) -> bool:
        stream = parse_stream(name)
        if not self._route or stream is None:
            return True
        return stream.kind.is_public == (self._route == "public")

    def _control(self, text: str) -> Any:
        try:
            frame = json.loads(text)
            method, params = frame["method"], frame.get("params") or []
        except (ValueError, KeyError, TypeError, AttributeError):
            return {"error": {"code": 2, "msg": "Invalid request: not a known method"}, "id": None}
        answer: Any = {"result": None, "id": frame.get("id")}
        match method:
            case "SUBSCRIBE":
                self.listen(str(name) for name in params)
            case "UNSUBSCRIBE":
                gone = [str(name) for name in params]
                self._hub.unsubscribe(self, gone)
                for name in gone:
                    self.names.pop(name, None)
            case "LIST_SUBSCRIPTIONS":
                answer["result"] = list(self.names)
            case "SET_PROPERTY":
                self._combined = bool(params[1]) if params[:1] == ["combined"] else self._combined
            case "GET_PROPERTY":
                answer["result"] = self._combined
            case _:
                return {"error": {"code": 2, "msg": f"Invalid request: unknown method {method}"}, "id": frame.get("id")}
        return answer

    def _answer(self, answer: Any) -> None:
        self._waiting.append(json.dumps(answer, separators=(",", ":")))
        self._wake.set()


class Sockets:
    """The WebSocket half of the server."""

    def __init__(self, hub: Hub, *, strict_routes: bool) -> None:
        self._hub = hub
        self._strict = strict_routes
        self._open: set[web.WebSocketResponse] = set()

    def serves(self, request: web.BaseRequest) -> bool:
        """Whether a request wants to become a WebSocket, at an address where there are some."""
        return "Upgrade" in request.headers and _parts(request.path)[1:2] in (["ws"], ["stream"])

    async def close(self) -> None:
        for socket in tuple(self._open):
            await socket.close(code=1001, message=b"going away")

    async def handle(self, request: web.BaseRequest) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=PING_SECONDS, compress=False, max_msg_size=256 * 1024)
        await socket.prepare(request)
        route = (_parts(request.path)[0] or "public") if self._strict else ""
        connection = Connection(request, socket, self._hub, route=route)
        connection.listen(_names(request))
        self._open.add(socket)
        writer = asyncio.create_task(connection.write())
        try:
            await connection.read()
        finally:
            connection.leave()
            self._open.discard(socket)
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return socket


def _parts(path: str) -> list[str]:
    """Split an address into its route ("" when it has none) and what follows."""
    parts = path.strip("/").split("/")
    return parts if parts[0] in ROUTES else ["", *parts]


def _names(request: web.BaseRequest) -> list[str]:
    """Return the streams that the address asks for; a bare index, as some clients append, asks for none."""
    path = [name for name in _parts(request.path)[2:] if not name.isdigit()]
    query = [name for name in request.query.get("streams", "").split("/") if name]
    return [*path, *query, request.query.get("listenKey", "")]
