"""State to views: integers become Decimals here and nowhere else."""

from decimal import Decimal
from typing import NamedTuple, TypeAlias

from perpmesh.exchange import margin
from perpmesh.exchange.state import Account, Algo, Amendment, Income, MarginMove, Order, Position, Trade
from perpmesh.exchange.symbols import MONEY, SymbolSpec
from perpmesh.exchange.views import (
    AccountView,
    AlgoView,
    AmendmentView,
    IncomeView,
    MarginChangeView,
    OrderView,
    PositionView,
    TradeView,
)
from perpmesh.exchange.words import MarginType, OrderStatus, OrderType, PriceMatch
from perpmesh.kernel.money import to_eight_places

OrderNow: TypeAlias = tuple[SymbolSpec, Order, int, int, int, int, OrderStatus, int, int, PriceMatch]


def money(units: int) -> Decimal:
    return Decimal(units) / MONEY


def average(spec: SymbolSpec, quote: int, lots: int) -> Decimal:
    """Return the price per coin of `lots` that were worth `quote`."""
    return to_eight_places(Decimal(quote) * spec.lot_units / (Decimal(lots) * MONEY)) if lots else Decimal(0)


def order_view(spec: SymbolSpec, order: Order) -> OrderView:
    return order_view_of(order_now(spec, order))


def order_now(spec: SymbolSpec, order: Order) -> OrderNow:
    """Copy what of an order may still change, for whoever wants to see later what it was now."""
    return (
        spec,
        order,
        order.price,
        order.quantity,
        order.executed,
        order.quote,
        order.status,
        order.update_time,
        order.market_time,
        order.price_match,
    )


def order_view_of(now: OrderNow) -> OrderView:
    spec, order, price, quantity, executed, quote, status, update_time, market_time, price_match = now
    return OrderView(
        account=order.account,
        symbol=order.symbol,
        order_id=order.order_id,
        client_order_id=order.client_id,
        side=order.side,
        position_side=order.position_side,
        type=order.type,
        orig_type=order.orig_type,
        time_in_force=order.time_in_force,
        price=spec.price(price),
        quantity=spec.quantity(quantity),
        executed=spec.quantity(executed),
        cum_quote=money(quote),
        avg_price=average(spec, quote, executed),
        status=status,
        reduce_only=order.reduce_only,
        close_position=order.close_position,
        stop_price=spec.price(order.stop_price),
        working_type=order.working_type,
        price_protect=order.price_protect,
        self_trade=order.self_trade,
        good_till_date=order.good_till,
        time=order.time,
        update_time=update_time,
        market_time=market_time,
        price_match=price_match,
    )


def algo_view(spec: SymbolSpec, algo: Algo) -> AlgoView:
    limit = algo.type in (OrderType.STOP, OrderType.TAKE_PROFIT)
    return AlgoView(
        account=algo.account,
        symbol=algo.symbol,
        algo_id=algo.algo_id,
        client_algo_id=algo.client_id,
        side=algo.side,
        position_side=algo.position_side,
        type=algo.type,
        time_in_force=algo.time_in_force,
        quantity=spec.quantity(algo.quantity),
        price=spec.price(algo.price),
        trigger_price=spec.price(algo.trigger),
        status=algo.status,
        actual_order_id=algo.order_id,
        actual_price=average(spec, algo.quote, algo.filled),
        actual_quantity=spec.quantity(algo.filled),
        actual_type=(OrderType.LIMIT if limit else OrderType.MARKET) if algo.order_id else None,
        working_type=algo.working_type,
        close_position=algo.close_position,
        price_protect=algo.price_protect,
        reduce_only=algo.reduce_only,
        activate_price=spec.price(algo.activate),
        callback_rate=Decimal(algo.callback_ppm) / 10_000,
        self_trade=algo.self_trade,
        good_till_date=algo.good_till,
        create_time=algo.create_time,
        update_time=algo.update_time,
        trigger_time=algo.trigger_time,
        reject_reason=algo.reason,
        price_match=algo.price_match,
        activated=algo.type is OrderType.TRAILING_STOP_MARKET and (not algo.activate or algo.extreme > 0),
    )


class PositionNow(NamedTuple):
    """What of a position, its prices and its account is needed to show it later as it is now."""

    spec: SymbolSpec
    position: Position
    mark: int
    notional: int
    leverage: int
    isolated: bool
    place: margin.PlaceMargin
    behind: int
    twin: Position | None


