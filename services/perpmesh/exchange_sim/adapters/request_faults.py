"""Where faults strike a request: at the door, on its way to the engine, and on the way back."""

import asyncio

from perpmesh.exchange_sim.domain.fault_plan import FaultPlan, reduces
from perpmesh.exchange_sim.domain.fault_replies import reply
from perpmesh.exchange_sim.domain.faults import LateAnswer, Occasion, Point
from perpmesh.exchange_sim.domain.params import Params
from perpmesh.kernel.time import Clock


class RequestFaults:
    """Asked only while there are faults."""

    def __init__(self, plan: FaultPlan, clock: Clock) -> None:
        self._plan = plan
        self._clock = clock

    @property
    def armed(self) -> bool:
        return self._plan.armed

    def occasion(self, endpoint: str, account: str, params: Params) -> Occasion:
        """Return what a request is to the faults."""
        symbol = (params.text("symbol") or "").upper()
        return Occasion(account=account, symbol=symbol, endpoint=endpoint, reduces=reduces(params.text))

    def refuse(self, occasion: Occasion, address: str) -> None:
        """Raise Struck when a fault answers instead of the exchange."""
        self._raise(Point.REFUSE, occasion, address)

    async def way_in(self, occasion: Occasion) -> None:
        """Be as late at the engine as the faults want."""
        delay_ms = self._plan.latency_ms(occasion, self._clock.now_ms())
        if delay_ms:
            await asyncio.sleep(delay_ms / 1_000)

    async def answered(self, occasion: Occasion, address: str) -> None:
        """Raise Struck when another answer takes the place of the true one; then be late with it."""
        for late in self._plan.every(LateAnswer, occasion, self._clock.now_ms()):
            await asyncio.sleep(late.delay_ms / 1_000)
        self._raise(Point.ANSWER, occasion, address)

    def _raise(self, point: Point, occasion: Occasion, address: str) -> None:
        now_ms = self._clock.now_ms()
        kind = self._plan.first(point, occasion, now_ms)
        if kind is not None:
            raise reply(kind, address, now_ms)


class SkewedClock:
    """The clock by which the door judges timestamps and tells the time: off by what a fault says."""

    def __init__(self, clock: Clock, plan: FaultPlan) -> None:
        self._clock = clock
        self._plan = plan

    def now_ms(self) -> int:
        now_ms = self._clock.now_ms()
        return now_ms + self._plan.clock_offset_ms(now_ms) if self._plan.armed else now_ms

    def boot_ms(self) -> int:
        return self._clock.boot_ms()
