"""The exchange's filters of the symbols we decide on, from its exchangeInfo."""

import asyncio
from collections.abc import Mapping, Sequence

import aiohttp

from perpmesh.kernel.errors import NotFound, Unavailable
from perpmesh.kernel.instrument import Instrument
from perpmesh.kernel.instrument_filters import instrument_of
from perpmesh.platform import telemetry

log = telemetry.log(__name__)
REFRESH_SECONDS = 3_600.0
TIMEOUT = aiohttp.ClientTimeout(total=10)


class ExchangeInfo:
    """See ports.Instruments. `refresh_forever` fills it."""

    def __init__(self, exchange_url: str, symbols: Sequence[str]) -> None:
        self._url = f"{exchange_url.rstrip('/')}/fapi/v1/exchangeInfo"
        self.symbols = tuple(symbols)
        self._known: Mapping[str, Instrument] = {}
        self._loaded = asyncio.Event()

    def get(self, symbol: str) -> Instrument:
        if symbol in self._known:
            return self._known[symbol]
        if symbol in self.symbols and not self._known:
            raise Unavailable("the exchange has not told its filters yet")
        raise NotFound(f"{symbol} is not a symbol of this mesh", reason="UNKNOWN_SYMBOL", field="symbol")

    async def loaded(self) -> None:
        """Return once the filters are known."""
        await self._loaded.wait()

    async def refresh_forever(self) -> None:
        """Ask now and every hour; run it inside `forever`."""
        while True:
            await self._refresh()
            await asyncio.sleep(REFRESH_SECONDS)

    async def _refresh(self) -> None:
        async with aiohttp.ClientSession(timeout=TIMEOUT) as session, session.get(self._url) as answer:
            answer.raise_for_status()
            told = await answer.json()
        read = [instrument_of(each) for each in told["symbols"] if each["symbol"] in self.symbols]
        self._known = {instrument.symbol: instrument for instrument in read if instrument is not None}
        self._loaded.set()
        log.info("filters known", symbols=sorted(self._known))
