"""What a fill does to an account: the position, the wallet, the fee, the books of record."""

from dataclasses import dataclass

from perpmesh.exchange import fees, present
from perpmesh.exchange.events import Fill, OrderUpdated, TradePrinted
from perpmesh.exchange.state import HISTORY, Account, Order, Position, Trade
from perpmesh.exchange.symbols import PPM, SymbolSpec
from perpmesh.exchange.words import BalanceReason, Execution, IncomeType, OrderStatus, Side
from perpmesh.exchange.world import World


@dataclass(frozen=True, slots=True)
class Print:
    """A trade on the tape that one or two of our accounts take part in."""

    trade_id: int
    price: int
    lots: int


def print_trade(world: World, symbol: str, price: int, lots: int, taker: Side) -> Print:
    """Write a trade on the public tape; it is the new last price."""
    market, spec = world.state.markets[symbol], world.specs[symbol]
    market.trade_id += 1
    market.last = price
    world.unsettled = True
    if not market.mark:  # the last price stands in for it
        world.unsettle()
    world.events.append(TradePrinted(spec, market.trade_id, price, lots, taker, world.market_ms))
    return Print(market.trade_id, price, lots)


def fill(
    world: World,
    order: Order,
    trade: Print,
    *,
    maker: bool,
    execution: Execution = Execution.TRADE,
    free: bool = False,
) -> None:
    """Give `order` its part in `trade`; a `free` one pays no commission."""
    spec, account = world.specs[order.symbol], world.account_of(order)
    position = account.positions.setdefault(order.place, account.position(order.place))
    notional = trade.price * trade.lots * spec.unit
    before = position.lots
    realized = _move(account, position, spec, order.side, trade)
    world.unsettle(account)
    rate = 0 if free else fees.commission_ppm(account, spec, maker=maker)
    commission = _commission(notional, rate)
    position.fees += commission * abs(position.lots - before) // trade.lots if _grew(before, position.lots) else 0
    world.book_income(account, IncomeType.REALIZED_PNL, realized, symbol=order.symbol, trade_id=trade.trade_id)
    world.book_income(account, IncomeType.COMMISSION, -commission, symbol=order.symbol, trade_id=trade.trade_id)
    world.state.fees += commission
    position.update_time = world.wall_ms
    if before * position.lots <= 0 and before:
        world.went_flat.append((account, order.place))
    _record(world, account, order, trade, realized=realized, commission=commission, maker=maker)
    _advance(world, account, order, trade, execution=execution, realized=realized, commission=commission, maker=maker)


def _grew(before: int, after: int) -> bool:
    return abs(after) > abs(before) and before * after >= 0


def _commission(notional: int, ppm: int) -> int:
    return (notional * ppm + PPM // 2) // PPM


def _move(account: Account, position: Position, spec: SymbolSpec, side: Side, trade: Print) -> int:
    """Change the position; return the profit realised by the part that closed."""
    closing = min(abs(position.lots), trade.lots) if position.lots * side.sign < 0 else 0
    realized = _close(position, closing, side.sign * closing * trade.price * spec.unit) if closing else 0
    opening = trade.lots - closing
    worth = opening * trade.price * spec.unit
    position.lots += side.sign * opening
    position.cost += side.sign * worth
    if account.is_isolated(position.symbol):
        position.isolated += worth // account.leverage_of(position.symbol)
    return realized


def _close(position: Position, lots: int, signed_value: int) -> int:
    """Close part of a position: the same part of its cost, fees and margin leaves with it."""
    size = abs(position.lots)
    cost, fees, margin = (part * lots // size for part in (position.cost, position.fees, position.isolated))
    position.lots -= lots if position.lots > 0 else -lots
    position.cost -= cost
    position.fees -= fees
    position.isolated -= margin
    realized = -signed_value - cost
    position.realized += realized
    return realized


def _record(
    world: World, account: Account, order: Order, trade: Print, *, realized: int, commission: int, maker: bool
) -> None:
    row = Trade(
        trade_id=trade.trade_id,
        order_id=order.order_id,
        symbol=order.symbol,
        side=order.side,
        position_side=order.position_side,
        price=trade.price,
        quantity=trade.lots,
        quote=trade.price * trade.lots * world.specs[order.symbol].unit,
        realized=realized,
        commission=commission,
        maker=maker,
        time=world.market_ms,
        wall_time=world.wall_ms,
    )
    account.trades.append(row)
    del account.trades[:-HISTORY]


def _advance(
    world: World,
    account: Account,
    order: Order,
    trade: Print,
    *,
    execution: Execution,
    realized: int,
    commission: int,
    maker: bool,
) -> None:
    """Move the order on, and tell: the account first, then the order, as the exchange does."""
    spec = world.specs[order.symbol]
    world.fill_part(order, trade.lots)
    order.quote += trade.price * trade.lots * spec.unit
    if order.remaining == 0:
        world.finish(order, OrderStatus.FILLED)
    else:
        order.status = OrderStatus.PARTIALLY_FILLED
        world.touch(order)
    world.report_account(account, BalanceReason.ORDER, account.positions[order.place])
    world.events.append(
        OrderUpdated(
            order.account,
            present.order_now(spec, order),
            execution,
            world.market_ms,
            fill=Fill(trade.price, trade.lots, commission, realized, trade.trade_id, maker),
        )
    )
    world.conclude_algo(order)
