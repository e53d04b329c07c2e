"""Candles: of the contract, of its mark and index price, and of the premium between them. All times are market time."""

from typing import Any, Final

from perpmesh.exchange.symbols import SymbolSpec
from perpmesh.exchange_sim.adapters.ask import Ask, Routes
from perpmesh.exchange_sim.adapters.render import price, quantity
from perpmesh.exchange_sim.adapters.rest_market import quote
from perpmesh.exchange_sim.domain.feed import SymbolFeed
from perpmesh.exchange_sim.domain.klines import INTERVALS, Kline, klines
from perpmesh.exchange_sim.domain.params import Params
from perpmesh.exchange_sim.domain.price_candles import POINTS, PriceCandle, index_candle, premium_candle
from perpmesh.exchange_sim.domain.refusals import refusal

WEIGHTS = ((100, 1), (500, 2), (1_001, 5))  # (under this limit, weight)
CONTRACT_TYPES = frozenset({"PERPETUAL", "CURRENT_QUARTER", "NEXT_QUARTER", "TRADIFI_PERPETUAL"})
Row = list[Any]


def add_candle_routes(routes: Routes) -> None:
    """Enter the candles into the table."""
    for name, handler in HANDLERS.items():
        routes.add(f"GET /fapi/v1/{name}", handler, weight=kline_weight)


def kline_weight(params: Params) -> int:
    limit = params.integer("limit") or 500
    return next((weight for under, weight in WEIGHTS if limit < under), 10)


def candles(ask: Ask) -> list[Row]:
    feed = ask.venue.feeds[ask.symbol()]
    return [kline_row(feed.spec, each) for each in found(ask, feed)]


def continuous_candles(ask: Ask) -> list[Row]:
    """Answer for perpetuals; the dated contracts that may be asked for have no candles here."""
    feed, kind = ask.venue.feeds[ask.pair()], ask.params.needed("contractType").upper()
    if kind not in CONTRACT_TYPES:
        raise refusal(-4104)
    rows = found(ask, feed)
    return [kline_row(feed.spec, each) for each in rows] if kind == "PERPETUAL" else []


def mark_candles(ask: Ask) -> list[Row]:
    """Return the contract's candles: the mark is its price, smoothed over ten seconds."""
    feed = ask.venue.feeds[ask.symbol()]
    return [_row(each, _mark(feed, each)) for each in found(ask, feed)]


def index_candles(ask: Ask) -> list[Row]:
    feed = ask.venue.feeds[ask.pair()]
    return [_row(each, index_of(ask, feed, each)) for each in found(ask, feed)]


def premium_candles(ask: Ask) -> list[Row]:
    feed = ask.venue.feeds[ask.symbol()]
    return [_row(each, _premium(ask, feed, each)) for each in found(ask, feed)]


HANDLERS: Final = {
    "klines": candles,
    "continuousKlines": continuous_candles,
    "markPriceKlines": mark_candles,
    "indexPriceKlines": index_candles,
    "premiumIndexKlines": premium_candles,
}


def found(ask: Ask, feed: SymbolFeed) -> list[Kline]:
    """Return candles by openTime: from startTime on, or else the newest up to endTime."""
    minutes = INTERVALS.get(ask.params.needed("interval"))
    if minutes is None:
        raise refusal(-1120)
    return in_span(ask, feed, minutes, ask.params.limit(500, 1_500))


def in_span(ask: Ask, feed: SymbolFeed, minutes: int, limit: int) -> list[Kline]:
    """Return at most `limit` candles of an interval that open within the span asked for."""
    span, reach = ask.span(), minutes * (limit + 1) * 31 // 30  # a month may be a day longer than its name
    until = span.end // 60_000
    if span.start is not None:
        first = -(-span.start // 60_000)
        reached = max(first, feed.series.first_minute) + reach
        return klines(feed, minutes, first, min(until, reached), ask.venue.second)[:limit]
    newest = min(until, ask.venue.second // 60)
    return klines(feed, minutes, newest - reach, newest, ask.venue.second)[-limit:]


def _mark(feed: SymbolFeed, each: Kline) -> PriceCandle:
    prices = (each.open, each.high, each.low, each.close)
    return PriceCandle(*(float(feed.spec.price(ticks)) for ticks in prices))


def _premium(ask: Ask, feed: SymbolFeed, each: Kline) -> PriceCandle:
    last = min((each.close_ms + 1) // 1_000, ask.venue.second)
    return premium_candle(feed.premium.at, each.open_ms // 1_000, last)


def index_of(ask: Ask, feed: SymbolFeed, each: Kline) -> PriceCandle:
    return index_candle(_mark(feed, each), _premium(ask, feed, each))


def _row(each: Kline, prices: PriceCandle) -> Row:
    """Write a candle without volume; the ninth element counts its basic data."""
    told = [f"{value:.8f}" for value in prices]
    return [each.open_ms, *told, "0", each.close_ms, "0", POINTS, "0", "0", "0"]


def kline_row(spec: SymbolSpec, kline: Kline) -> Row:
    return [
        kline.open_ms,
        price(spec, spec.price(kline.open)),
        price(spec, spec.price(kline.high)),
        price(spec, spec.price(kline.low)),
        price(spec, spec.price(kline.close)),
        quantity(spec, spec.quantity(kline.volume)),
        kline.close_ms,
        quote(spec, kline.quote),
        kline.trades,
        quantity(spec, spec.quantity(kline.taker_buy)),
        quote(spec, kline.taker_quote),
        "0",
    ]
