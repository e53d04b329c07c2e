"""What every request passes, however it came: its weight, who asks, the signature, the time, and its turn."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange_sim.adapters.ask import Ask, Endpoint, Security
from perpmesh.exchange_sim.adapters.board import Board
from perpmesh.exchange_sim.adapters.request_faults import RequestFaults
from perpmesh.exchange_sim.adapters.routes import every_route
from perpmesh.exchange_sim.application.sequencer import Sequencer, Turn
from perpmesh.exchange_sim.application.venue import ApiKey
from perpmesh.exchange_sim.domain.fault_replies import Struck
from perpmesh.exchange_sim.domain.limits import Banned, Limits, Meter, TooMany
from perpmesh.exchange_sim.domain.params import Params
from perpmesh.exchange_sim.domain.refusals import TEXTS, refusal
from perpmesh.exchange_sim.domain.signature import check_signature, check_time, check_time_at_engine, window_of
from perpmesh.kernel.errors import Overloaded, Unavailable
from perpmesh.kernel.time import Clock
from perpmesh.platform import telemetry

log = telemetry.log(__name__)
KEY_FORM = re.compile(r"[A-Za-z0-9_-]{1,128}")
STATUSES = {-5000: 404, -2014: 401, -2015: 401, -1002: 401, -1003: 429, -1015: 429, -1007: 408, -1008: 503, -1000: 500}


@dataclass(slots=True)
class Call:
    """One request that came in, and what the limits' counters stand at after it."""

    endpoint: Endpoint
    params: Params
    address: str
    key: str = ""
    signed: str = ""  # the text that its signature must fit
    trusted: bool = False  # its connection has logged on with this key, so it needs no signature
    timestamp_ms: int = 0
    window_ms: int = 0  # for which it holds; 0: it is not signed
    weight: int | None = None
    orders: tuple[int, int] | None = None  # in (10 s, 1 m)


class Desk:
    """Lets requests in, one table of endpoints for every protocol."""

    def __init__(self, sequencer: Sequencer, board: Board, limits: Limits, clock: Clock, faults: RequestFaults) -> None:
        self.meter = Meter(limits)
        self.clock = clock
        self.routes = every_route()
        self._sequencer = sequencer
        self.board = board
        self._faults = faults

    async def answer(self, call: Call) -> Any:
        """Return what the endpoint answers, or raise ExchangeError."""
        found = self.begin(call)
        return await found if isinstance(found, asyncio.Future) else found

    def begin(self, call: Call) -> Any:
        """Let a request in and return what the endpoint answers, or its future; or raise ExchangeError."""
        if self._faults.armed:
            return asyncio.ensure_future(self._suffer(call))
        return self._execute(call, self._admit(call))

    async def _suffer(self, call: Call) -> Any:
        """Answer a request as the faults want it answered."""
        occasion = self._faults.occasion(call.endpoint.name, self._owner(call.key), call.params)
        self._faults.refuse(occasion, call.address)
        account = self._admit(call)
        await self._faults.way_in(occasion)
        found = self._execute(call, account)
        answer = await found if isinstance(found, asyncio.Future) else found
        await self._faults.answered(occasion, call.address)
        return answer

    def _admit(self, call: Call) -> str:
        """Let a request in and return whose it is, "" when anybody may ask; raise ExchangeError instead."""
        endpoint, now_ms = call.endpoint, self.clock.now_ms()
        weight = endpoint.weight_of(call.params)
        try:
            self.meter.weigh(call.address, weight, now_ms, endpoint.pool)
        finally:
            call.weight = self.meter.used(call.address, now_ms)
        if endpoint.security is Security.NONE:
            return ""
        held = self.held(call.key)
        if endpoint.security is Security.SIGNED:
            self.check(call, held)
        if endpoint.orders:
            call.orders = self.meter.count_orders(held.account, endpoint.orders, now_ms)
        return held.account

    def _execute(self, call: Call, account: str) -> Any:
        if call.endpoint.security is Security.NONE:
            ask = Ask(self._sequencer.venue, self.board, call.params, self.clock.now_ms(), self.meter.limits)
            return call.endpoint.handler(ask)
        return self._sequencer.queue(self._job(call, account))

    def _owner(self, key: str) -> str:
        held = self._sequencer.venue.api_keys.get(key)
        return held.account if held else ""

    def held(self, key: str) -> ApiKey:
        """Return what is known of a key; raise -2014 when it cannot be one and -2015 when it is nobody's."""
        held = self._sequencer.venue.api_keys.get(key)
        if held is None:
            raise refusal(-2015 if KEY_FORM.fullmatch(key) else -2014)
        return held

    def check(self, call: Call, held: ApiKey) -> None:
        """Raise unless the request is signed by its key, and in time."""
        stamp = call.params.needed_integer("timestamp")
        signature = "" if call.trusted else call.params.needed("signature")
        window = window_of(call.params.integer("recvWindow"))
        if not call.trusted:
            check_signature(held.secret, call.signed, signature)
        check_time(stamp, window, self.clock.now_ms())
        call.timestamp_ms, call.window_ms = stamp, window

    def _job(self, call: Call, account: str) -> Callable[[Turn], Any]:
        def run(turn: Turn) -> Any:
            if call.window_ms:
                check_time_at_engine(call.timestamp_ms, call.window_ms, self.clock.now_ms())
            ask = Ask(turn.venue, self.board, call.params, turn.wall_ms, self.meter.limits, account, turn)
            return call.endpoint.handler(ask)

        return run


def come_back_s(error: BaseException) -> int | None:
    """Return after how many seconds to ask again, None when nothing is known of that."""
    return error.retry_after_s if isinstance(error, TooMany | Struck) else None


def refused(error: BaseException, **what: str) -> tuple[int, dict[str, Any]]:
    """Return the status and the body that tell a client of `error`; what nobody expected is logged."""
    if isinstance(error, ExchangeError):
        status = 418 if isinstance(error, Banned) else STATUSES.get(error.code, 400)
        status = (error.status if isinstance(error, Struck) else 0) or status
        return status, {"code": error.code, "msg": error.message}
    if isinstance(error, Overloaded):
        return 503, {"code": -1008, "msg": TEXTS[-1008]}
    if isinstance(error, Unavailable):
        return 503, {"code": -1001, "msg": TEXTS[-1001]}
    log.error("request failed", exc_info=error, **what)
    return 500, {"code": -1000, "msg": TEXTS[-1000]}
