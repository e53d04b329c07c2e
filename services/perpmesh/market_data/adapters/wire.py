"""Where the exchange's JSON, our words and the contracts meet."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from perpmesh.kernel.money import Fraction, Price, Quantity, text
from perpmesh.market_data.application.ports import Message
from perpmesh.market_data.domain.candle import Candle
from perpmesh.market_data.domain.conditions import Conditions
from perpmesh.market_data.domain.price import BookMoved, MarkMoved, PriceState
from perpmesh_api.market_data.v1 import market_data_events_pb2 as events
from perpmesh_api.market_data.v1 import market_data_service_pb2 as pb

PUBLISHES = (events.PriceUpdated, events.CandleClosed, events.ConditionsUpdated)


def message_of(data: Mapping[str, Any]) -> Message | None:
    """Read one stream message; None for a kind we do not use."""
    match data.get("e"):
        case "bookTicker":
            return BookMoved(
                symbol=data["s"], bid=_price(data["b"]), ask=_price(data["a"]), market_ms=int(data.get("T") or 0)
            )
        case "markPriceUpdate":
            return MarkMoved(
                symbol=data["s"],
                mark=_price(data["p"]),
                index=_price(data["i"]),
                funding_rate=Fraction(Decimal(data["r"] or "0")),
                next_funding_ms=int(data["T"]),
            )
        case "kline":
            return _kline(data["k"])
        case _:
            return None


def _kline(k: Mapping[str, Any]) -> Candle:
    return Candle(
        symbol=k["s"],
        interval=k["i"],
        open_time_ms=int(k["t"]),
        open=_price(k["o"]),
        high=_price(k["h"]),
        low=_price(k["l"]),
        close=_price(k["c"]),
        volume=Quantity(Decimal(k["v"])),
        closed=bool(k["x"]),
    )


def candle_of_row(symbol: str, interval: str, row: Sequence[Any]) -> Candle:
    """Read one row of /fapi/v1/klines as a closed candle."""
    return Candle(
        symbol=symbol,
        interval=interval,
        open_time_ms=int(row[0]),
        open=_price(row[1]),
        high=_price(row[2]),
        low=_price(row[3]),
        close=_price(row[4]),
        volume=Quantity(Decimal(row[5])),
    )


def _price(value: str) -> Price:
    return Price(Decimal(value))


def candle(found: Candle) -> pb.Candle:
    return pb.Candle(
        symbol=found.symbol,
        interval=found.interval,
        open_time_ms=found.open_time_ms,
        close_time_ms=found.close_time_ms,
        open=text(found.open),
        high=text(found.high),
        low=text(found.low),
        close=text(found.close),
        volume=text(found.volume),
        closed=found.closed,
    )


def price(state: PriceState, stale: bool) -> pb.PriceTick:  # noqa: FBT001 - the pair travels together
    return pb.PriceTick(
        symbol=state.symbol,
        last_price=text(state.last),
        bid_price=text(state.bid),
        ask_price=text(state.ask),
        mark_price=text(state.mark),
        index_price=text(state.index),
        funding_rate=text(state.funding_rate),
        next_funding_time_ms=state.next_funding_ms,
        market_time_ms=state.market_ms,
        received_at_ms=state.book_at_ms,
        stale=stale,
    )


def conditions(found: Conditions) -> pb.Conditions:
    return pb.Conditions(
        symbol=found.symbol,
        trend=found.regime.trend.value,
        volatility=found.regime.volatility.value,
        liquidity=found.regime.liquidity.value,
        atr_fraction=found.atr_fraction,
        adx=found.adx,
        spread_fraction=found.spread_fraction,
        market_time_ms=found.market_ms,
    )


def candle_closed(found: Candle) -> events.CandleClosed:
    return events.CandleClosed(symbol=found.symbol, candle=candle(found))


def conditions_updated(found: Conditions) -> events.ConditionsUpdated:
    return events.ConditionsUpdated(symbol=found.symbol, conditions=conditions(found))


def price_updated(state: PriceState, stale: bool) -> events.PriceUpdated:  # noqa: FBT001 - the pair travels together
    return events.PriceUpdated(symbol=state.symbol, price=price(state, stale))
