"""The public endpoints: rules, candles, book, tape, prices. Times are market time, but for serverTime and E."""

from decimal import Decimal
from typing import Any

from perpmesh.exchange.events import TradePrinted
from perpmesh.exchange.symbols import SymbolSpec
from perpmesh.exchange.words import Side
from perpmesh.exchange_sim.adapters.ask import Ask, Routes, Security, with_symbol
from perpmesh.exchange_sim.adapters.render import Json, money, price, quantity, symbol_info
from perpmesh.exchange_sim.domain.feed import SymbolFeed
from perpmesh.exchange_sim.domain.klines import klines
from perpmesh.exchange_sim.domain.limits import FUNDING
from perpmesh.exchange_sim.domain.params import Params
from perpmesh.exchange_sim.domain.premium import CAP, FUNDING_SECONDS, next_funding_second
from perpmesh.exchange_sim.domain.refusals import refusal
from perpmesh.exchange_sim.domain.span import hours

DEPTH_WEIGHTS = {5: 2, 10: 2, 20: 2, 50: 2, 100: 5, 500: 10, 1_000: 20}
DAY_MINUTES = 1_440


def add_market_routes(routes: Routes) -> None:
    """Enter the public endpoints into the table."""
    for path in ("/fapi/v1/ping", "/api/v3/ping"):
        routes.add(f"GET {path}", lambda _: {})
    for path in ("/fapi/v1/time", "/api/v3/time"):
        routes.add(f"GET {path}", lambda ask: {"serverTime": ask.wall_ms})
    routes.add("GET /fapi/v1/exchangeInfo", exchange_info)
    routes.add("GET /fapi/v1/premiumIndex", premium_index, weight=with_symbol(1, 10))
    routes.add("GET /fapi/v1/fundingRate", funding_rate, pool=FUNDING)
    routes.add("GET /fapi/v1/fundingInfo", funding_info, pool=FUNDING)
    for path in ("depth", "rpiDepth"):
        routes.add(f"GET /fapi/v1/{path}", depth, weight=_depth_weight)
    routes.add("GET /fapi/v1/trades", trades, weight=5)
    routes.add("GET /fapi/v1/historicalTrades", historical_trades, Security.KEY, weight=200)
    routes.add("GET /fapi/v1/aggTrades", aggregate_trades, weight=20)
    for version in ("v1", "v2"):
        routes.add(f"GET /fapi/{version}/ticker/price", ticker_price, weight=with_symbol(1, 2))
    routes.add("GET /fapi/v1/ticker/bookTicker", book_ticker, weight=with_symbol(2, 5))
    routes.add("GET /fapi/v1/ticker/24hr", ticker_day, weight=with_symbol(1, 40))


def exchange_info(ask: Ask) -> Json:
    limits = ask.limits
    return {
        "exchangeFilters": [],
        "rateLimits": [
            _rate_limit("REQUEST_WEIGHT", "MINUTE", 1, limits.weight_per_minute),
            _rate_limit("ORDERS", "MINUTE", 1, limits.orders_per_minute),
            _rate_limit("ORDERS", "SECOND", 10, limits.orders_per_ten_seconds),
        ],
        "serverTime": ask.wall_ms,
        "futuresType": "U_MARGINED",
        "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"}],
        "symbols": [symbol_info(spec) for spec in ask.venue.engine.specs.values()],
        "timezone": "UTC",
    }


def quote(spec: SymbolSpec, ticks_times_lots: int) -> str:
    return f"{ticks_times_lots * spec.tick * spec.step:.5f}"


def premium_index(ask: Ask) -> Any:
    return ask.one_or_all(lambda feed: mark_of(ask, feed))


def mark_of(ask: Ask, feed: SymbolFeed) -> Json:
    market = ask.venue.engine.market(feed.spec.symbol)
    return {
        "symbol": feed.spec.symbol,
        "markPrice": money(market.mark),
        "indexPrice": money(market.index),
        "estimatedSettlePrice": money(market.index),
        "lastFundingRate": money(market.funding_rate),
        "interestRate": "0.00010000",
        "nextFundingTime": next_funding_second(ask.venue.second) * 1_000,
        "time": ask.venue.market_ms,
    }


def funding_rate(ask: Ask) -> list[Json]:
    """Return past settlements, oldest first."""
    span, limit = ask.span(), ask.params.limit(100, 1_000)
    rows = [
        _funding_row(feed, second)
        for feed in ask.feeds()
        for second in _settlements(feed, span.start or 0, min(span.end, ask.venue.market_ms))
    ]
    return span.first(sorted(rows, key=lambda row: row["fundingTime"]), limit)


