"""The WebSocket API: the endpoints of REST under other names, on a connection that may log on."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any, TypeAlias

from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange_sim.adapters.ask import Endpoint, Security
from perpmesh.exchange_sim.adapters.connection import Connection
from perpmesh.exchange_sim.adapters.desk import Call, Desk, come_back_s, refused
from perpmesh.exchange_sim.adapters.render import Json
from perpmesh.exchange_sim.adapters.written import plain
from perpmesh.exchange_sim.domain.params import Params
from perpmesh.exchange_sim.domain.signature import KeyKind, kind_of, sorted_text
from perpmesh.kernel.errors import Overloaded

ENDPOINTS = {
    "ping": "GET /fapi/v1/ping",
    "time": "GET /fapi/v1/time",
    "depth": "GET /fapi/v1/depth",
    "ticker.price": "GET /fapi/v1/ticker/price",
    "ticker.book": "GET /fapi/v1/ticker/bookTicker",
    "order.place": "POST /fapi/v1/order",
    "order.modify": "PUT /fapi/v1/order",
    "order.cancel": "DELETE /fapi/v1/order",
    "order.status": "GET /fapi/v1/order",
    "algoOrder.place": "POST /fapi/v1/algoOrder",
    "algoOrder.cancel": "DELETE /fapi/v1/algoOrder",
    "account.position": "GET /fapi/v2/positionRisk",
    "v2/account.position": "GET /fapi/v3/positionRisk",
    "account.balance": "GET /fapi/v2/balance",
    "v2/account.balance": "GET /fapi/v3/balance",
    "account.status": "GET /fapi/v2/account",
    "v2/account.status": "GET /fapi/v3/account",
    "userDataStream.start": "POST /fapi/v1/listenKey",
    "userDataStream.ping": "PUT /fapi/v1/listenKey",
    "userDataStream.stop": "DELETE /fapi/v1/listenKey",
}
HIDDEN = {"account.status": "feeBurn", "order.modify": "pair"}  # fields that only REST shows
ABOUT_ITSELF = ("session.logon", "session.status", "session.logout")
SESSION_WEIGHT = 2
RUNNING_MAX = 1_000  # requests of one connection that are being answered
Answer: TypeAlias = dict[str, Any]


class Decimals(str):
    """A JSON number with a point, kept as it was written: the signature covers its letters."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came: `id` goes back as it is."""

    id: Any
    method: str
    params: Params
    signed: str
    show_limits: bool | None  # None: as the connection was opened


def read_request(text: str) -> Request:
    """Read a request, or raise ExchangeError."""
    try:
        frame = json.loads(text, parse_float=Decimals)
    except (ValueError, RecursionError):
        raise ExchangeError(-1013, "INVALID_MESSAGE") from None
    if not isinstance(frame, dict) or not isinstance(frame.get("method"), str):
        raise ExchangeError(-1102, "Mandatory parameter 'method' was not sent, was empty/null, or malformed.")
    sent = frame.get("params") or {}
    if not isinstance(sent, dict):
        raise ExchangeError(-1102, "Mandatory parameter 'params' was not sent, was empty/null, or malformed.")
    values = {str(name): _text(value) for name, value in sent.items() if value is not None}
    shown = values.pop("returnRateLimits", None)
    return Request(
        frame.get("id"),
        frame["method"],
        Params(values),
        sorted_text({**values, **({"returnRateLimits": shown} if shown else {})}),
        None if shown is None else shown != "false",
    )


