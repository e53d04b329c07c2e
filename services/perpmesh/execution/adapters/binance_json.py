"""Binance's JSON as facts of ours. Unknown words become the most careful of ours."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from perpmesh.execution.domain.budget import Limits
from perpmesh.execution.domain.facts import AccountFact, AlgoReport, Fill, IncomeRow, OrderReport, PositionFact
from perpmesh.execution.domain.liquidation import Bracket
from perpmesh.execution.domain.words import OrderStatus, Side
from perpmesh.kernel.instrument import Instrument
from perpmesh.kernel.instrument_filters import instrument_of
from perpmesh.kernel.money import ZERO

STATUSES = {
    "NEW": OrderStatus.WORKING,
    "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
    "REJECTED": OrderStatus.CANCELED,
}


def number(value: Any) -> Decimal:
    return Decimal(str(value)) if value not in (None, "", "--") else ZERO


def order(row: Mapping[str, Any]) -> OrderReport:
    """Read an order; acknowledgements carry no average price."""
    return OrderReport(
        client_id=row["clientOrderId"],
        exchange_id=str(row["orderId"]),
        symbol=row["symbol"],
        side=Side(row["side"]),
        status=STATUSES.get(row["status"], OrderStatus.WORKING),
        executed=number(row.get("executedQty")),
        average=number(row.get("avgPrice")),
        reduce_only=bool(row.get("reduceOnly") or row.get("closePosition")),
        time_ms=int(row.get("time") or row.get("updateTime") or 0),
    )


def algo(row: Mapping[str, Any]) -> AlgoReport:
    return AlgoReport(
        client_id=row["clientAlgoId"],
        exchange_id=str(row["algoId"]),
        symbol=row["symbol"],
        side=Side(row["side"]),
        type=row["orderType"],
        status=row["algoStatus"],
        trigger_price=number(row.get("triggerPrice")),
        quantity=number(row.get("quantity")),
        close_position=bool(row.get("closePosition")),
        reduce_only=bool(row.get("reduceOnly")),
        actual_order_id=str(row.get("actualOrderId") or ""),
        actual_quantity=number(row.get("actualQty")),
        actual_price=number(row.get("actualPrice")),
    )


def position(row: Mapping[str, Any]) -> PositionFact:
    return PositionFact(
        symbol=row["symbol"],
        signed=number(row["positionAmt"]),
        position_side=row["positionSide"],
        entry=number(row["entryPrice"]),
        mark=number(row["markPrice"]),
        unrealized=number(row["unRealizedProfit"]),
        liquidation=number(row["liquidationPrice"]),
        notional=number(row["notional"]),
    )


def account(row: Mapping[str, Any]) -> AccountFact:
    return AccountFact(
        wallet=number(row["totalWalletBalance"]),
        equity=number(row["totalMarginBalance"]),
        available=number(row["availableBalance"]),
        positions=tuple(_reported(held) for held in row["positions"] if number(held["positionAmt"])),
    )


def _reported(row: Mapping[str, Any]) -> PositionFact:
    """Read a position of the account report; its notional is signed as the position is."""
    signed, notional = number(row["positionAmt"]), abs(number(row["notional"]))
    return PositionFact(symbol=row["symbol"], signed=signed, notional=notional if signed > 0 else -notional)


def fill(row: Mapping[str, Any]) -> Fill:
    return Fill(
        trade_id=int(row["id"]),
        order_id=str(row["orderId"]),
        side=Side(row["side"]),
        price=number(row["price"]),
        quantity=number(row["qty"]),
        realized=number(row["realizedPnl"]),
        commission=number(row["commission"]),
        time_ms=int(row["time"]),
    )


def income(row: Mapping[str, Any]) -> IncomeRow:
    trade_id = str(row.get("tradeId") or "")
    return IncomeRow(
        kind=row["incomeType"],
        amount=number(row["income"]),
        time_ms=int(row["time"]),
        trade_id=int(trade_id) if trade_id.isdigit() else 0,
        tran_id=int(row.get("tranId") or 0),
    )


def instruments(info: Mapping[str, Any]) -> dict[str, Instrument]:
    """Read the tradable perpetuals with all their filters; one that lacks a filter is left out."""
    read = [instrument_of(symbol) for symbol in info["symbols"] if symbol.get("status") == "TRADING"]
    return {instrument.symbol: instrument for instrument in read if instrument is not None}


def brackets(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Bracket, ...]]:
    """Read the maintenance margin tiers, lowest first. A user's `notionalCoef` only widens them: it is ignored."""
    return {row["symbol"]: tuple(sorted(map(_tier, row["brackets"]), key=lambda tier: tier.cap)) for row in rows}


def _tier(row: Mapping[str, Any]) -> Bracket:
    return Bracket(number(row["notionalCap"]), number(row["maintMarginRatio"]), number(row["cum"]))


def limits(info: Mapping[str, Any], into: Limits) -> None:
    """Learn the rate limits that the exchange states."""
    for row in info.get("rateLimits", ()):
        kind, interval, count = row["rateLimitType"], (row["interval"], row["intervalNum"]), int(row["limit"])
        if kind == "REQUEST_WEIGHT" and interval == ("MINUTE", 1):
            into.weight_per_minute = count
        elif kind == "ORDERS" and interval == ("MINUTE", 1):
            into.orders_per_minute = count
        elif kind == "ORDERS" and interval == ("SECOND", 10):
            into.orders_per_ten_seconds = count
