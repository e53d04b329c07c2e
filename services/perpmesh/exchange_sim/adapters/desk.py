"""What every request passes, however it came: its weight, who asks, the signature, the time, and its turn."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange_sim.adapters.ask import Ask, Endpoint, Security
from perpmesh.exchange_sim.adapters.board import Board
from perpmesh.exchange_sim.adapters.routes import every_route
from perpmesh.exchange_sim.application.sequencer import Sequencer, Turn
from perpmesh.exchange_sim.application.venue import ApiKey
from perpmesh.exchange_sim.domain.limits import Banned, Limits, Meter
from perpmesh.exchange_sim.domain.params import Params
from perpmesh.exchange_sim.domain.signature import check_signature, check_time, check_time_at_engine, window_of
from perpmesh.kernel.errors import Overloaded
from perpmesh.kernel.time import Clock
from perpmesh.platform import telemetry

log = telemetry.log(__name__)
KEY_FORM = re.compile(r"[A-Za-z0-9_-]{1,128}")
STATUSES = {-5000: 404, -2014: 401, -2015: 401, -1002: 401, -1003: 429, -1015: 429, -1007: 408, -1008: 503, -1000: 500}
THROTTLED = (
    "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again."
)


@dataclass(slots=True)
class Call:
    """One request that came in, and what the limits' counters stand at after it."""

    endpoint: Endpoint
    params: Params
    address: str
    key: str = ""
    signed: str = ""  # the text that its signature must fit
    trusted: bool = False  # its connection has logged on with this key, so it needs no signature
    weight: int | None = None
    orders: tuple[int, int] | None = None  # in (10 s, 1 m)


class Desk:
    """Lets requests in, one table of endpoints for every protocol."""

    def __init__(self, sequencer: Sequencer, board: Board, limits: Limits, clock: Clock) -> None:
        self.meter = Meter(limits)
        self.clock = clock
        self.routes = every_route()
        self._sequencer = sequencer
        self._board = board

    async def answer(self, call: Call) -> Any:
        """Return what the endpoint answers, or raise ExchangeError."""
        endpoint, now_ms = call.endpoint, self.clock.now_ms()
        weight = endpoint.weight_of(call.params)
        call.weight = self.meter.weigh(call.address, weight, now_ms, endpoint.pool)
        if endpoint.security is Security.NONE:
            venue = self._sequencer.venue
            return endpoint.handler(Ask(venue, self._board, call.params, now_ms, self.meter.limits))
        held = self.held(call.key)
        if endpoint.security is Security.SIGNED:
            self.check(call, held)
        if orders := endpoint.orders_of(call.params):
            call.orders = self.meter.count_orders(held.account, orders, now_ms)
        return await self._sequencer.submit(self._job(call, held.account))

    def held(self, key: str) -> ApiKey:
        """Return what is known of a key; raise -2014 when it cannot be one and -2015 when it is nobody's."""
        if not KEY_FORM.fullmatch(key):
            raise ExchangeError(-2014, "API-key format invalid.")
        held = self._sequencer.venue.api_keys.get(key)
        if held is None:
            raise ExchangeError(-2015, "Invalid API-key, IP, or permissions for action.")
        return held

    def check(self, call: Call, held: ApiKey) -> None:
        """Raise unless the request is signed by its key, and in time."""
        stamp = call.params.needed_integer("timestamp")
        signature = "" if call.trusted else call.params.needed("signature")
        window = window_of(call.params.integer("recvWindow"))
        if not call.trusted:
            check_signature(held.secret, call.signed, signature)
        check_time(stamp, window, self.clock.now_ms())

    def _job(self, call: Call, account: str) -> Callable[[Turn], Any]:
        def run(turn: Turn) -> Any:
            params = call.params
            if call.endpoint.security is Security.SIGNED:
                stamp, window = params.needed_integer("timestamp"), window_of(params.integer("recvWindow"))
                check_time_at_engine(stamp, window, turn.wall_ms)
            ask = Ask(turn.venue, self._board, params, turn.wall_ms, self.meter.limits, account, turn)
            return call.endpoint.handler(ask)

        return run


def refused(error: Exception, **what: str) -> tuple[int, dict[str, Any]]:
    """Return the status and the body that tell a client of `error`; what nobody expected is logged."""
    if isinstance(error, ExchangeError):
        status = 418 if isinstance(error, Banned) else STATUSES.get(error.code, 400)
        return status, {"code": error.code, "msg": error.message}
    if isinstance(error, Overloaded):
        return 503, {"code": -1008, "msg": THROTTLED}
    log.error("request failed", exc_info=error, **what)
    return 500, {"code": -1000, "msg": "An unknown error occured while processing the request."}
