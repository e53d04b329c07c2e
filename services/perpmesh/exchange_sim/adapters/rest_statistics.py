"""/futures/data: open interest, long and short, taker volumes and basis over time, derived from the replayed market."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, TypeAlias

from perpmesh.exchange_sim.adapters.ask import Ask, Handler, Routes
from perpmesh.exchange_sim.adapters.render import Json, price, quantity
from perpmesh.exchange_sim.adapters.rest_candles import in_span, index_of
from perpmesh.exchange_sim.domain.feed import SymbolFeed
from perpmesh.exchange_sim.domain.klines import INTERVALS, Kline, klines
from perpmesh.exchange_sim.domain.params import invalid
from perpmesh.exchange_sim.domain.refusals import refusal
from perpmesh.exchange_sim.domain.sentiment import DAY_MINUTES, Crowd, open_interest_lots, shares

PERIODS: Final = {name: INTERVALS[name] for name in ("5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d")}
DAY_STEP = 5  # minutes of the candles that a day is summed from
SUPPLY: Final = {"BTC": "19860000.00000000", "ETH": "120700000.00000000"}  # coins in circulation, of 2025-05
CONTRACT_TYPES = ("PERPETUAL", "CURRENT_QUARTER", "NEXT_QUARTER")
Row: TypeAlias = Callable[[Ask, SymbolFeed, Kline], Json]


def add_statistics_routes(routes: Routes) -> None:
    """Enter the statistics into the table; but for the present open interest they weigh nothing, as on Binance."""
    routes.add("GET /fapi/v1/openInterest", open_interest_now)
    for name, handler in HANDLERS.items():
        routes.add(f"GET /futures/data/{name}", handler, weight=0)
    routes.add("GET /futures/data/delivery-price", delivery_prices, weight=0)


def _history(row: Row) -> Handler:
    def handler(ask: Ask) -> list[Json]:
        feed = ask.venue.feeds[ask.symbol()]
        return [row(ask, feed, each) for each in _finished(ask, feed)]

    return handler


def _finished(ask: Ask, feed: SymbolFeed) -> list[Kline]:
    """Return the candles of the period asked for that are over: the forming one has no statistics yet."""
    minutes = PERIODS.get(ask.params.needed("period"))
    if minutes is None:
        raise invalid("period")
    limit = ask.params.limit(30, 500)
    over = [each for each in in_span(ask, feed, minutes, limit + 1) if each.close_ms < ask.venue.market_ms]
    return ask.span().first(over, limit)


def open_interest_now(ask: Ask) -> Json:
    """Return what the background holds by its turnover, and what our accounts hold long."""
    feed, engine = ask.venue.feeds[ask.symbol()], ask.venue.engine
    symbol = feed.spec.symbol
    held = [held.amount for account in engine.accounts() for held in engine.positions(account, symbol)]
    coins = _background(ask, feed, ask.venue.second // 60) + sum((each for each in held if each > 0), Decimal(0))
    return {"openInterest": quantity(feed.spec, coins), "symbol": symbol, "time": ask.venue.market_ms}


def _background(ask: Ask, feed: SymbolFeed, minute: int) -> Decimal:
    """Return the open interest of everybody else at a minute."""
    day = klines(feed, DAY_STEP, minute - DAY_MINUTES, minute - 1, ask.venue.second)
    return feed.spec.quantity(open_interest_lots(DAY_STEP, day))


def open_interest(ask: Ask, feed: SymbolFeed, each: Kline) -> Json:
    spec, coins = feed.spec, _background(ask, feed, each.open_minute + each.minutes)
    return {
        "symbol": spec.symbol,
        "sumOpenInterest": f"{coins:.8f}",
        "sumOpenInterestValue": f"{coins * spec.price(each.close):.8f}",
        "CMCCirculatingSupply": SUPPLY.get(spec.base, "0.00000000"),
        "timestamp": each.close_ms + 1,
    }


def _ratio(crowd: Crowd) -> Row:
    def row(_: Ask, feed: SymbolFeed, each: Kline) -> Json:
        held = shares(crowd, each)
        return {
            "symbol": feed.spec.symbol,
            "longShortRatio": f"{held.ratio}",
            "longAccount": f"{held.long}",
            "shortAccount": f"{held.short}",
            "timestamp": each.close_ms + 1,
        }

    return row


def taker_volumes(_: Ask, feed: SymbolFeed, each: Kline) -> Json:
    spec, sold = feed.spec, each.volume - each.taker_buy
    return {
        "buySellRatio": f"{each.taker_buy / sold if sold else 0:.4f}",
        "buyVol": quantity(spec, spec.quantity(each.taker_buy)),
        "sellVol": quantity(spec, spec.quantity(sold)),
        "timestamp": each.close_ms + 1,
    }


def basis(ask: Ask) -> list[Json]:
    """Return the perpetual's price over its index; dated contracts have no rows here."""
    feed, kind = ask.venue.feeds[ask.pair()], ask.params.needed("contractType").upper()
    if kind not in CONTRACT_TYPES:
        raise refusal(-4104)
    rows = _finished(ask, feed)
    return [_basis(ask, feed, each) for each in rows] if kind == "PERPETUAL" else []


def _basis(ask: Ask, feed: SymbolFeed, each: Kline) -> Json:
    spec, index = feed.spec, index_of(ask, feed, each).close
    futures = spec.price(each.close)
    return {
        "indexPrice": f"{index:.8f}",
        "contractType": "PERPETUAL",
        "basisRate": f"{float(futures) / index - 1:.4f}",
        "futuresPrice": price(spec, futures),
        "annualizedBasisRate": "",
        "basis": f"{float(futures) - index:.8f}",
        "pair": spec.symbol,
        "timestamp": each.close_ms + 1,
    }


def delivery_prices(ask: Ask) -> list[Any]:
    """Return nothing: a perpetual is never delivered."""
    ask.pair()
    return []


HANDLERS: Final[dict[str, Handler]] = {
    "openInterestHist": _history(open_interest),
    "globalLongShortAccountRatio": _history(_ratio(Crowd.EVERYBODY)),
    "topLongShortAccountRatio": _history(_ratio(Crowd.TOP_ACCOUNTS)),
    "topLongShortPositionRatio": _history(_ratio(Crowd.TOP_POSITIONS)),
    "takerlongshortRatio": _history(taker_volumes),
    "basis": basis,
}
