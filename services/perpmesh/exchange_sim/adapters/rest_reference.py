"""What a venue tells about itself: what an index is made of, its insurance fund, schedules, and spot's few answers."""

from decimal import Decimal
from typing import Any

from perpmesh.exchange_sim.adapters.ask import Ask, Routes, with_symbol
from perpmesh.exchange_sim.adapters.render import Json, money
from perpmesh.exchange_sim.domain.feed import SymbolFeed
from perpmesh.exchange_sim.domain.refusals import refusal

BUFFER, EXCHANGE_BUFFER = Decimal("0.10000000"), Decimal("0.05000000")


def add_reference_routes(routes: Routes) -> None:
    """Enter what is rarely asked into the table."""
    for path in ("/sapi/v1/capital/config/getall", "/sapi/v1/margin/allPairs"):
        routes.add(f"GET {path}", lambda _: [])
    routes.add("GET /sapi/v1/system/status", lambda _: {"status": 0, "msg": "normal"})
    routes.add("GET /fapi/v1/constituents", constituents, weight=2)
    routes.add("GET /fapi/v1/indexInfo", index_info)
    routes.add("GET /fapi/v1/assetIndex", asset_index, weight=with_symbol(1, 10))
    routes.add("GET /fapi/v1/insuranceBalance", insurance_balance)
    routes.add("GET /fapi/v1/symbolAdlRisk", adl_risk)
    routes.add("GET /fapi/v1/tradingSchedule", lambda ask: {"updateTime": ask.wall_ms, "marketSchedules": {}})


def constituents(ask: Ask) -> Json:
    """Return the one market that the index of a replay has."""
    symbol = ask.symbol()
    index = ask.venue.engine.market(symbol).index
    row = {"exchange": "binance", "symbol": symbol, "price": money(index), "weight": "1.00000000"}
    return {"symbol": symbol, "time": ask.venue.market_ms, "constituents": [row]}


def index_info(ask: Ask) -> list[Any]:
    """Return nothing: no composite index is traded."""
    ask.maybe_symbol()
    return []


def asset_index(ask: Ask) -> Any:
    """Return what an asset is worth in dollars; asked for by BTCUSD, not by BTCUSDT."""
    coins = {feed.spec.base: ask.venue.engine.market(feed.spec.symbol).index for feed in ask.venue.feeds.values()}
    rows = [_asset_row(ask, f"{asset}USD", worth) for asset, worth in {"USDT": Decimal(1), **coins}.items()]
    symbol = ask.params.symbol()
    if symbol is None:
        return rows
    try:
        return next(row for row in rows if row["symbol"] == symbol)
    except StopIteration:
        raise refusal(-1121) from None


def _asset_row(ask: Ask, symbol: str, index: Decimal) -> Json:
    return {
        "symbol": symbol,
        "time": ask.venue.market_ms,
        "index": money(index),
        "bidBuffer": money(BUFFER),
        "askBuffer": money(BUFFER),
        "bidRate": money(index * (1 - BUFFER)),
        "askRate": money(index * (1 + BUFFER)),
        "autoExchangeBidBuffer": money(EXCHANGE_BUFFER),
        "autoExchangeAskBuffer": money(EXCHANGE_BUFFER),
        "autoExchangeBidRate": money(index * (1 - EXCHANGE_BUFFER)),
        "autoExchangeAskRate": money(index * (1 + EXCHANGE_BUFFER)),
    }


def insurance_balance(ask: Ask) -> Any:
    """Return the one fund that stands behind every symbol."""
    fund = {
        "symbols": list(ask.venue.feeds),
        "assets": [
            {
                "asset": "USDT",
                "marginBalance": money(ask.venue.engine.ledger().insurance),
                "updateTime": ask.venue.market_ms,
            }
        ],
    }
    return fund if ask.maybe_symbol() else [fund]


def adl_risk(ask: Ask) -> Any:
    """Return how near auto-deleveraging is: it begins when the insurance fund is used up."""
    risk = "low" if ask.venue.engine.ledger().insurance >= 0 else "high"

    def row(feed: SymbolFeed) -> Json:
        return {"symbol": feed.spec.symbol, "adlRisk": risk, "updateTime": ask.venue.market_ms}

    return ask.one_or_all(row)
