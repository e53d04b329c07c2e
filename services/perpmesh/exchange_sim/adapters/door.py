"""The REST half of the server: reads the request, lets the desk answer it, and writes the answer."""

import json
from typing import Any

from aiohttp import web

from perpmesh.exchange_sim.adapters.desk import Call, Desk, come_back_s, refused
from perpmesh.exchange_sim.domain.fault_replies import Struck
from perpmesh.exchange_sim.domain.params import parse_parameters
from perpmesh.exchange_sim.domain.signature import signed_text

_ENCODE = json.JSONEncoder(separators=(",", ":")).encode


class Door:
    """Answers every REST request."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def handle(self, request: web.BaseRequest) -> web.Response:
        call: Call | None = None
        try:
            call = await self._read(request)
            return _json(await self._desk.answer(call), 200, _used(call))
        except web.HTTPRequestEntityTooLarge:
            return _json({"code": -1013, "msg": "INVALID_MESSAGE"}, 413, {})
        except Exception as error:  # noqa: BLE001 - whatever happens, a client gets the venue's own form of error
            status, body = refused(error, path=request.path, method=request.method)
            headers, wait_s = _used(call), come_back_s(error)
            headers |= {} if wait_s is None else {"Retry-After": str(wait_s)}
            if isinstance(error, Struck) and error.page:
                return web.Response(text=error.page, status=status, content_type="text/html", headers=headers)
            return _json(body, status, headers)

    async def _read(self, request: web.BaseRequest) -> Call:
        path, _, query = request.raw_path.partition("?")
        body = await _body(request)
        routes = self._desk.routes
        endpoint = routes.endpoints.get((request.method, path)) or routes.find(request.method, request.path)
        return Call(
            endpoint,
            parse_parameters(query, body),
            request.remote or "",
            key=request.headers.get("X-MBX-APIKEY", ""),
            signed=signed_text(query, body),
        )


async def _body(request: web.BaseRequest) -> str:
    return (await request.read()).decode("utf-8", "replace") if request.can_read_body else ""


def _used(call: Call | None) -> dict[str, str]:
    """Return the headers that tell how much of the limits is used."""
    headers = {"X-MBX-USED-WEIGHT-1M": str(call.weight)} if call and call.weight is not None else {}
    if call and call.orders:
        headers |= {"X-MBX-ORDER-COUNT-10S": str(call.orders[0]), "X-MBX-ORDER-COUNT-1M": str(call.orders[1])}
    return headers


def _json(answer: Any, status: int, headers: dict[str, str]) -> web.Response:
    headers["Content-Type"] = "application/json; charset=utf-8"
    return web.Response(body=_ENCODE(answer).encode(), status=status, headers=headers)
