"""What the exchange knows, as the venue's JSON spells it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeAlias

from perpmesh.exchange.symbols import SymbolSpec
from perpmesh.exchange.views import AccountView, AlgoView, IncomeView, OrderView, PositionView, TradeView
from perpmesh.exchange.words import MarginType, OrderStatus, OrderType, Side

Json: TypeAlias = dict[str, Any]
ZERO = Decimal(0)


def money(value: Decimal) -> str:
    return f"{value:.8f}"


def price(spec: SymbolSpec, value: Decimal) -> str:
    return f"{value:.{spec.price_precision}f}"


def quantity(spec: SymbolSpec, value: Decimal) -> str:
    return f"{value:.{spec.quantity_precision}f}"


def precise(value: Decimal) -> str:
    """Write an average price: as many places as it needs, at least one."""
    text = f"{value:.12f}".rstrip("0")
    return f"{text}0" if text.endswith(".") else text


def order_ack(spec: SymbolSpec, order: OrderView) -> Json:
    """Answer to POST and DELETE order: no average price and no cumulative quote, since 2026-07."""
    return {
        "orderId": order.order_id,
        "symbol": order.symbol,
        "status": order.status,
        "clientOrderId": order.client_order_id,
        "price": price(spec, order.price),
        "origQty": quantity(spec, order.quantity),
        "executedQty": quantity(spec, order.executed),
        "cumQty": quantity(spec, order.executed),
        **_order_tail(spec, order),
        "updateTime": order.update_time,
    }


def as_acknowledged(order: OrderView) -> OrderView:
    """Return the order as newOrderRespType=ACK shows it: new, whatever has happened since."""
    return replace(order, status=OrderStatus.NEW, executed=ZERO, cum_quote=ZERO, avg_price=ZERO)


def order_full(spec: SymbolSpec, order: OrderView) -> Json:
    """Answer to the queries."""
    return {
        "orderId": order.order_id,
        "symbol": order.symbol,
        "status": order.status,
        "clientOrderId": order.client_order_id,
        "price": price(spec, order.price),
        "avgPrice": precise(order.avg_price) if order.avg_price else price(spec, ZERO),
        "origQty": quantity(spec, order.quantity),
        "executedQty": quantity(spec, order.executed),
        "cumQuote": money(order.cum_quote),
        **_order_tail(spec, order),
        "time": order.time,
        "updateTime": order.update_time,
    }


def _order_tail(spec: SymbolSpec, order: OrderView) -> Json:
    return {
        "timeInForce": order.time_in_force,
        "type": order.type,
        "reduceOnly": order.reduce_only,
        "closePosition": order.close_position,
        "side": order.side,
        "positionSide": order.position_side,
        "stopPrice": price(spec, order.stop_price),
        "workingType": order.working_type,
        "priceProtect": order.price_protect,
        "origType": order.orig_type,
        "priceMatch": "NONE",
        "selfTradePreventionMode": order.self_trade,
        "goodTillDate": order.good_till_date,
    }


def algo_ack(spec: SymbolSpec, algo: AlgoView) -> Json:
    """Answer to POST algoOrder."""
    return {
        **_algo_head(spec, algo),
        "activatePrice": price(spec, algo.activate_price) if algo.activate_price else "",
        "callbackRate": f"{algo.callback_rate.normalize():f}" if algo.callback_rate else "",
        **_algo_times(algo),
    }


def algo_full(spec: SymbolSpec, algo: AlgoView) -> Json:
    """Answer to GET algoOrder."""
    return {
        **_algo_head(spec, algo),
        "actualOrderId": str(algo.actual_order_id) if algo.actual_order_id else "",
        "actualPrice": precise(algo.actual_price) if algo.actual_price else price(spec, ZERO),
        "actualType": algo.actual_type or "",
        "actualQty": quantity(spec, algo.actual_quantity),
        "tpOrderType": "",
        **_algo_times(algo),
    }


def algo_listed(spec: SymbolSpec, algo: AlgoView) -> Json:
    """One row of openAlgoOrders and allAlgoOrders."""
    absent = dict.fromkeys(("tpTriggerPrice", "tpPrice", "slTriggerPrice", "slPrice"), price(spec, ZERO))
    return {**algo_full(spec, algo), **absent}


def _algo_head(spec: SymbolSpec, algo: AlgoView) -> Json:
    return {
        "algoId": algo.algo_id,
        "clientAlgoId": algo.client_algo_id,
        "algoType": "CONDITIONAL",
        "orderType": algo.type,
        "symbol": algo.symbol,
        "side": algo.side,
        "positionSide": algo.position_side,
        "timeInForce": algo.time_in_force,
        "quantity": quantity(spec, algo.quantity),
        "algoStatus": algo.status,
        "triggerPrice": price(spec, algo.trigger_price),
        "price": price(spec, algo.price),
        "icebergQuantity": None,
        "selfTradePreventionMode": algo.self_trade,
        "workingType": algo.working_type,
        "priceMatch": "NONE",
        "closePosition": algo.close_position,
        "priceProtect": algo.price_protect,
        "reduceOnly": algo.reduce_only,
    }


def _algo_times(algo: AlgoView) -> Json:
    return {
        "createTime": algo.create_time,
        "updateTime": algo.update_time,
        "triggerTime": algo.trigger_time,
        "goodTillDate": algo.good_till_date,
    }


def trade(spec: SymbolSpec, fill: TradeView) -> Json:
    """One row of userTrades."""
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "side": fill.side,
        "price": price(spec, fill.price),
        "qty": quantity(spec, fill.quantity),
        "realizedPnl": money(fill.realized),
        "quoteQty": money(fill.quote),
        "commission": money(fill.commission),
        "commissionAsset": spec.quote,
        "time": fill.time,
        "positionSide": fill.position_side,
        "buyer": fill.side is Side.BUY,
        "maker": fill.maker,
        "baseQty": quantity(spec, fill.quantity),
        "marginAsset": spec.quote,
        "pair": fill.symbol,
    }


def income(row: IncomeView) -> Json:
    return {
        "symbol": row.symbol,
        "incomeType": row.type,
        "income": money(row.amount),
        "asset": "USDT",
        "info": row.info,
        "time": row.time,
        "tranId": row.tran_id,
        "tradeId": str(row.trade_id) if row.trade_id else "",
    }


def position_risk_v3(spec: SymbolSpec, held: PositionView) -> Json:
    return {
        "symbol": held.symbol,
        "positionSide": held.position_side,
        "positionAmt": quantity(spec, held.amount),
        "entryPrice": precise(held.entry_price),
        "breakEvenPrice": precise(held.break_even_price),
        "markPrice": money(held.mark_price),
        "unRealizedProfit": money(held.unrealized),
        "liquidationPrice": precise(held.liquidation_price) if held.liquidation_price else "0",
        "isolatedMargin": money(held.isolated_margin) if held.is_isolated else "0",
        "notional": money(held.notional),
        "marginAsset": spec.quote,
        "isolatedWallet": money(held.isolated_wallet) if held.is_isolated else "0",
        "initialMargin": money(held.initial_margin),
        "maintMargin": money(held.maint_margin),
        "positionInitialMargin": money(held.position_initial_margin),
        "openOrderInitialMargin": money(held.open_order_initial_margin),
        "adl": held.adl,
        "bidNotional": money(held.bid_notional),
        "askNotional": money(held.ask_notional),
        "updateTime": held.update_time,
    }


def position_risk_v2(spec: SymbolSpec, held: PositionView) -> Json:
    return {
        "symbol": held.symbol,
        "positionAmt": quantity(spec, held.amount),
        "entryPrice": precise(held.entry_price),
        "breakEvenPrice": precise(held.break_even_price),
        "markPrice": money(held.mark_price),
        "unRealizedProfit": money(held.unrealized),
        "liquidationPrice": precise(held.liquidation_price) if held.liquidation_price else "0",
        "leverage": str(held.leverage),
        "maxNotionalValue": f"{held.max_notional:.0f}",
        "marginType": "isolated" if held.margin_type is MarginType.ISOLATED else "cross",
        "isolatedMargin": money(held.isolated_margin if held.is_isolated else ZERO),
        "isAutoAddMargin": "false",
        "positionSide": held.position_side,
        "notional": money(held.notional),
        "isolatedWallet": money(held.isolated_wallet) if held.is_isolated else "0",
        "updateTime": held.update_time,
    }


def account_totals(view: AccountView) -> Json:
    return {
        "totalInitialMargin": money(view.initial_margin),
        "totalMaintMargin": money(view.maint_margin),
        "totalWalletBalance": money(view.wallet),
        "totalUnrealizedProfit": money(view.unrealized),
        "totalMarginBalance": money(view.margin_balance),
        "totalPositionInitialMargin": money(view.position_initial_margin),
        "totalOpenOrderInitialMargin": money(view.open_order_initial_margin),
        "totalCrossWalletBalance": money(view.cross_wallet),
        "totalCrossUnPnl": money(view.cross_unrealized),
        "availableBalance": money(view.available),
        "maxWithdrawAmount": money(view.max_withdraw),
    }


def account_asset(view: AccountView) -> Json:
    """The one asset of the account; v2 adds marginAvailable."""
    return {
        "asset": "USDT",
        "walletBalance": money(view.wallet),
        "unrealizedProfit": money(view.unrealized),
        "marginBalance": money(view.margin_balance),
        "maintMargin": money(view.maint_margin),
        "initialMargin": money(view.initial_margin),
        "positionInitialMargin": money(view.position_initial_margin),
        "openOrderInitialMargin": money(view.open_order_initial_margin),
        "crossWalletBalance": money(view.cross_wallet),
        "crossUnPnl": money(view.cross_unrealized),
        "availableBalance": money(view.available),
        "maxWithdrawAmount": money(view.max_withdraw),
        "updateTime": view.update_time,
    }


def account_position_v3(spec: SymbolSpec, held: PositionView) -> Json:
    return {
        "symbol": held.symbol,
        "positionSide": held.position_side,
        "positionAmt": quantity(spec, held.amount),
        "unrealizedProfit": money(held.unrealized),
        "isolatedMargin": money(held.isolated_margin if held.is_isolated else ZERO),
        "notional": money(held.notional),
        "isolatedWallet": money(held.isolated_wallet if held.is_isolated else ZERO),
        "initialMargin": money(held.initial_margin),
        "maintMargin": money(held.maint_margin),
        "updateTime": held.update_time,
    }


def account_position_v2(spec: SymbolSpec, held: PositionView) -> Json:
    return {
        "symbol": held.symbol,
        "initialMargin": money(held.initial_margin),
        "maintMargin": money(held.maint_margin),
        "unrealizedProfit": money(held.unrealized),
        "positionInitialMargin": money(held.position_initial_margin),
        "openOrderInitialMargin": money(held.open_order_initial_margin),
        "leverage": str(held.leverage),
        "isolated": held.is_isolated,
        "entryPrice": precise(held.entry_price),
        "breakEvenPrice": precise(held.break_even_price),
        "maxNotional": f"{held.max_notional:.0f}",
        "bidNotional": money(held.bid_notional),
        "askNotional": money(held.ask_notional),
        "positionSide": held.position_side,
        "positionAmt": quantity(spec, held.amount),
        "updateTime": held.update_time,
    }


def symbol_info(spec: SymbolSpec) -> Json:
    """One symbol of exchangeInfo."""
    lots = {"stepSize": f"{spec.step}", "minQty": f"{spec.min_quantity}"}
    return {
        "symbol": spec.symbol,
        "pair": spec.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": 4_133_404_800_000,
        "onboardDate": spec.onboard_ms,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": spec.base,
        "quoteAsset": spec.quote,
        "marginAsset": spec.quote,
        "pricePrecision": spec.price_precision,
        "quantityPrecision": spec.quantity_precision,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [spec.sub_type],
        "settlePlan": 0,
        "triggerProtect": f"{spec.trigger_protect}",
        "liquidationFee": f"{spec.liquidation_fee}",
        "marketTakeBound": f"{spec.market_take_bound}",
        "maxMoveOrderLimit": 10_000,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "maxPrice": f"{spec.max_price}",
                "minPrice": f"{spec.min_price}",
                "tickSize": f"{spec.tick}",
            },
            {"filterType": "LOT_SIZE", "maxQty": f"{spec.max_quantity}", **lots},
            {"filterType": "MARKET_LOT_SIZE", "maxQty": f"{spec.market_max_quantity}", **lots},
            {"filterType": "MAX_NUM_ORDERS", "limit": spec.max_orders},
            {"filterType": "MIN_NOTIONAL", "notional": f"{spec.min_notional}"},
            {
                "filterType": "PERCENT_PRICE",
                "multiplierUp": f"{spec.percent_up}",
                "multiplierDown": f"{spec.percent_down}",
                "multiplierDecimal": "4",
            },
            {"filterType": "POSITION_RISK_CONTROL", "positionControlSide": "NONE"},
        ],
        "orderTypes": [str(kind) for kind in OrderType],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
    }
