"""The endpoints of ordinary orders: placed, changed, cancelled and looked up, one by one and in batches."""

import json
from collections.abc import Callable
from typing import Any

from perpmesh.exchange.commands import CancelAllOrders, CancelOrder, CountdownCancelAll, PlaceOrder
from perpmesh.exchange.errors import ExchangeError, refusal
from perpmesh.exchange.events import OrderUpdated
from perpmesh.exchange.views import OrderView
from perpmesh.exchange_sim.adapters.ask import Ask, Routes, Security, with_symbol
from perpmesh.exchange_sim.adapters.render import Json
from perpmesh.exchange_sim.adapters.render_orders import (
    as_acknowledged,
    order_canceled,
    order_listed,
    order_open,
    order_placed,
    order_queried,
)
from perpmesh.exchange_sim.domain import order_words
from perpmesh.exchange_sim.domain.params import Params, invalid, one_missing
from perpmesh.exchange_sim.domain.span import days, wall_span

ALL_CANCELED: Json = {"code": 200, "msg": "The operation of cancel all open order is done."}
BATCH_PLACED, BATCH_CANCELED = 5, 10
SIGNED = Security.SIGNED


def add_order_routes(routes: Routes) -> None:
    """Enter the endpoints of ordinary orders into the table."""
    routes.add("POST /fapi/v1/order", place_order, SIGNED, weight=0, orders=1)
    routes.add("GET /fapi/v1/order", query_order, SIGNED)
    routes.add("DELETE /fapi/v1/order", cancel_order, SIGNED)
    routes.add("GET /fapi/v1/openOrder", query_open_order, SIGNED)
    routes.add("GET /fapi/v1/openOrders", open_orders, SIGNED, weight=with_symbol(1, 40))
    routes.add("GET /fapi/v1/allOrders", all_orders, SIGNED, weight=5)
    routes.add("DELETE /fapi/v1/allOpenOrders", cancel_all_orders, SIGNED)
    routes.add("POST /fapi/v1/batchOrders", place_batch, SIGNED, weight=5, orders=_batch_size)
    routes.add("DELETE /fapi/v1/batchOrders", cancel_batch, SIGNED)
    routes.add("POST /fapi/v1/countdownCancelAll", countdown, SIGNED, weight=10)


def place_order(ask: Ask) -> Json:
    return _place(ask, ask.params)


def _place(ask: Ask, params: Params) -> Json:
    command, result = order_command(ask, params), order_words.wants_result(params)
    placed = next(event for event in ask.execute(command) if isinstance(event, OrderUpdated)).order
    order = ask.venue.engine.order(ask.account, placed.symbol, order_id=placed.order_id)
    return order_placed(ask.spec(order.symbol), order if result else as_acknowledged(order))


def order_command(ask: Ask, params: Params) -> PlaceOrder:
    """Read POST order; a conditional type is for the machine to refuse."""
    return PlaceOrder(
        ask.account,
        ask.symbol(params),
        order_words.side(params),
        order_words.order_type(params),
        quantity=params.decimal("quantity"),
        price=params.decimal("price"),
        time_in_force=order_words.time_in_force(params),
        reduce_only=params.boolean("reduceOnly"),
        position_side=order_words.position_side(params),
        client_order_id=params.text("newClientOrderId"),
        self_trade=order_words.self_trade(params),
        good_till_date=params.integer("goodTillDate") or 0,
    )


def query_order(ask: Ask) -> Json:
    return order_queried(ask.spec(ask.symbol()), _found(ask))


def query_open_order(ask: Ask) -> Json:
    order = _found(ask)
    if not order.status.is_open:
        raise refusal(-2013)
    return order_open(ask.spec(order.symbol), order)


def cancel_order(ask: Ask) -> Json:
    return _cancel(ask, ask.symbol(), ask.params.integer("orderId"), ask.params.text("origClientOrderId"))


def _cancel(ask: Ask, symbol: str, order_id: int | None, client_id: str | None) -> Json:
    if order_id is None and client_id is None:
        raise one_missing("origClientOrderId", "orderId")
    events = ask.execute(CancelOrder(ask.account, symbol, order_id, None if order_id is not None else client_id))
    canceled = next(event for event in events if isinstance(event, OrderUpdated)).order
    return order_canceled(ask.spec(symbol), canceled)