def position_view(books: margin.Books, account: Account, position: Position) -> PositionView:
    return position_view_of(position_now(books, account, position))


def position_now(books: margin.Books, account: Account, position: Position) -> PositionNow:
    symbol = position.symbol
    behind, twin = margin.liquidation_wallet(books, account, position)
    return PositionNow(
        books.specs[symbol],
        position.copy(),
        books.mark(symbol),
        books.notional(position),
        account.leverage_of(symbol),
        account.is_isolated(symbol),
        margin.place_margin(books, account, symbol, position.side),
        behind,
        twin.copy() if twin else None,
    )


def position_view_of(now: PositionNow) -> PositionView:
    spec, position, mark, notional, leverage, isolated, place, behind, twin = now
    profit = notional - position.cost if position.lots else 0
    return PositionView(
        symbol=position.symbol,
        position_side=position.side,
        amount=spec.quantity(position.lots),
        entry_price=average(spec, position.cost, position.lots),
        break_even_price=average(spec, position.cost + position.fees, position.lots),
        mark_price=money(mark),
        unrealized=money(profit),
        realized=money(position.realized),
        liquidation_price=to_eight_places(margin.liquidation_price(spec, position, twin, behind)),
        margin_type=MarginType.ISOLATED if isolated else MarginType.CROSSED,
        isolated_wallet=money(position.isolated),
        isolated_margin=money(position.isolated + profit if isolated else 0),
        notional=money(notional),
        leverage=leverage,
        max_notional=money(spec.max_notional(leverage)),
        initial_margin=money(place.position + place.open_orders),
        maint_margin=money(spec.maintenance(abs(notional)) if position.lots else 0),
        position_initial_margin=money(place.position),
        open_order_initial_margin=money(place.open_orders),
        bid_notional=money(place.bid_notional),
        ask_notional=money(place.ask_notional),
        adl=0,  # the queue is looked up when positions are read
        update_time=position.update_time,
    )


def account_view(books: margin.Books, account: Account, positions: tuple[PositionView, ...]) -> AccountView:
    sums = margin.totals(books, account)
    return AccountView(
        account=account.name,
        dual_side=account.dual_side,
        wallet=money(account.wallet),
        unrealized=money(sums.unrealized),
        margin_balance=money(account.wallet + sums.unrealized),
        maint_margin=money(sums.maintenance),
        initial_margin=money(sums.position_initial + sums.open_order_initial),
        position_initial_margin=money(sums.position_initial),
        open_order_initial_margin=money(sums.open_order_initial),
        cross_wallet=money(sums.cross_wallet),
        cross_unrealized=money(sums.cross_unrealized),
        available=money(sums.available),
        max_withdraw=money(sums.max_withdraw),
        update_time=account.update_time,
        positions=positions,
        fee_tier=account.fee_tier,
    )


def trade_view(spec: SymbolSpec, account: str, trade: Trade) -> TradeView:
    return TradeView(
        account=account,
        symbol=trade.symbol,
        trade_id=trade.trade_id,
        order_id=trade.order_id,
        side=trade.side,
        position_side=trade.position_side,
        price=spec.price(trade.price),
        quantity=spec.quantity(trade.quantity),
        quote=money(trade.quote),
        realized=money(trade.realized),
        commission=money(trade.commission),
        maker=trade.maker,
        time=trade.time,
        wall_time=trade.wall_time,
    )


def income_view(income: Income) -> IncomeView:
    return IncomeView(
        symbol=income.symbol,
        type=income.type,
        amount=money(income.amount),
        info=income.info,
        time=income.time,
        tran_id=income.tran_id,
        trade_id=income.trade_id,
    )


def amendment_view(spec: SymbolSpec, row: Amendment) -> AmendmentView:
    return AmendmentView(
        amendment_id=row.amendment_id,
        symbol=row.symbol,
        order_id=row.order_id,
        client_order_id=row.client_id,
        price_before=spec.price(row.price_before),
        price_after=spec.price(row.price_after),
        quantity_before=spec.quantity(row.quantity_before),
        quantity_after=spec.quantity(row.quantity_after),
        count=row.count,
        modify_id=row.modify_id,
        time=row.time,
    )


def margin_change_view(row: MarginMove) -> MarginChangeView:
    return MarginChangeView(row.symbol, row.side, row.type, money(row.amount), row.time)
