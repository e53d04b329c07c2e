"""The endpoints that tell about an account: balances, positions, fills, income, settings, and its user stream's key."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from perpmesh.exchange.symbols import SymbolSpec
from perpmesh.exchange.views import PositionView
from perpmesh.exchange_sim.adapters.ask import Ask, Routes, Security, with_symbol
from perpmesh.exchange_sim.adapters.render import Json, money
from perpmesh.exchange_sim.adapters.render_account import (
    account_asset,
    account_position_v2,
    account_position_v3,
    account_totals,
    income,
    position_risk_v2,
    position_risk_v3,
)
from perpmesh.exchange_sim.adapters.render_orders import fill_listed
from perpmesh.exchange_sim.application.history import Wanted
from perpmesh.exchange_sim.domain.params import invalid
from perpmesh.exchange_sim.domain.refusals import refusal
from perpmesh.exchange_sim.domain.span import days

SIGNED = Security.SIGNED
INCOME_TYPES = (
    "TRANSFER WELCOME_BONUS REALIZED_PNL FUNDING_FEE COMMISSION INSURANCE_CLEAR REFERRAL_KICKBACK COMMISSION_REBATE "
    "API_REBATE CONTEST_REWARD CROSS_COLLATERAL_TRANSFER OPTIONS_PREMIUM_FEE OPTIONS_SETTLE_PROFIT INTERNAL_TRANSFER "
    "AUTO_EXCHANGE DELIVERED_SETTELMENT COIN_SWAP_DEPOSIT COIN_SWAP_WITHDRAW POSITION_LIMIT_INCREASE_FEE "
    "STRATEGY_UMFUTURES_TRANSFER FEE_RETURN BFUSD_REWARD SPECIAL_FUNDING_FEE"
)


def add_account_routes(routes: Routes) -> None:
    """Enter the account endpoints into the table."""
    routes.add("GET /fapi/v2/account", account_v2, SIGNED, weight=5)
    routes.add("GET /fapi/v3/account", account_v3, SIGNED, weight=5)
    routes.add("GET /fapi/v2/balance", balance, SIGNED, weight=5)
    routes.add("GET /fapi/v3/balance", balance, SIGNED, weight=5)
    routes.add("GET /fapi/v2/positionRisk", positions_v2, SIGNED, weight=5)
    routes.add("GET /fapi/v3/positionRisk", positions_v3, SIGNED, weight=5)
    routes.add("GET /fapi/v1/userTrades", user_trades, SIGNED, weight=5)
    routes.add("GET /fapi/v1/income", income_history, SIGNED, weight=30)
    routes.add("GET /fapi/v1/leverageBracket", brackets, SIGNED)
    routes.add("GET /fapi/v1/adlQuantile", adl_quantiles, SIGNED, weight=5)
    routes.add("GET /fapi/v1/apiTradingStatus", trading_status, SIGNED, weight=with_symbol(1, 10))
    routes.add("GET /fapi/v1/commissionRate", commission_rate, SIGNED, weight=20)
    routes.add("GET /fapi/v1/symbolConfig", symbol_config, SIGNED, weight=5)
    routes.add("GET /fapi/v1/accountConfig", account_config, SIGNED, weight=5)
    routes.add("GET /fapi/v1/rateLimit/order", order_limits, SIGNED)
    routes.add("POST /fapi/v1/listenKey", open_listen_key, Security.KEY)
    routes.add("PUT /fapi/v1/listenKey", keep_listen_key, Security.KEY)
    routes.add("DELETE /fapi/v1/listenKey", close_listen_key, Security.KEY)


def account_v2(ask: Ask) -> Json:
    view = ask.venue.engine.account(ask.account)
    return {
        "feeTier": view.fee_tier,
        "feeBurn": False,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": False,
        "updateTime": 0,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
        **account_totals(view),
        "assets": [account_asset(view, marginAvailable=True)],
        "positions": [account_position_v2(ask.spec(held.symbol), held) for held in view.positions],
    }


def account_v3(ask: Ask) -> Json:
    view = ask.venue.engine.account(ask.account)
    return {
        **account_totals(view),
        "assets": [account_asset(view)],
        "positions": [account_position_v3(ask.spec(held.symbol), held) for held in view.positions if in_use(held)],
    }


def in_use(held: PositionView) -> bool:
    """Whether v3 lists it: there is a position or an open order."""
    return bool(held.amount or held.open_order_initial_margin or held.bid_notional or held.ask_notional)


def balance(ask: Ask) -> list[Json]:
    view = ask.venue.engine.account(ask.account)
    return [
        {
            "accountAlias": ask.account,
            "asset": "USDT",
            "balance": money(view.wallet),
            "crossWalletBalance": money(view.cross_wallet),
            "crossUnPnl": money(view.cross_unrealized),
            "availableBalance": money(view.available),
            "maxWithdrawAmount": money(view.max_withdraw),
            "marginAvailable": True,
            "updateTime": view.update_time,
        }
    ]


def positions_v2(ask: Ask) -> list[Json]:
    held = ask.venue.engine.positions(ask.account, ask.maybe_symbol())
    return [position_risk_v2(ask.spec(each.symbol), each) for each in held]


def positions_v3(ask: Ask) -> list[Json]:
    held = ask.venue.engine.positions(ask.account, ask.maybe_symbol())
    return [position_risk_v3(ask.spec(each.symbol), each) for each in held if in_use(each)]


def user_trades(ask: Ask) -> list[Json]:
    """Return fills, by market time; the newest ones unless a start or an id is given."""
    symbol, span, limit = ask.symbol(), ask.span(days(7)), ask.params.limit(500, 1_000)
    from_id, order_id = ask.params.integer("fromId"), ask.params.integer("orderId")
    wanted = Wanted(account=ask.account, symbol=symbol, order_id=order_id, limit=limit)
    if from_id is None:
        wanted = replace(wanted, start=span.start, end=span.end)
    elif "startTime" in ask.params or "endTime" in ask.params:
        raise refusal(-1128)
    else:
        wanted = replace(wanted, first_id=max(from_id, 1))
    return [fill_listed(ask.spec(symbol), fill) for fill in ask.venue.history.trades(wanted)]


def income_history(ask: Ask) -> list[Json]:
    """Return income, by market time, oldest first; the newest ones unless a start is given."""
    symbol, span, limit = ask.maybe_symbol(), ask.span(), ask.params.limit(100, 1_000)
    kind = ask.params.text("incomeType")
    if kind is not None and kind not in INCOME_TYPES.split():
        raise invalid("incomeType")
    wanted = Wanted(account=ask.account, symbol=symbol, label=kind, start=span.start, end=span.end, limit=limit)
    return [income(row) for row in ask.venue.history.income(wanted)]


def brackets(ask: Ask) -> list[Json]:
    return [{"symbol": feed.spec.symbol, "brackets": _brackets(feed.spec)} for feed in ask.feeds()]


def _brackets(spec: SymbolSpec) -> list[Json]:
    return [
        {
            "bracket": tier.number,
            "initialLeverage": tier.leverage,
            "notionalCap": tier.cap,
            "notionalFloor": tier.floor,
            "maintMarginRatio": float(tier.maintenance_rate),
            "cum": float(tier.cum),
        }
        for tier in spec.brackets
    ]


def commission_rate(ask: Ask) -> Json:
    rates = ask.venue.engine.commission(ask.account, ask.symbol())
    return {
        "symbol": rates.symbol,
        "makerCommissionRate": f"{rates.maker:.6f}",
        "takerCommissionRate": f"{rates.taker:.6f}",
        "rpiCommissionRate": f"{rates.maker:.6f}",
    }


def adl_quantiles(ask: Ask) -> list[Json]:
    """Return, for each symbol with a position, its place in the queue of auto-deleveraging: 0 is last, 4 is next."""
    view = ask.venue.engine.account(ask.account)
    held = [each for each in view.positions if each.amount and ask.maybe_symbol() in (None, each.symbol)]
    return [
        {
            "symbol": symbol,
            "adlQuantile": _quantiles([each for each in held if each.symbol == symbol], dual=view.dual_side),
        }
        for symbol in dict.fromkeys(each.symbol for each in held)
    ]


def _quantiles(held: Sequence[PositionView], *, dual: bool) -> dict[str, int]:
    """In hedge mode cross positions of both sides show their net under HEDGE, of which only the sign counts."""
    long, short = (max((each.adl for each in held if each.amount * sign > 0), default=0) for sign in (1, -1))
    if not dual:
        return {"LONG": long, "SHORT": short, "BOTH": max(long, short)}
    return {"LONG": long, "SHORT": short, "HEDGE": 0}


def trading_status(ask: Ask) -> Json:
    """Return how near an account is to being locked for its habits; here nobody ever is."""
    orders = ask.venue.engine.all_orders(ask.account, ask.maybe_symbol())
    indicators = {}
    for symbol in dict.fromkeys(order.symbol for order in orders):
        mine = [order for order in orders if order.symbol == symbol]
        unfilled = sum(not order.executed for order in mine) / len(mine)
        row = {"indicator": "UFR", "value": round(unfilled, 4), "triggerValue": 0.995}
        indicators[symbol] = [{"isLocked": False, "plannedRecoverTime": 0, **row}]
    whole = {"indicator": "TMV", "value": 0, "triggerValue": 10, "plannedRecoverTime": 0, "isLocked": False}
    return {"indicators": {**indicators, "ACCOUNT": [whole]}, "updateTime": ask.wall_ms}


def symbol_config(ask: Ask) -> list[Json]:
    def row(symbol: str) -> Json:
        chosen = ask.venue.engine.settings(ask.account, symbol)
        return {
            "symbol": symbol,
            "marginType": chosen.margin_type,
            "isAutoAddMargin": False,
            "leverage": chosen.leverage,
            "maxNotionalValue": f"{chosen.max_notional:.0f}",
        }

    return [row(feed.spec.symbol) for feed in ask.feeds()]


def account_config(ask: Ask) -> Json:
    view = ask.venue.engine.account(ask.account)
    return {
        "feeTier": view.fee_tier,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": False,
        "dualSidePosition": view.dual_side,
        "updateTime": 0,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
    }


def order_limits(ask: Ask) -> list[Json]:
    rows: list[tuple[str, int, int]] = [
        ("SECOND", 10, ask.limits.orders_per_ten_seconds),
        ("MINUTE", 1, ask.limits.orders_per_minute),
    ]
    return [
        {"rateLimitType": "ORDERS", "interval": interval, "intervalNum": number, "limit": limit}
        for interval, number, limit in rows
    ]


def open_listen_key(ask: Ask) -> Json:
    return {"listenKey": ask.venue.open_listen_key(ask.account, ask.wall_ms)}


def keep_listen_key(ask: Ask) -> Json:
    return {"listenKey": ask.venue.keep_listen_key(ask.account, ask.wall_ms)}


def close_listen_key(ask: Ask) -> dict[str, Any]:
    ask.venue.close_listen_key(ask.account)
    return {}