def open_orders(ask: Ask) -> list[Json]:
    found = ask.venue.engine.open_orders(ask.account, ask.maybe_symbol())
    return [order_queried(ask.spec(order.symbol), order) for order in found]


def all_orders(ask: Ask) -> list[Json]:
    """Return orders of the last days, by `time`, which is wall time."""
    span, limit = wall_span(ask.params, days(7)), ask.params.limit(500, 1_000)
    order_id, orders = ask.params.integer("orderId"), ask.venue.engine.all_orders(ask.account, ask.maybe_symbol())
    if order_id is not None:
        found = [order for order in orders if order.order_id >= order_id and order.time in span][:limit]
    else:
        found = span.first([order for order in orders if order.time in span], limit)
    return [order_listed(ask.spec(order.symbol), order) for order in found]


def cancel_all_orders(ask: Ask) -> Json:
    ask.execute(CancelAllOrders(ask.account, ask.symbol()))
    return ALL_CANCELED


def place_batch(ask: Ask) -> list[Json]:
    rows = _batch(ask.params)
    if not 0 < len(rows) <= BATCH_PLACED:
        raise ExchangeError(-4082, f"Invalid number of batch place orders: {len(rows)}")
    return [_each(lambda row=row: _place(ask, row)) for row in rows]  # type: ignore[misc]


def cancel_batch(ask: Ask) -> list[Json]:
    symbol, ids, clients = ask.symbol(), _ids(ask.params, "orderIdList"), _ids(ask.params, "origClientOrderIdList")
    if not ids and not clients:
        raise one_missing("orderIdList", "origClientOrderIdList")
    if len(ids or clients) > BATCH_CANCELED:
        raise ExchangeError(-4032, "Exceed maximum cancel order size.")
    try:
        asked: list[tuple[int | None, str | None]] = [(int(each), None) for each in ids]
    except (TypeError, ValueError):
        raise invalid("orderIdList") from None
    asked = asked or [(None, str(each)) for each in clients]
    return [_each(lambda one=one: _cancel(ask, symbol, *one)) for one in asked]  # type: ignore[misc]


def _ids(params: Params, name: str) -> list[Any]:
    """Read a list of ids; python-binance sends the name in small letters."""
    return _json_list(params, name) or _json_list(params, name.lower())


def countdown(ask: Ask) -> Json:
    symbol, wait_ms = ask.symbol(), ask.params.needed_integer("countdownTime")
    ask.execute(CountdownCancelAll(ask.account, symbol, wait_ms))
    return {"symbol": symbol, "countdownTime": str(wait_ms)}


def _found(ask: Ask) -> OrderView:
    order_id, client_id = ask.params.integer("orderId"), ask.params.text("origClientOrderId")
    if order_id is None and client_id is None:
        raise one_missing("origClientOrderId", "orderId")
    if order_id is not None:
        return ask.venue.engine.order(ask.account, ask.symbol(), order_id=order_id)
    return ask.venue.engine.order(ask.account, ask.symbol(), client_order_id=client_id)


def _each(act: Callable[[], Json]) -> Json:
    """Answer for one item of a batch: its order, or its own refusal."""
    try:
        return act()
    except ExchangeError as error:
        return {"code": error.code, "msg": error.message}


def _batch(params: Params) -> list[Params]:
    params.needed("batchOrders")
    rows = _json_list(params, "batchOrders")
    if not all(isinstance(row, dict) for row in rows):
        raise invalid("batchOrders")
    return [Params({name: str(value) for name, value in row.items() if value is not None}) for row in rows]


def _batch_size(params: Params) -> int:
    try:
        return len(_json_list(params, "batchOrders"))
    except ExchangeError:
        return 1


def _json_list(params: Params, name: str) -> list[Any]:
    try:
        value = json.loads(params.text(name) or "[]")
    except ValueError:
        raise invalid(name) from None
    if not isinstance(value, list):
        raise invalid(name)
    return value