class Session:
    """One connection to the WebSocket API. Its requests are answered as they are done, in no fixed order."""

    def __init__(self, connection: Connection, desk: Desk, *, show_limits: bool) -> None:
        self._connection = connection
        self._desk = desk
        self._show_limits = show_limits
        self._since_ms = desk.clock.now_ms()
        self._key: str | None = None  # that has logged on
        self._logged_on_ms: int | None = None
        self._running: set[asyncio.Task[None]] = set()

    def hear(self, text: str) -> None:
        """Begin to answer a request."""
        if len(self._running) >= RUNNING_MAX:
            self._say(None, {"id": None, **_failure(Overloaded("too many requests at once"))}, shown=False)
            return
        task = asyncio.create_task(self._answer(text))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def end(self) -> None:
        """Let what was asked be done; nobody hears the answers any more."""
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _answer(self, text: str) -> None:
        request: Request | None = None
        call = Call(Endpoint(lambda _: None, weight=SESSION_WEIGHT), Params({}), self._connection.address)
        try:
            request = read_request(text)
            answer = {"id": request.id, "status": 200, "result": await self._result(request, call)}
        except Exception as error:  # noqa: BLE001 - whatever happens, a client gets the venue's own form of error
            answer = {
                "id": request.id if request else None,
                **_failure(error, method=request.method if request else ""),
            }
        shown = self._show_limits if request is None or request.show_limits is None else request.show_limits
        self._say(call, answer, shown=shown)

    async def _result(self, request: Request, call: Call) -> Any:
        if request.method in ABOUT_ITSELF:
            self._count(call)
            call.params, call.signed = request.params, request.signed
            return self._about_itself(request.method, call)
        route = ENDPOINTS.get(request.method)
        if route is None:
            self._count(call)
            raise ExchangeError(-5000, f"Method {request.method} is invalid")
        call.endpoint = self._desk.routes.find(*route.split(" "))
        call.params, call.signed = request.params, request.signed
        call.key = request.params.text("apiKey") or self._key or ""
        call.trusted = self._key is not None and call.key == self._key and "signature" not in request.params
        if call.endpoint.security is not Security.NONE and not call.key:
            request.params.needed("apiKey")
        return self._shaped(request.method, plain(await self._desk.answer(call)))

    def _count(self, call: Call) -> None:
        call.weight = self._desk.meter.weigh(call.address, SESSION_WEIGHT, self._desk.clock.now_ms())

    def _about_itself(self, method: str, call: Call) -> Json:
        if method == "session.logon":
            self._log_on(call)
        elif method == "session.logout":
            self._key = self._logged_on_ms = None
        return {
            "apiKey": self._key,
            "authorizedSince": self._logged_on_ms,
            "connectedSince": self._since_ms,
            "returnRateLimits": self._show_limits,
            "serverTime": self._desk.clock.now_ms(),
        }

    def _log_on(self, call: Call) -> None:
        key = call.params.needed("apiKey")
        held = self._desk.held(key)
        self._desk.check(call, held)
        kind = kind_of(held.secret)
        if kind is not KeyKind.ED25519:
            raise ExchangeError(-4056, f"{kind.value} API key is not supported.")
        self._key, self._logged_on_ms = key, self._desk.clock.now_ms()

    def _shaped(self, method: str, result: Any) -> Any:
        """Return a result as this protocol shows it, where that differs from REST."""
        if method == "ticker.book":
            rows = result if isinstance(result, list) else [result]
            rows = [{"lastUpdateId": self._desk.board.snapshot_id(row["symbol"]), **row} for row in rows]
            return rows if isinstance(result, list) else rows[0]
        if method == "v2/account.status":
            return {**result, "assets": [{**row, "marginAvailable": True} for row in result["assets"]]}
        hidden = HIDDEN.get(method)
        return {name: value for name, value in result.items() if name != hidden} if hidden else result

    def _say(self, call: Call | None, answer: Answer, *, shown: bool) -> None:
        if shown and call is not None:
            answer["rateLimits"] = self._limits(call)
        self._connection.say(json.dumps(answer, separators=(",", ":")))

    def _limits(self, call: Call) -> list[Json]:
        limits = self._desk.meter.limits
        rows: list[tuple[str, str, int, int, int]] = []
        if call.orders:
            rows.append(("ORDERS", "SECOND", 10, limits.orders_per_ten_seconds, call.orders[0]))
            rows.append(("ORDERS", "MINUTE", 1, limits.orders_per_minute, call.orders[1]))
        if call.weight is not None:
            rows.append(("REQUEST_WEIGHT", "MINUTE", 1, limits.weight_per_minute, call.weight))
        names = ("rateLimitType", "interval", "intervalNum", "limit", "count")
        return [dict(zip(names, row, strict=True)) for row in rows]


def _failure(error: Exception, **what: str) -> Answer:
    status, body = refused(error, **what)
    wait_s = come_back_s(error)
    more = {} if wait_s is None else {"data": {"retryAfter": wait_s * 1_000}}
    return {"status": status, "error": {**body, **more}}


def _text(value: Any) -> str:
    """Write a parameter as the signature covers it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, separators=(",", ":")) if isinstance(value, list | dict) else str(value)
