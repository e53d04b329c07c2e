"""The REST half of the server: checks who asks, counts, lets the request take its turn, and writes the answer."""

import json
import re
from typing import Any

from aiohttp import web

from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange_sim.adapters.ask import Ask, Endpoint, Routes, Security
from perpmesh.exchange_sim.adapters.board import Board
from perpmesh.exchange_sim.adapters.rest_account import add_account_routes
from perpmesh.exchange_sim.adapters.rest_market import add_market_routes
from perpmesh.exchange_sim.adapters.rest_trade import add_trade_routes
from perpmesh.exchange_sim.application.sequencer import Sequencer, Turn
from perpmesh.exchange_sim.domain.limits import Limits, Meter, TooMany
from perpmesh.exchange_sim.domain.params import Params, missing, parse_parameters
from perpmesh.exchange_sim.domain.signature import (
    check_signature,
    check_time,
    check_time_at_engine,
    signed_text,
    window_of,
)
from perpmesh.kernel.errors import Overloaded
from perpmesh.kernel.time import Clock
from perpmesh.platform import telemetry

log = telemetry.log(__name__)
KEY_FORM = re.compile(r"[A-Za-z0-9_-]{1,128}")
STATUSES = {-5000: 404, -2014: 401, -2015: 401, -1002: 401, -1003: 429, -1015: 429, -1007: 408, -1008: 503, -1000: 500}
THROTTLED = (
    "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again."
)


class Door:
    """Answers every REST request."""

    def __init__(self, sequencer: Sequencer, board: Board, limits: Limits, clock: Clock) -> None:
        self._sequencer = sequencer
        self._board = board
        self._meter = Meter(limits)
        self._clock = clock
        self._routes = Routes()
        for add in (add_market_routes, add_trade_routes, add_account_routes):
            add(self._routes)

    async def handle(self, request: web.BaseRequest) -> web.Response:
        headers: dict[str, str] = {}
        try:
            answer = await self._answer(request, headers)
            return _json(answer, 200, headers)
        except ExchangeError as error:
            if isinstance(error, TooMany):
                headers["Retry-After"] = str(error.retry_after_s)
            body = {"code": error.code, "msg": error.message}
            return _json(body, STATUSES.get(error.code, 400), headers)
        except web.HTTPRequestEntityTooLarge:
            return _json({"code": -1013, "msg": "INVALID_MESSAGE"}, 413, headers)
        except Overloaded:
            return _json({"code": -1008, "msg": THROTTLED}, 503, headers)
        except Exception:
            log.exception("request failed", path=request.path, method=request.method)
            body = {"code": -1000, "msg": "An unknown error occured while processing the request."}
            return _json(body, 500, headers)

    async def _answer(self, request: web.BaseRequest, headers: dict[str, str]) -> Any:
        query, body = request.raw_path.partition("?")[2], await _body(request)
        endpoint = self._routes.find(request.method, request.path)
        params = parse_parameters(query, body)
        used = self._meter.weigh(request.remote or "", endpoint.weight_of(params), self._clock.now_ms())
        headers["X-MBX-USED-WEIGHT-1M"] = str(used)
        if endpoint.security is Security.NONE:
            venue = self._sequencer.venue
            return endpoint.handler(Ask(venue, self._board, params, self._clock.now_ms(), self._meter.limits))
        account = self._account(request)
        if endpoint.security is Security.SIGNED:
            self._check_signed(self._secret(request), query, body, params)
        self._count(endpoint, account, params, headers)
        return await self._sequencer.submit(self._job(endpoint, account, params))

    def _job(self, endpoint: Endpoint, account: str, params: Params) -> Any:
        def run(turn: Turn) -> Any:
            if endpoint.security is Security.SIGNED:
                stamp, window = params.needed_integer("timestamp"), window_of(params.integer("recvWindow"))
                check_time_at_engine(stamp, window, turn.wall_ms)
            ask = Ask(turn.venue, self._board, params, turn.wall_ms, self._meter.limits, account, turn)
            return endpoint.handler(ask)

        return run

    def _count(self, endpoint: Endpoint, account: str, params: Params, headers: dict[str, str]) -> None:
        orders = endpoint.orders_of(params)
        if orders:
            short, long = self._meter.count_orders(account, orders, self._clock.now_ms())
            headers |= {"X-MBX-ORDER-COUNT-10S": str(short), "X-MBX-ORDER-COUNT-1M": str(long)}

    def _account(self, request: web.BaseRequest) -> str:
        key = request.headers.get("X-MBX-APIKEY", "")
        if not KEY_FORM.fullmatch(key):
            raise ExchangeError(-2014, "API-key format invalid.")
        held = self._sequencer.venue.api_keys.get(key)
        if held is None:
            raise ExchangeError(-2015, "Invalid API-key, IP, or permissions for action.")
        return held.account

    def _secret(self, request: web.BaseRequest) -> str:
        return self._sequencer.venue.api_keys[request.headers["X-MBX-APIKEY"]].secret

    def _check_signed(self, secret: str, query: str, body: str, params: Params) -> None:
        stamp = params.needed_integer("timestamp")
        signature = params.text("signature")
        if signature is None:
            raise missing("signature")
        window = window_of(params.integer("recvWindow"))
        check_signature(secret, signed_text(query, body), signature)
        check_time(stamp, window, self._clock.now_ms())


async def _body(request: web.BaseRequest) -> str:
    return (await request.read()).decode("utf-8", "replace") if request.can_read_body else ""


def _json(answer: Any, status: int, headers: dict[str, str]) -> web.Response:
    text = json.dumps(answer, separators=(",", ":"))
    return web.Response(text=text, status=status, content_type="application/json", headers=headers)
