"""Serves the newest price of each symbol, to whoever asks and to whoever watches."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from perpmesh.kernel.errors import NotFound, Unavailable
from perpmesh.kernel.time import Clock
from perpmesh.market_data.application.bell import Bell
from perpmesh.market_data.application.ports import PriceSink, StaleLimit
from perpmesh.market_data.domain.candle import Candle
from perpmesh.market_data.domain.price import BookMoved, MarkMoved, PriceState

WATCH_SECONDS = 0.05
PUBLISH_SECONDS = 0.25


class Prices:
    """The prices of all symbols."""

    def __init__(self, symbols: Sequence[str], clock: Clock, stale_limit: StaleLimit) -> None:
        self._states = {symbol: PriceState(symbol=symbol) for symbol in symbols}
        self._clock = clock
        self._stale_limit = stale_limit
        self._bell = Bell()

    def receive(self, message: BookMoved | MarkMoved | Candle) -> None:
        """Take in one message of the exchange's."""
        state = self._states[message.symbol]
        match message:
            case BookMoved():
                state = state.with_book(message, self._clock.now_ms())
            case MarkMoved():
                state = state.with_mark(message, self._clock.now_ms())
            case Candle():
                state = state.with_last(message.close)
        self._states[message.symbol] = state
        self._bell.ring()

    def spread_fraction(self, symbol: str) -> float:
        return self._states[symbol].spread_fraction

    def check(self, symbols: Sequence[str], *, field: str = "symbol") -> list[str]:
        """Return the symbols, or all for none; raise NotFound (UNKNOWN_SYMBOL) for one we do not follow."""
        for symbol in symbols:
            if symbol not in self._states:
                raise NotFound(f"{symbol} is not followed here", reason="UNKNOWN_SYMBOL", field=field)
        return list(symbols) or list(self._states)

    def get(self, symbol: str) -> tuple[PriceState, bool]:
        """Return the newest price and whether it is stale; raise Unavailable before the first."""
        self.check([symbol])
        state = self._states[symbol]
        if not state.known:
            raise Unavailable(f"no price of {symbol} has come yet")
        return state, self._is_stale(state)

    async def watch(self, symbols: Sequence[str]) -> AsyncIterator[tuple[PriceState, bool]]:
        """Yield each symbol's price now and when it changes or goes stale, the newest, 20 a second at most."""
        wanted = self.check(symbols, field="symbols")
        sent: dict[str, tuple[int, bool]] = {}
        with self._bell.listening() as news:
            while True:
                news.clear()
                for state in [self._states[symbol] for symbol in wanted]:
                    look = (state.version, state.known and self._is_stale(state))
                    if state.known and sent.get(state.symbol) != look:
                        sent[state.symbol] = look
                        yield state, look[1]
                await asyncio.sleep(WATCH_SECONDS)
                await news.wait()

    async def publish(self, sink: PriceSink) -> None:
        """Tell the mesh of prices that changed or went stale, 4 a second at most; run it inside `forever`."""
        told: dict[str, tuple[int, bool]] = {}
        while True:
            for state in list(self._states.values()):
                if not state.known:
                    continue
                look = (state.version, self._is_stale(state))
                before = told.get(state.symbol)
                if before == look:
                    continue
                told[state.symbol] = look
                if before is not None and before[1] != look[1]:
                    self._bell.ring()
                await sink(state, look[1])
            await asyncio.sleep(PUBLISH_SECONDS)

    def _is_stale(self, state: PriceState) -> bool:
        return state.stale(self._clock.now_ms(), self._stale_limit())
