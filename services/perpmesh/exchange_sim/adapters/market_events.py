"""Messages of the market streams. E is wall time, every other time is market time."""

from perpmesh.exchange.events import PositionLiquidated, SymbolChanged, TradePrinted
from perpmesh.exchange.symbols import SymbolSpec
from perpmesh.exchange.views import DepthView
from perpmesh.exchange.words import Side
from perpmesh.exchange_sim.adapters.ask import Ask
from perpmesh.exchange_sim.adapters.render import NO_DELIVERY_MS, Json, money, price, quantity
from perpmesh.exchange_sim.adapters.rest_market import aggregate_row, best, day_statistics, quote
from perpmesh.exchange_sim.adapters.rest_reference import asset_index
from perpmesh.exchange_sim.domain.feed import SymbolFeed
from perpmesh.exchange_sim.domain.klines import Kline
from perpmesh.exchange_sim.domain.premium import next_funding_second
from perpmesh.exchange_sim.domain.streams import Kind, Stream

USDM = 1  # field `st`


def agg_trade(spec: SymbolSpec, print_: TradePrinted, wall_ms: int) -> Json:
    row = aggregate_row(spec, print_)
    return {"e": "aggTrade", "E": wall_ms, "s": spec.symbol, **row, "st": USDM}


def trade(spec: SymbolSpec, print_: TradePrinted, wall_ms: int) -> Json:
    return {
        "e": "trade",
        "E": wall_ms,
        "T": print_.market_ms,
        "s": spec.symbol,
        "t": print_.trade_id,
        "p": price(spec, print_.price),
        "q": quantity(spec, print_.quantity),
        "X": "MARKET",
        "m": print_.taker_side is Side.SELL,
    }


def kline(spec: SymbolSpec, stream: Stream, candle: Kline, wall_ms: int, *, closed: bool) -> Json:
    body = {
        "t": candle.open_ms,
        "T": candle.close_ms,
        "s": spec.symbol,
        "i": stream.interval,
        "f": candle.open_minute,
        "L": candle.open_minute + candle.trades,
        "o": price(spec, spec.price(candle.open)),
        "c": price(spec, spec.price(candle.close)),
        "h": price(spec, spec.price(candle.high)),
        "l": price(spec, spec.price(candle.low)),
        "v": quantity(spec, spec.quantity(candle.volume)),
        "n": candle.trades,
        "x": closed,
        "q": quote(spec, candle.quote),
        "V": quantity(spec, spec.quantity(candle.taker_buy)),
        "Q": quote(spec, candle.taker_quote),
        "B": "0",
    }
    if stream.kind is Kind.KLINE:
        return {"e": "kline", "E": wall_ms, "s": spec.symbol, "k": body}
    del body["s"]
    return {"e": "continuous_kline", "E": wall_ms, "ps": spec.symbol, "ct": "PERPETUAL", "k": body}


def mark_price(ask: Ask, feed: SymbolFeed) -> Json:
    market = ask.venue.engine.market(feed.spec.symbol)
    return {
        "e": "markPriceUpdate",
        "E": ask.wall_ms,
        "s": feed.spec.symbol,
        "p": money(market.mark),
        "ap": money(market.mark),
        "P": money(market.index),
        "i": money(market.index),
        "r": money(market.funding_rate),
        "T": next_funding_second(ask.venue.second) * 1_000,
        "st": USDM,
    }


def book_ticker(spec: SymbolSpec, book: DepthView, update_id: int, market_ms: int, wall_ms: int) -> Json:
    (bid, bid_size), (ask, ask_size) = best(book.bids), best(book.asks)
    return {
        "e": "bookTicker",
        "u": update_id,
        "s": spec.symbol,
        "ps": spec.symbol,
        "b": price(spec, bid),
        "B": quantity(spec, bid_size),
        "a": price(spec, ask),
        "A": quantity(spec, ask_size),
        "T": market_ms,
        "E": wall_ms,
        "st": USDM,
    }


def depth_update(
    spec: SymbolSpec,
    ids: tuple[int, int, int],
    bids: Json | list[list[str]],
    asks: Json | list[list[str]],
    at: tuple[int, int],
) -> Json:
    """Return a diff, or with whole levels a partial book; `ids` are U, u and pu, `at` market and wall time."""
    first, last, before = ids
    return {
        "e": "depthUpdate",
        "E": at[1],
        "T": at[0],
        "s": spec.symbol,
        "ps": spec.symbol,
        "U": first,
        "u": last,
        "pu": before,
        "b": bids,
        "a": asks,
        "st": USDM,
    }


def ticker(ask: Ask, feed: SymbolFeed) -> Json:
    day = day_statistics(ask, feed)
    return {
        "e": "24hrTicker",
        "E": ask.wall_ms,
        "s": day["symbol"],
        "ps": day["symbol"],
        "p": day["priceChange"],
        "P": day["priceChangePercent"],
        "w": day["weightedAvgPrice"],
        "c": day["lastPrice"],
        "Q": day["lastQty"],
        "o": day["openPrice"],
        "h": day["highPrice"],
        "l": day["lowPrice"],
        "v": day["volume"],
        "q": day["quoteVolume"],
        "O": day["openTime"],
        "C": day["closeTime"],
        "F": day["firstId"],
        "L": day["lastId"],
        "n": day["count"],
        "st": USDM,
    }


def mini_ticker(ask: Ask, feed: SymbolFeed) -> Json:
    whole = ticker(ask, feed)
    return {
        "e": "24hrMiniTicker",
        **{name: whole[name] for name in ("E", "s", "ps", "c", "o", "h", "l", "v", "q", "st")},
    }


def force_order(spec: SymbolSpec, event: PositionLiquidated, wall_ms: int) -> Json:
    order = event.order
    return {
        "e": "forceOrder",
        "E": wall_ms,
        "o": {
            "s": order.symbol,
            "S": order.side,
            "o": "LIMIT",
            "f": "IOC",
            "q": quantity(spec, order.quantity),
            "p": price(spec, order.price),
            "ap": price(spec, order.avg_price),
            "X": order.status,
            "l": quantity(spec, order.executed),
            "z": quantity(spec, order.executed),
            "T": event.market_ms,
        },
        "ps": order.symbol,
        "st": USDM,
    }


def contract_info(spec: SymbolSpec, event: SymbolChanged, wall_ms: int) -> Json:
    """Say that a symbol has another status or other filters; brackets do not change here, so none are shown."""
    return {
        "e": "contractInfo",
        "E": wall_ms,
        "s": event.symbol,
        "ct": "PERPETUAL",
        "dt": NO_DELIVERY_MS,
        "ot": spec.onboard_ms,
        "cs": event.status,
        "st": USDM,
    }


ASSET_NAMES = {
    "s": "symbol",
    "i": "index",
    "b": "bidBuffer",
    "a": "askBuffer",
    "B": "bidRate",
    "A": "askRate",
    "q": "autoExchangeBidBuffer",
    "g": "autoExchangeAskBuffer",
    "Q": "autoExchangeBidRate",
    "G": "autoExchangeAskRate",
}


def asset_indices(ask: Ask) -> list[Json]:
    """Return what every asset is worth."""
    rows = asset_index(ask)
    return [
        {"e": "assetIndexUpdate", "E": ask.wall_ms, **{short: row[name] for short, name in ASSET_NAMES.items()}}
        for row in rows
    ]
