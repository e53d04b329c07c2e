"""The Venue port on Binance's USDⓈ-M REST dialect, through python-binance."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import aiohttp
from binance.exceptions import BinanceAPIException, BinanceRequestException

from perpmesh.execution.adapters import binance_json as read
from perpmesh.execution.adapters.futures_client import FuturesClient
from perpmesh.execution.application.ports import SignedEntry, VenueRefused, VenueSilent
from perpmesh.execution.domain.budget import Lane, RateBudget
from perpmesh.execution.domain.exchange_clock import Sample
from perpmesh.execution.domain.facts import (
    ONE_WAY,
    AccountFact,
    AlgoReport,
    Fill,
    IncomeRow,
    OrderReport,
    PositionFact,
)
from perpmesh.execution.domain.liquidation import Bracket
from perpmesh.execution.domain.remedies import FAULTS, UNREACHABLE, Fault, Remedy, remedy_of
from perpmesh.execution.domain.words import Side
from perpmesh.kernel.instrument import Instrument
from perpmesh.kernel.money import text
from perpmesh.kernel.time import Clock
from perpmesh.platform.settings import MeshSettings

LEFT_AS_IT_IS = (-4046, -4047, -4048)
NOT_FOUND = (-2013, -2011)
TIMEOUT_SECONDS = {
    Lane.ENTRY: 3.0,
    Lane.QUERY: 3.0,
    Lane.BOOKS: 3.0,
    Lane.CARE: 2.0,
    Lane.EXIT: 1.0,
}  # a stop cannot wait
BAN_MS = 5_000  # when the exchange does not say how long
BAN_LONG_MS = 120_000
MARGIN_TYPE = "CROSSED"
TRANSPORT_FAULTS: tuple[tuple[type[Exception], Fault], ...] = (  # the first that fits
    (aiohttp.ClientConnectorError, Fault.NO_CONNECTION),
    (TimeoutError, Fault.TIMEOUT),
    (BinanceRequestException, Fault.UNREADABLE),
    (aiohttp.ClientError, Fault.CUT_OFF),
    (OSError, Fault.CUT_OFF),
)
FAULTY = tuple(kind for kind, _ in TRANSPORT_FAULTS)


class BinanceVenue:
    """Talks to the exchange. Entries and queries keep out of the exits' reserve; exits always go out."""

    def __init__(self, settings: MeshSettings, clock: Clock, exchange_now_ms: Any) -> None:
        self._clock = clock
        self._exchange_now_ms = exchange_now_ms
        self.budget = RateBudget()
        self.client = FuturesClient(
            key=settings.api_key.get_secret_value(), secret=settings.api_secret.get_secret_value(),
            url=settings.exchange_url.rstrip("/"), stamp=exchange_now_ms, on_headers=self._heard_headers,
        )  # fmt: skip

    async def close(self) -> None:
        await self.client.close_connection()

    def _heard_headers(self, status: int, headers: Any) -> None:
        def count(name: str) -> int | None:
            value = headers.get(name)
            return int(value) if value is not None and value.isdigit() else None

        now = self._exchange_now_ms()
        self.budget.heard(
            now, weight=count("X-MBX-USED-WEIGHT-1M"), minute=count("X-MBX-ORDER-COUNT-1M"),
            ten_seconds=count("X-MBX-ORDER-COUNT-10S"),
        )  # fmt: skip
        if status in (418, 429):
            seconds = count("Retry-After")
            self.budget.banned(now, seconds * 1000 if seconds else BAN_MS if status == 429 else BAN_LONG_MS)  # noqa: PLR2004

    def keep_reserve(self, share: Decimal) -> None:
        """Adopt policy's share of every rate limit that only exits may use."""
        self.budget.reserve = share

    def budget_left(self) -> bool:
        return self.budget.allows(Lane.ENTRY, self._exchange_now_ms(), orders=2)

    def may_care(self) -> bool:
        """Whether the exchange may be asked anything at all now."""
        return self.budget.allows(Lane.CARE, self._exchange_now_ms(), weight=1)

    # Asking.

    async def _ask(
        self, method: str, path: str, *, lane: Lane, weight: int = 0, orders: int = 0, version: int = 1,
        signed: bool = True, **data: Any,
    ) -> Any:  # fmt: skip
        if not self.budget.allows(lane, self._exchange_now_ms(), weight=weight):
            raise VenueRefused(-1003, "the rest of the rate limit is kept for exits", 429)
        asked = self.client._request_futures_api(method, path, signed=signed, version=version, data=data)  # noqa: SLF001
        with self.budget.on_way(weight=weight, orders=orders):
            return await _told(asyncio.wait_for(asked, TIMEOUT_SECONDS[lane]))

    async def _care(self, path: str, weight: int, *, version: int = 1, signed: bool = True, **data: Any) -> Any:
        """Ask something that a position's safety rests on."""
        return await self._ask("get", path, lane=Lane.CARE, weight=weight, version=version, signed=signed, **data)

    async def _books(self, path: str, weight: int, **data: Any) -> Any:
        """Ask what a trade came to: loss limits wait for it."""
        return await self._ask("get", path, lane=Lane.BOOKS, weight=weight, **data)

    async def _query(self, path: str, weight: int, *, version: int = 1, **data: Any) -> Any:
        return await self._ask("get", path, lane=Lane.QUERY, weight=weight, version=version, **data)

    # Entries.

    def sign_entry(
        self, *, symbol: str, side: Side, quantity: Decimal, client_id: str, timestamp_ms: int, window_ms: int
    ) -> SignedEntry:
        body = self.client.sign(
            {
                "symbol": symbol, "side": side.value, "type": "MARKET", "quantity": text(quantity),
                "newClientOrderId": client_id, "newOrderRespType": "RESULT", "timestamp": timestamp_ms,
                "recvWindow": window_ms,
            }
        )  # fmt: skip
        return SignedEntry(client_id, body)

    async def send_entry(self, entry: SignedEntry) -> OrderReport:
        sent = self.client._request_futures_api("post", "order", signed=True, data=dict(entry.body))  # noqa: SLF001
        with self.budget.on_way(orders=1):
            return read.order(await _told(sent))

    # Exits and protection.

    async def reduce(
        self, *, symbol: str, side: Side, quantity: Decimal, client_id: str, position_side: str = ONE_WAY
    ) -> OrderReport:
        only: dict[str, Any] = {"reduceOnly": "true"} if position_side == ONE_WAY else {"positionSide": position_side}
        answer = await self._ask(
            "post", "order", lane=Lane.EXIT, orders=1, symbol=symbol, side=side.value, type="MARKET",
            quantity=text(quantity), newClientOrderId=client_id, newOrderRespType="RESULT", **only,
        )  # fmt: skip
        return read.order(answer)

    async def place_conditional(
        self, *, symbol: str, side: Side, kind: str, trigger: Decimal, client_id: str, quantity: Decimal | None = None
    ) -> AlgoReport:
        size: dict[str, Any] = (
            {"closePosition": "true"} if quantity is None else {"quantity": text(quantity), "reduceOnly": "true"}
        )
        answer = await self._ask(
            "post", "algoOrder", lane=Lane.EXIT, orders=1, algoType="CONDITIONAL", symbol=symbol, side=side.value,
            type=kind, triggerPrice=text(trigger), workingType="MARK_PRICE", clientAlgoId=client_id, **size,
        )  # fmt: skip
        return read.algo(answer)

    async def cancel_order(self, symbol: str, client_id: str) -> None:
        await self._ask("delete", "order", lane=Lane.EXIT, symbol=symbol, origClientOrderId=client_id)

    async def cancel_conditional(self, client_id: str) -> None:
        await self._ask("delete", "algoOrder", lane=Lane.EXIT, clientAlgoId=client_id)

    # Queries.

    async def order(self, symbol: str, *, client_id: str = "", exchange_id: str = "") -> OrderReport | None:
        named: dict[str, Any] = {"orderId": exchange_id} if exchange_id else {"origClientOrderId": client_id}
        answer = await _unless_missing(self._care("order", 1, symbol=symbol, **named))
        return read.order(answer) if answer is not None else None

    async def conditional(self, client_id: str) -> AlgoReport | None:
        answer = await _unless_missing(self._care("algoOrder", 1, clientAlgoId=client_id))
        return read.algo(answer) if answer is not None else None

    async def open_orders(self, symbol: str) -> Sequence[OrderReport]:
        return [read.order(row) for row in await self._care("openOrders", 1, symbol=symbol)]

    async def open_conditionals(self, symbol: str) -> Sequence[AlgoReport]:
        return [read.algo(row) for row in await self._care("openAlgoOrders", 1, symbol=symbol)]

    async def positions(self, symbol: str = "") -> Sequence[PositionFact]:
        named: dict[str, Any] = {"symbol": symbol} if symbol else {}
        rows = [read.position(row) for row in await self._care("positionRisk", 5, version=3, **named)]
        return [row for row in rows if row.signed]

    async def account(self) -> AccountFact:
        return read.account(await self._books("account", 5, version=3))

    async def fills(self, symbol: str, *, order_id: str = "", from_id: int = 0) -> Sequence[Fill]:
        named: dict[str, Any] = {"orderId": order_id} if order_id else {"fromId": from_id} if from_id else {}
        rows = await self._books("userTrades", 5, symbol=symbol, limit=1000, **named)
        return sorted((read.fill(row) for row in rows), key=lambda fill: fill.trade_id)

    async def income(self, symbol: str, start_ms: int) -> Sequence[IncomeRow]:
        found: list[IncomeRow] = []
        while True:
            rows = await self._books("income", 30, symbol=symbol, startTime=start_ms, limit=1000)
            page = [read.income(row) for row in rows]
            known = {(row.kind, row.tran_id) for row in found}
            fresh = [row for row in page if (row.kind, row.tran_id) not in known]
            found += fresh
            if len(page) < 1000 or not fresh:  # noqa: PLR2004 - the limit asked for
                return found
            start_ms = page[-1].time_ms

    async def instruments(self) -> Mapping[str, Instrument]:
        answer = await self._care("exchangeInfo", 1, signed=False)
        read.limits(answer, self.budget.limits)
        return read.instruments(answer)

    async def clock_sample(self) -> Sample:
        before = self._clock.boot_ms()
        answer = await self._care("time", 1, signed=False)
        return Sample(before, int(answer["serverTime"]), self._clock.boot_ms())

    async def account_trouble(self) -> str:
        config = await self._query("accountConfig", 5)
        if config["dualSidePosition"]:
            return "HEDGE_MODE"
        if config["multiAssetsMargin"]:
            return "MULTI_ASSETS_MODE"
        if (await self._query("feeBurn", 30))["feeBurn"]:
            return "BNB_FEE_BURN"
        return ""

    async def prepare_symbol(self, symbol: str, leverage: int) -> int:
        """Set what differs; a margin type that cannot be changed now (orders, a position) stays as it is."""
        [now] = [row for row in await self._query("symbolConfig", 5, symbol=symbol) if row["symbol"] == symbol]
        if int(now["leverage"]) != leverage:
            await self._set("leverage", symbol=symbol, leverage=leverage)
        if now["marginType"] != MARGIN_TYPE:
            await self._set("marginType", symbol=symbol, marginType=MARGIN_TYPE)
        return leverage

    async def brackets(self) -> Mapping[str, Sequence[Bracket]]:
        return read.brackets(await self._query("leverageBracket", 1))

    async def countdown(self, symbol: str, wait_ms: int) -> None:
        await self._ask("post", "countdownCancelAll", lane=Lane.CARE, weight=10, symbol=symbol, countdownTime=wait_ms)

    async def _set(self, path: str, **data: Any) -> None:
        try:
            await self._ask("post", path, lane=Lane.QUERY, weight=1, **data)
        except VenueRefused as refused:
            if refused.code not in LEFT_AS_IT_IS:
                raise


async def _told(asked: Awaitable[Any]) -> Any:
    """Return the answer; say VenueRefused when nothing was done, VenueSilent when that is not known."""
    try:
        return await asked
    except BinanceAPIException as error:
        code = int(error.code) if isinstance(error.code, int) else 0
        if remedy_of(code or -error.status_code, error.status_code) is Remedy.QUERY:
            raise VenueSilent(f"{error.status_code} {code}: {error.message}") from error
        raise VenueRefused(code or -error.status_code, str(error.message), error.status_code) from error
    except FAULTY as error:
        fault = next(fault for kind, fault in TRANSPORT_FAULTS if isinstance(error, kind))
        if FAULTS[fault] is Remedy.RETRY:
            raise VenueRefused(UNREACHABLE, "the exchange cannot be reached", 503) from error
        raise VenueSilent(f"{fault.value}: {type(error).__name__}: {error}") from error


async def _unless_missing(asked: Awaitable[Any]) -> Any:
    try:
        return await asked
    except VenueRefused as refused:
        if refused.code in NOT_FOUND:
            return None
        raise
