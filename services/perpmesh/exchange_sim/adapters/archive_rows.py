"""Rows of the archive, written from the facts: orders and fills straight from their integers, in the codec's form.

A row is (account, id, symbol, order id, label, ms, body); the body lists the fields of the view that is read from it.
"""

from json.encoder import encode_basestring_ascii as quoted
from typing import Final, TypeAlias

from perpmesh.exchange import present
from perpmesh.exchange.events import OrderUpdated
from perpmesh.exchange.state import Income
from perpmesh.exchange.symbols import MONEY
from perpmesh.exchange.views import AlgoView
from perpmesh.exchange_sim.adapters import codec
from perpmesh.exchange_sim.adapters.written import BOOLEAN

Columns: TypeAlias = tuple[str, int, str, int, str, int, str]
PLACES: Final = len(str(MONEY)) - 1


def order_row(fact: OrderUpdated) -> Columns:
    """Return an order as it was when it ended."""
    spec, order, price, quantity, executed, quote, status, update_time, market_time, match = fact.now
    average = present.average(spec, quote, executed) if executed else 0
    body = (
        f'[{quoted(order.account)},"{order.symbol}",{order.order_id},{quoted(order.client_id)},"{order.side.value}",'
        f'"{order.position_side.value}","{order.type.value}","{order.orig_type.value}","{order.time_in_force.value}",'
        f'"{spec.price_text(price)}","{spec.quantity_text(quantity)}","{spec.quantity_text(executed)}",'
        f'"{money_text(quote)}","{average}","{status.value}",{BOOLEAN[order.reduce_only]},'
        f'{BOOLEAN[order.close_position]},"{spec.price_text(order.stop_price)}","{order.working_type.value}",'
        f'{BOOLEAN[order.price_protect]},"{order.self_trade.value}",{order.good_till},{order.time},{update_time},'
        f'{market_time},"{match.value}"]'
    )
    return fact.account, order.order_id, order.symbol, 0, order.client_id, order.time, body


def fill_row(fact: OrderUpdated) -> Columns:
    """Return the row of userTrades that the fact tells of."""
    spec, order, update_time, fill = fact.now[0], fact.now[1], fact.now[7], fact.fill
    quote = fill.price * fill.lots * spec.unit
    body = (
        f'[{quoted(fact.account)},"{order.symbol}",{fill.trade_id},{order.order_id},"{order.side.value}",'
        f'"{order.position_side.value}","{spec.price_text(fill.price)}","{spec.quantity_text(fill.lots)}",'
        f'"{money_text(quote)}","{money_text(fill.realized)}","{money_text(fill.commission)}",'
        f"{BOOLEAN[fill.maker]},{fact.market_ms},{update_time}]"
    )
    return fact.account, fill.trade_id, order.symbol, order.order_id, "", fact.market_ms, body


def income_row(account: str, row: Income) -> Columns:
    said = f'"{row.symbol}","{row.type.value}","{money_text(row.amount)}",{quoted(row.info)}'
    body = f"[{said},{row.time},{row.tran_id},{row.trade_id}]"
    return account, row.tran_id, row.symbol, 0, row.type.value, row.time, body


def algo_row(account: str, row: AlgoView) -> Columns:
    return account, row.algo_id, row.symbol, 0, row.client_algo_id, row.create_time, codec.write(row)


def money_text(units: int) -> str:
    """Write an amount of money units."""
    whole, part = divmod(abs(units), MONEY)
    return f"{'-' if units < 0 else ''}{whole}.{part:0{PLACES}d}"
