"""State to views: integers become Decimals here and nowhere else."""

from decimal import Decimal

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
from perpmesh.exchange.words import MarginType, OrderType
from perpmesh.kernel.money import to_eight_places


def money(units: int) -> Decimal:
    return Decimal(units) / MONEY


def average(spec: SymbolSpec, quote: int, lots: int) -> Decimal:
    """Return the price per coin of `lots` that were worth `quote`."""
    return to_eight_places(Decimal(quote) * spec.lot_units / (Decimal(lots) * MONEY)) if lots else Decimal(0)


def order_view(spec: SymbolSpec, order: Order) -> OrderView:
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
        price=spec.price(order.price),
        quantity=spec.quantity(order.quantity),
        executed=spec.quantity(order.executed),
        cum_quote=money(order.quote),
        avg_price=average(spec, order.quote, order.executed),
        status=order.status,
        reduce_only=order.reduce_only,
        close_position=order.close_position,
        stop_price=spec.price(order.stop_price),
        working_type=order.working_type,
        price_protect=order.price_protect,
        self_trade=order.self_trade,
        good_till_date=order.good_till,
        time=order.time,
        update_time=order.update_time,
        market_time=order.market_time,
        price_match=order.price_match,
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
    )


def position_view(books: margin.Books, account: Account, position: Position) -> PositionView:
    symbol, spec = position.symbol, books.specs[position.symbol]
    place = margin.place_margin(books, account, symbol, position.side)
    profit = books.unrealized(position)
    isolated = account.is_isolated(symbol)
    leverage = account.leverage_of(symbol)
    return PositionView(
        symbol=symbol,
        position_side=position.side,
        amount=spec.quantity(position.lots),
        entry_price=average(spec, position.cost, position.lots),
        break_even_price=average(spec, position.cost + position.fees, position.lots),
        mark_price=money(books.mark(symbol)),
        unrealized=money(profit),
        realized=money(position.realized),
        liquidation_price=to_eight_places(margin.liquidation_price(books, account, position)),
        margin_type=MarginType.ISOLATED if isolated else MarginType.CROSSED,
        isolated_wallet=money(position.isolated),
        isolated_margin=money(position.isolated + profit if isolated else 0),
        notional=money(books.notional(position)),
        leverage=leverage,
        max_notional=money(spec.max_notional(leverage)),
        initial_margin=money(place.position + place.open_orders),
        maint_margin=money(books.maintenance(position)),
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
