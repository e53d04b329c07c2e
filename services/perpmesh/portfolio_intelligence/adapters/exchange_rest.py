"""The exchange's account endpoints through python-binance: weights 5 + 5 a second, 30 when the wallet moved."""

from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import aiohttp
from binance import AsyncClient
from binance.exceptions import BinanceAPIException, BinanceRequestException

from perpmesh.kernel.errors import NotFound, Unavailable
from perpmesh.kernel.instrument import Instrument
from perpmesh.kernel.instrument_filters import instrument_of
from perpmesh.kernel.time import MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE, Clock
from perpmesh.platform import telemetry
from perpmesh.platform.settings import MeshSettings
from perpmesh.portfolio_intelligence.domain.account import Account, Holding
from perpmesh.portfolio_intelligence.domain.books import Income

log = telemetry.log(__name__)
TIMEOUT_SECONDS = 5
PAGE = 1_000
INCOME_KEPT_MS = 89 * MS_PER_DAY  # the exchange keeps three months
CLOCK_TRUSTED_MS = MS_PER_MINUTE
FILTERS_TRUSTED_MS = MS_PER_HOUR
TIMESTAMP_OUTSIDE_WINDOW = -1021


class RestExchange:
    """Implements `ports.Exchange`."""

    def __init__(self, client: AsyncClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._synced_at_ms = 0
        self._instruments: dict[str, Instrument] = {}
        self._instruments_at_ms = 0
        self._taker_rates: dict[str, Decimal] = {}

    async def account(self) -> Account:
        """Read balances and, when there are any, positions at mark."""
        totals = await self._signed(self._client.futures_account, version=3)
        open_positions = any(Decimal(row["positionAmt"]) for row in totals["positions"])
        rows = await self._signed(self._client.futures_position_information) if open_positions else []
        return Account(
            wallet_balance=Decimal(totals["totalWalletBalance"]),
            equity=Decimal(totals["totalMarginBalance"]),
            available_balance=Decimal(totals["availableBalance"]),
            unrealized_pnl=Decimal(totals["totalUnrealizedProfit"]),
            holdings=[_holding(row) for row in rows if Decimal(row["positionAmt"])],
            read_at_ms=self._clock.now_ms(),
        )

    async def income(self, since_ms: int | None) -> Sequence[Income]:
        start = self._clock.now_ms() - INCOME_KEPT_MS if since_ms is None else since_ms
        rows: list[Income] = []
        while True:
            found = await self._signed(self._client.futures_income_history, startTime=max(start, 1), limit=PAGE)
            page = [_income(row) for row in found]
            rows += page
            if len(page) < PAGE:
                return rows
            start = max(
                page[-1].time_ms, start + 1
            )  # the page's last millisecond may go on: rows come twice, not never

    async def instrument(self, symbol: str) -> Instrument:
        now = self._clock.now_ms()
        if now - self._instruments_at_ms > FILTERS_TRUSTED_MS:
            info = await _asked(self._client.futures_exchange_info())
            read = [instrument_of(row) for row in info["symbols"]]
            self._instruments = {instrument.symbol: instrument for instrument in read if instrument is not None}
            self._instruments_at_ms = now
        if symbol not in self._instruments:
            raise NotFound(f"the exchange does not trade {symbol}", reason="UNKNOWN_SYMBOL", field="symbol")
        return self._instruments[symbol]

    async def taker_rate(self, symbol: str) -> Decimal:
        if symbol not in self._taker_rates:
            found = await self._signed(self._client.futures_commission_rate, symbol=symbol)
            self._taker_rates[symbol] = Decimal(found["takerCommissionRate"])
        return self._taker_rates[symbol]

    async def _signed(self, method: Callable[..., Coroutine[Any, Any, Any]], **params: Any) -> Any:
        """Ask with a timestamp of the exchange's clock."""
        now = self._clock.now_ms()
        if now - self._synced_at_ms > CLOCK_TRUSTED_MS:
            told = await _asked(self._client.futures_time())
            self._client.timestamp_offset = told["serverTime"] - self._clock.now_ms()
            self._synced_at_ms = now
        try:
            return await _asked(method(**params))
        except _ClockAstray as error:
            self._synced_at_ms = 0
            raise Unavailable("our clock and the exchange's differ") from error


class _ClockAstray(Exception):
    """The exchange refused our timestamp."""


async def _asked(call: Coroutine[Any, Any, Any]) -> Any:
    try:
        return await call
    except BinanceAPIException as error:
        if error.code == TIMESTAMP_OUTSIDE_WINDOW:
            raise _ClockAstray from error
        raise Unavailable(f"the exchange answers {error.status_code}, code {error.code}: {error.message}") from error
    except (TimeoutError, BinanceRequestException, aiohttp.ClientError, OSError) as error:
        raise Unavailable(f"the exchange does not answer: {type(error).__name__}") from error


def _holding(row: Any) -> Holding:
    return Holding(
        symbol=row["symbol"],
        signed_quantity=Decimal(row["positionAmt"]),
        entry_price=Decimal(row["entryPrice"]),
        mark_price=Decimal(row["markPrice"]),
        unrealized_pnl=Decimal(row["unRealizedProfit"]),
    )


def _income(row: Any) -> Income:
    return Income(
        tran_id=int(row["tranId"]),
        type=row["incomeType"],
        symbol=row["symbol"],
        amount=Decimal(row["income"]),
        time_ms=int(row["time"]),
    )


@asynccontextmanager
async def rest_exchange(settings: MeshSettings, clock: Clock) -> AsyncGenerator[RestExchange, None]:
    """Open a session with the exchange of `settings`, and close it."""
    base = f"{settings.exchange_url.rstrip('/')}/fapi"
    kind: Any = type("Client", (AsyncClient,), {"FUTURES_URL": base})
    client = kind(
        settings.api_key.get_secret_value(),
        settings.api_secret.get_secret_value(),
        requests_params={"timeout": TIMEOUT_SECONDS},
    )
    try:
        yield RestExchange(client, clock)
    finally:
        await client.close_connection()
