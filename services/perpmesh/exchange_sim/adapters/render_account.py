"""Balances, positions and income as JSON, in the spellings of the second and of the third version."""

from collections.abc import Callable
from typing import Any, Final

from perpmesh.exchange.symbols import SymbolSpec
from perpmesh.exchange.views import AccountView, IncomeView, MarginChangeView, PositionView
from perpmesh.exchange.words import MarginType
from perpmesh.exchange_sim.adapters.render import ZERO, Json, money, precise, quantity, shape

POSITION: Final[dict[str, Callable[[SymbolSpec, PositionView], Any]]] = {
    "symbol": lambda _, held: held.symbol,
    "positionSide": lambda _, held: held.position_side,
    "positionAmt": lambda spec, held: quantity(spec, held.amount),
    "entryPrice": lambda _, held: precise(held.entry_price),
    "breakEvenPrice": lambda _, held: precise(held.break_even_price),
    "markPrice": lambda _, held: money(held.mark_price),
    "unRealizedProfit": lambda _, held: money(held.unrealized),
    "unrealizedProfit": lambda _, held: money(held.unrealized),
    "liquidationPrice": lambda _, held: precise(held.liquidation_price) if held.liquidation_price else "0",
    "leverage": lambda _, held: str(held.leverage),
    "maxNotionalValue": lambda _, held: f"{held.max_notional:.0f}",
    "maxNotional": lambda _, held: f"{held.max_notional:.0f}",
    "marginType": lambda _, held: "isolated" if held.margin_type is MarginType.ISOLATED else "cross",
    "isolated": lambda _, held: held.is_isolated,
    "isAutoAddMargin": lambda _, __: "false",
    "isolatedMargin": lambda _, held: money(held.isolated_margin if held.is_isolated else ZERO),
    "isolatedWallet": lambda _, held: money(held.isolated_wallet if held.is_isolated else ZERO),
    "notional": lambda _, held: money(held.notional),
    "marginAsset": lambda spec, _: spec.quote,
    "initialMargin": lambda _, held: money(held.initial_margin),
    "maintMargin": lambda _, held: money(held.maint_margin),
    "positionInitialMargin": lambda _, held: money(held.position_initial_margin),
    "openOrderInitialMargin": lambda _, held: money(held.open_order_initial_margin),
    "adl": lambda _, held: held.adl,
    "bidNotional": lambda _, held: money(held.bid_notional),
    "askNotional": lambda _, held: money(held.ask_notional),
    "updateTime": lambda _, held: held.update_time,
}
position_risk_v2 = shape(
    POSITION,
    "entryPrice breakEvenPrice marginType isAutoAddMargin isolatedMargin leverage liquidationPrice markPrice "
    "maxNotionalValue positionAmt notional isolatedWallet symbol unRealizedProfit positionSide updateTime",
)
position_risk_v3 = shape(
    POSITION,
    "symbol positionSide positionAmt entryPrice breakEvenPrice markPrice unRealizedProfit liquidationPrice "
    "isolatedMargin notional marginAsset isolatedWallet initialMargin maintMargin positionInitialMargin "
    "openOrderInitialMargin adl bidNotional askNotional updateTime",
)
account_position_v2 = shape(
    POSITION,
    "symbol initialMargin maintMargin unrealizedProfit positionInitialMargin openOrderInitialMargin leverage isolated "
    "entryPrice breakEvenPrice maxNotional bidNotional askNotional positionSide positionAmt updateTime",
)
account_position_v3 = shape(
    POSITION,
    "symbol positionSide positionAmt unrealizedProfit isolatedMargin notional isolatedWallet initialMargin maintMargin "
    "updateTime",
)


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


def account_asset(view: AccountView, **more: Any) -> Json:
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
        **more,
        "updateTime": view.update_time,
    }


def margin_move(row: MarginChangeView) -> Json:
    """One row of positionMargin/history."""
    return {
        "symbol": row.symbol,
        "type": int(row.type),
        "deltaType": "USER_ADJUST",
        "amount": money(row.amount),
        "asset": "USDT",
        "time": row.time,
        "positionSide": row.position_side,
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
