"""The WebSocket half of the server: streams on every path that clients use, and the WebSocket API."""

import asyncio

from aiohttp import web

from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange_sim.adapters.connection import (
    CUT_TEXT,
    FAREWELL_S,
    MAINTENANCE,
    MESSAGE_MAX,
    STOPPING,
    Connection,
    Farewell,
)
from perpmesh.exchange_sim.adapters.desk import Desk, refused
from perpmesh.exchange_sim.adapters.hub import Hub
from perpmesh.exchange_sim.adapters.listener import StreamListener
from perpmesh.exchange_sim.adapters.ws_api import Session
from perpmesh.exchange_sim.domain.fault_plan import Armed
from perpmesh.exchange_sim.domain.fault_replies import Struck
from perpmesh.exchange_sim.domain.faults import CloseConnection
from perpmesh.exchange_sim.domain.refusals import TEXTS

ROUTES = ("public", "market", "private")
API_PATH = "ws-fapi"
HANDSHAKE_WEIGHT = 5  # of a connection to the WebSocket API
TEND_SECONDS = 1.0


class Sockets:
    """All connections that are open."""

    def __init__(self, hub: Hub, desk: Desk, *, strict_routes: bool) -> None:
        self._hub = hub
        self._desk = desk
        self._strict = strict_routes
        self._open: set[Connection] = set()
        self._stopping = False

    def serves(self, request: web.BaseRequest) -> bool:
        """Whether a request wants to become a WebSocket, at an address where there are some."""
        return "Upgrade" in request.headers and _parts(request.path)[1:2] in (["ws"], ["stream"], [API_PATH])

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve one connection until it ends."""
        try:
            self._admit(request)
        except ExchangeError as error:
            status, body = refused(error)
            return web.json_response(body, status=status)
        socket = web.WebSocketResponse(timeout=FAREWELL_S, autoping=False, compress=False, max_msg_size=MESSAGE_MAX)
        await socket.prepare(request)
        is_api = _is_api(request)
        messages_max = 0 if is_api else self._desk.meter.limits.messages_per_second
        connection = Connection(request, socket, self._desk.clock.boot_ms, messages_max)
        self._open.add(connection)
        if self._hub.faults.armed:
            connection.suffer(self._hub.faults.cuts([] if is_api else _names(request), self._hub.owner, opening=True))
        try:
            await (self._serve_api if is_api else self._serve_streams)(request, connection)
        finally:
            self._open.discard(connection)
            connection.ended.set()
        return socket

    async def tend(self) -> None:
        """Look after all connections, for ever."""
        while True:
            await asyncio.sleep(TEND_SECONDS)
            self.look_after()

    def look_after(self) -> None:
        """Ping whom it is time to ping, and end what is too old or silent."""
        for connection in tuple(self._open):
            connection.tend()

    def cut(self, fault: Armed) -> None:
        """Cut the open connections that a fault strikes."""
        kind = fault.spec.kind
        farewell = Farewell(kind.code, CUT_TEXT) if isinstance(kind, CloseConnection) else MAINTENANCE
        for connection in tuple(self._open):
            if self._hub.faults.strikes(fault, connection.names, self._hub.owner):
                connection.dismiss(farewell)

    async def close(self) -> None:
        """End every connection, let nobody in any more, and give each the moment that a farewell takes."""
        self._stopping = True
        for connection in tuple(self._open):
            connection.dismiss(STOPPING)
        await asyncio.gather(*(connection.ended.wait() for connection in tuple(self._open)))

    def _admit(self, request: web.BaseRequest) -> None:
        if self._stopping:
            raise ExchangeError(-1008, "The exchange is stopping.")
        if self._hub.faults.armed and self._hub.faults.closed:
            raise Struck(503, -1016, TEXTS[-1016])
        now_ms, address = self._desk.clock.now_ms(), request.remote or ""
        self._desk.meter.connect(address, now_ms)
        if _is_api(request):
            self._desk.meter.weigh(address, HANDSHAKE_WEIGHT, now_ms)

    async def _serve_streams(self, request: web.BaseRequest, connection: Connection) -> None:
        route, kind = _parts(request.path)[:2]
        events = request.query.get("events", "")
        listener = StreamListener(
            connection,
            self._hub,
            route=(route or "public") if self._strict else "",
            combined=kind == "stream",
            events=frozenset(filter(None, events.split("/"))),
            streams_max=self._desk.meter.limits.streams_per_connection,
        )
        listener.listen(_names(request))
        try:
            await connection.serve(listener.hear)
        finally:
            listener.leave()

    async def _serve_api(self, request: web.BaseRequest, connection: Connection) -> None:
        session = Session(connection, self._desk, show_limits=request.query.get("returnRateLimits", "") != "false")
        try:
            await connection.serve(session.hear)
        finally:
            await session.end()


def _is_api(request: web.BaseRequest) -> bool:
    return _parts(request.path)[1] == API_PATH


def _parts(path: str) -> list[str]:
    """Split an address into its route ("" when it has none) and what follows."""
    parts = path.strip("/").split("/")
    return parts if parts[0] in ROUTES else ["", *parts]


def _names(request: web.BaseRequest) -> list[str]:
    """Return the streams that the address asks for; a bare index, as some clients append, asks for none."""
    path = [name for name in _parts(request.path)[2:] if not name.isdigit()]
    query = request.query.get("streams", "").split("/")
    return [name for name in (*path, *query, request.query.get("listenKey", "")) if name]