def _settlements(feed: SymbolFeed, start_ms: int, end_ms: int) -> range:
    earliest = max(-(-start_ms // 1_000), (feed.series.first_minute + 1) * 60)
    return range(next_funding_second(earliest - 1), end_ms // 1_000 + 1, FUNDING_SECONDS)


def _funding_row(feed: SymbolFeed, second: int) -> Json:
    return {
        "symbol": feed.spec.symbol,
        "fundingRate": money(feed.premium.funding_rate(second)),
        "fundingTime": second * 1_000,
        "markPrice": money(feed.mark(second).mark),
        "rateType": "Regular",
    }


def funding_info(ask: Ask) -> list[Json]:
    return [
        {
            "symbol": symbol,
            "adjustedFundingRateCap": f"{CAP:.8f}",
            "adjustedFundingRateFloor": f"{-CAP:.8f}",
            "fundingIntervalHours": 8,
            "disclaimer": False,
        }
        for symbol in ask.venue.feeds
    ]


def depth(ask: Ask) -> Json:
    symbol, limit = ask.symbol(), ask.params.integer("limit")
    limit = 500 if limit is None else limit
    if limit not in DEPTH_WEIGHTS:
        raise refusal(-4021, limit)
    number, book = ask.board.snapshot(symbol, limit)
    return {
        "lastUpdateId": number,
        "E": ask.wall_ms,
        "T": ask.venue.market_ms,
        "bids": levels(ask.spec(symbol), book.bids),
        "asks": levels(ask.spec(symbol), book.asks),
    }


def _depth_weight(params: Params) -> int:
    return DEPTH_WEIGHTS.get(params.integer("limit") or 500, 20)


def levels(spec: SymbolSpec, side: tuple[tuple[Decimal, Decimal], ...]) -> list[list[str]]:
    return [[price(spec, at), quantity(spec, size)] for at, size in side]


def trades(ask: Ask) -> list[Json]:
    symbol = ask.symbol()
    spec, tape = ask.spec(symbol), list(ask.venue.tapes.get(symbol, ()))
    return [_trade_row(spec, each) for each in tape[-ask.params.limit(500, 1_000) :]]


def historical_trades(ask: Ask) -> list[Json]:
    """Return what the tape still holds, from an id on, or the newest."""
    symbol, from_id, limit = ask.symbol(), ask.params.integer("fromId"), ask.params.limit(100, 500)
    spec, tape = ask.spec(symbol), list(ask.venue.tapes.get(symbol, ()))
    if from_id is None:
        return [_trade_row(spec, each) for each in tape[-limit:]]
    return [_trade_row(spec, each) for each in tape if each.trade_id >= from_id][:limit]


def _trade_row(spec: SymbolSpec, each: TradePrinted) -> Json:
    return {
        "id": each.trade_id,
        "price": price(spec, each.price),
        "qty": quantity(spec, each.quantity),
        "quoteQty": f"{each.price * each.quantity:.5f}",
        "time": each.market_ms,
        "isBuyerMaker": each.taker_side is Side.SELL,
        "isRPITrade": False,
    }


def aggregate_trades(ask: Ask) -> list[Json]:
    symbol, span, limit = ask.symbol(), ask.span(hours(1)), ask.params.limit(500, 1_000)
    spec, tape = ask.spec(symbol), list(ask.venue.tapes.get(symbol, ()))
    if (from_id := ask.params.integer("fromId")) is not None:
        return [aggregate_row(spec, each) for each in tape if each.trade_id >= from_id][:limit]
    return [aggregate_row(spec, each) for each in span.first([e for e in tape if e.market_ms in span], limit)]


def aggregate_row(spec: SymbolSpec, each: TradePrinted) -> Json:
    return {
        "a": each.trade_id,
        "p": price(spec, each.price),
        "q": quantity(spec, each.quantity),
        "nq": quantity(spec, each.quantity),
        "f": each.trade_id,
        "l": each.trade_id,
        "T": each.market_ms,
        "m": each.taker_side is Side.SELL,
    }


def ticker_price(ask: Ask) -> Any:
    def row(feed: SymbolFeed) -> Json:
        last = ask.venue.engine.market(feed.spec.symbol).last
        return {"symbol": feed.spec.symbol, "price": price(feed.spec, last), "time": ask.venue.market_ms}

    return ask.one_or_all(row)


def book_ticker(ask: Ask) -> Any:
    def row(feed: SymbolFeed) -> Json:
        spec, book = feed.spec, ask.board.depth(feed.spec.symbol, 5)
        (bid, bid_size), (ask_, ask_size) = best(book.bids), best(book.asks)
        return {
            "symbol": spec.symbol,
            "bidPrice": price(spec, bid),
            "bidQty": quantity(spec, bid_size),
            "askPrice": price(spec, ask_),
            "askQty": quantity(spec, ask_size),
            "time": ask.venue.market_ms,
        }

    return ask.one_or_all(row)


def best(side: tuple[tuple[Decimal, Decimal], ...]) -> tuple[Decimal, Decimal]:
    return side[0] if side else (Decimal(0), Decimal(0))


def ticker_day(ask: Ask) -> Any:
    return ask.one_or_all(lambda feed: day_statistics(ask, feed))


def day_statistics(ask: Ask, feed: SymbolFeed) -> Json:
    """Return the rolling 24 hours, to the minute."""
    spec, now = feed.spec, ask.venue.second // 60
    minutes = klines(feed, 1, now - DAY_MINUTES + 1, now, ask.venue.second)
    volume, worth = sum(each.volume for each in minutes), sum(each.quote for each in minutes)
    first, last = minutes[0], minutes[-1]
    tape = ask.venue.tapes.get(spec.symbol)
    change = spec.price(last.close - first.open)
    return {
        "symbol": spec.symbol,
        "priceChange": price(spec, change),
        "priceChangePercent": f"{change / spec.price(first.open) * 100:.3f}",
        "weightedAvgPrice": price(spec, spec.price(worth) / volume if volume else spec.price(last.close)),
        "lastPrice": price(spec, spec.price(last.close)),
        "lastQty": quantity(spec, tape[-1].quantity if tape else Decimal(0)),
        "openPrice": price(spec, spec.price(first.open)),
        "highPrice": price(spec, spec.price(max(each.high for each in minutes))),
        "lowPrice": price(spec, spec.price(min(each.low for each in minutes))),
        "volume": quantity(spec, spec.quantity(volume)),
        "quoteVolume": quote(spec, worth),
        "openTime": first.open_ms,
        "closeTime": ask.venue.market_ms,
        "firstId": tape[0].trade_id if tape else 0,
        "lastId": tape[-1].trade_id if tape else 0,
        "count": sum(each.trades for each in minutes),
    }


def _rate_limit(kind: str, interval: str, number: int, limit: int) -> Json:
    return {"interval": interval, "intervalNum": number, "limit": limit, "rateLimitType": kind}
