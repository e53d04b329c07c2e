"""The REST half of the server: reads the request, lets the desk answer it, and writes the answer."""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import unquote

from aiohttp import web

from perpmesh.exchange_sim.adapters.desk import Call, Desk, come_back_s, refused
from perpmesh.exchange_sim.adapters.written import written
from perpmesh.exchange_sim.domain.fault_replies import Struck
from perpmesh.exchange_sim.domain.params import parse_parameters
from perpmesh.exchange_sim.domain.signature import signed_text

JSON, HTML = "application/json; charset=utf-8", "text/html; charset=utf-8"


class Asked(NamedTuple):
    """One request as it came; `target` is its path and query, as they were sent."""

    method: str
    target: str
    body: str
    key: str
    address: str


class Answer(NamedTuple):
    """What goes back."""

    status: int
    body: bytes
    headers: dict[str, str]


Done = Callable[[Answer], None]


class Door:
    """Answers every REST request."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.clock = desk.clock

    def begin(self, asked: Asked, done: Done) -> None:
        """Let a request in; `done` is told the answer, now or when what it asked for is durable."""
        call: Call | None = None
        try:
            call = self._read(asked)
            found = self._desk.begin(call)
        except Exception as error:  # noqa: BLE001 - whatever happens, a client gets the venue's own form of error
            done(_refusal(error, call, asked))
            return
        if isinstance(found, asyncio.Future):
            found.add_done_callback(lambda found: done(_settled(found, call, asked)))
        else:
            done(_accepted(found, call))

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer a request of the library's."""
        try:
            body = (await request.read()).decode("utf-8", "replace") if request.can_read_body else ""
        except web.HTTPRequestEntityTooLarge:
            return _response(Answer(413, b'{"code":-1013,"msg":"INVALID_MESSAGE"}', {"Content-Type": JSON}))
        key = request.headers.get("X-MBX-APIKEY", "")
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        target = request.raw_path if request.raw_path.startswith("/") else request.path_qs  # it may name the host, too
        asked = Asked(request.method, target, body, key, request.remote or "")
        self.begin(asked, lambda found: None if answer.done() else answer.set_result(found))
        return _response(await answer)

    def _read(self, asked: Asked) -> Call:
        path, _, query = asked.target.partition("?")
        routes = self._desk.routes
        endpoint = routes.endpoints.get((asked.method, path)) or routes.find(asked.method, unquote(path))
        return Call(
            endpoint,
            parse_parameters(query, asked.body),
            asked.address,
            key=asked.key,
            signed=signed_text(query, asked.body),
        )


def _settled(found: "asyncio.Future[Any]", call: Call, asked: Asked) -> Answer:
    if found.cancelled():
        return _refusal(asyncio.CancelledError(), call, asked)
    error = found.exception()
    if error is not None:
        return _refusal(error, call, asked)
    return _accepted(found.result(), call)


def _accepted(found: Any, call: Call) -> Answer:
    return Answer(200, written(found).encode(), {**_used(call), "Content-Type": JSON})


def _refusal(error: BaseException, call: Call | None, asked: Asked) -> Answer:
    status, body = refused(error, path=asked.target.partition("?")[0], method=asked.method)
    headers, wait_s = _used(call), come_back_s(error)
    if wait_s is not None:
        headers["Retry-After"] = str(wait_s)
    if isinstance(error, Struck) and error.page:
        return Answer(status, error.page.encode(), {**headers, "Content-Type": HTML})
    return Answer(status, written(body).encode(), {**headers, "Content-Type": JSON})


def _used(call: Call | None) -> dict[str, str]:
    """Return the headers that tell how much of the limits is used."""
    if call is None or call.weight is None:
        return {}
    headers = {"X-MBX-USED-WEIGHT-1M": str(call.weight)}
    if call.orders:
        headers |= {"X-MBX-ORDER-COUNT-10S": str(call.orders[0]), "X-MBX-ORDER-COUNT-1M": str(call.orders[1])}
    return headers


def _response(answer: Answer) -> web.Response:
    return web.Response(body=answer.body, status=answer.status, headers=answer.headers)
