"""Keeps our resting entries under the exchange's own timer: when execution dies, the exchange cancels them."""

from collections.abc import Sequence

from perpmesh.execution.application.ports import VenueRefused, VenueSilent
from perpmesh.execution.application.tools import Tools
from perpmesh.kernel.ids import CLIENT_ORDER_PREFIX

RENEWALS = 3  # within one countdown: two may be lost
IDLE_SECONDS = 10.0


class Countdown:
    """The timer takes every ordinary order of the symbol and no conditional one, so that our stops outlive it.

    It is started only while an entry of ours rests and no reduce-only order does, whoever placed that.
    """

    def __init__(self, tools: Tools, *, symbols: Sequence[str]) -> None:
        self._venue = tools.venue
        self._ledger = tools.ledger
        self._policies = tools.policies
        self._symbols = symbols
        self._sleep = tools.sleep
        self._diary = tools.diary
        self._running: set[str] = set()

    async def run(self) -> None:
        while True:
            await self.once()
            wait_ms = self._wait_ms()
            await self._sleep(wait_ms / RENEWALS / 1000 if wait_ms else IDLE_SECONDS)

    def _wait_ms(self) -> int:
        return self._policies.integer("execution.entry_countdown_ms")

    async def once(self) -> None:
        """Start, renew or stop the timer of every symbol."""
        for symbol in sorted({*self._symbols, *self._ledger.symbols(), *self._running}):
            try:
                await self._one(symbol)
            except (VenueSilent, VenueRefused) as error:
                self._diary.warning("countdown not renewed", symbol=symbol, error=repr(error))

    async def _one(self, symbol: str) -> None:
        wait_ms = self._wait_ms()
        if not wait_ms and symbol not in self._running:
            return
        resting = await self._venue.open_orders(symbol)
        ours = any(order.client_id.startswith(CLIENT_ORDER_PREFIX) and not order.reduce_only for order in resting)
        if wait_ms and ours and not any(order.reduce_only for order in resting):
            self._running.add(symbol)
            await self._venue.countdown(symbol, wait_ms)
        elif symbol in self._running:
            await self._venue.countdown(symbol, 0)
            self._running.discard(symbol)
