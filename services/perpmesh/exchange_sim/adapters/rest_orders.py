"""The endpoints of ordinary orders: placed, changed, cancelled and looked up, one by one and in batches."""

import json
from collections.abc import Callable
from typing import Any

from perpmesh.exchange.commands import AmendOrder, CancelAllOrders, CancelOrder, CountdownCancelAll, PlaceOrder
from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange.events import OrderUpdated
from perpmesh.exchange.views import OrderView
from perpmesh.exchange.words import OrderStatus
from perpmesh.exchange_sim.adapters.ask import Ask, Routes, Security, from_id_on, with_symbol
from perpmesh.exchange_sim.adapters.render import Json
from perpmesh.exchange_sim.adapters.render_orders import (
    amendment,
    order_amended,
    order_forced,
    order_listed,
    order_open,
    order_queried,
    order_tested,
)
from perpmesh.exchange_sim.adapters.written import Written, order_canceled, order_placed, written_list
from perpmesh.exchange_sim.application.history import Wanted
from perpmesh.exchange_sim.domain import order_words
from perpmesh.exchange_sim.domain.params import Params, invalid, one_missing
from perpmesh.exchange_sim.domain.refusals import refusal
from perpmesh.exchange_sim.domain.span import DAY_MS, days, wall_span

ALL_CANCELED: Json = {"code": 200, "msg": "The operation of cancel all open order is done."}
FORCED = {"LIQUIDATION": "autoclose-", "ADL": "adl_autoclose"}  # how the client ids of such orders begin
ONE, BATCH = (1, 1), (5, 1)  # orders counted in 10 s and in a minute; a batch counts alike, however many it holds
BATCH_PLACED, BATCH_CANCELED = 5, 10
SIGNED = Security.SIGNED


def add_order_routes(routes: Routes) -> None:
    """Enter the endpoints of ordinary orders into the table."""
    routes.add("POST /fapi/v1/order", place_order, SIGNED, weight=0, orders=ONE)
    routes.add("POST /fapi/v1/order/test", test_order, SIGNED, weight=0)
    routes.add("PUT /fapi/v1/order", amend_order, SIGNED, weight=0, orders=ONE)
    routes.add("PUT /fapi/v1/batchOrders", amend_batch, SIGNED, weight=5, orders=BATCH)
    routes.add("GET /fapi/v1/orderAmendment", amendments, SIGNED)
    routes.add("GET /fapi/v1/forceOrders", forced_orders, SIGNED, weight=with_symbol(20, 50))
    routes.add("GET /fapi/v1/order", query_order, SIGNED)
    routes.add("DELETE /fapi/v1/order", cancel_order, SIGNED)
    routes.add("GET /fapi/v1/openOrder", query_open_order, SIGNED)
    routes.add("GET /fapi/v1/openOrders", open_orders, SIGNED, weight=with_symbol(1, 40))
    routes.add("GET /fapi/v1/allOrders", all_orders, SIGNED, weight=5)
    routes.add("DELETE /fapi/v1/allOpenOrders", cancel_all_orders, SIGNED)
    routes.add("POST /fapi/v1/batchOrders", place_batch, SIGNED, weight=5, orders=BATCH)
    routes.add("DELETE /fapi/v1/batchOrders", cancel_batch, SIGNED)
    routes.add("POST /fapi/v1/countdownCancelAll", countdown, SIGNED, weight=10)


def place_order(ask: Ask) -> Written:
    return _place(ask, ask.params)


def _place(ask: Ask, params: Params) -> Written:
    """Answer with the order as it was when it was new, or as it is when the client wants to know (RESULT)."""
    command, result = order_command(ask, params), order_words.wants_result(params)
    told = [event for event in ask.execute(command) if type(event) is OrderUpdated]
    number = told[0].now[1].order_id
    return order_placed(next(fact for fact in reversed(told) if fact.now[1].order_id == number) if result else told[0])


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
        reduce_only=order_words.reduce_only(params),
        position_side=order_words.position_side(params),
        client_order_id=params.text("newClientOrderId"),
        price_match=order_words.price_match(params),
        self_trade=order_words.self_trade(params),
        good_till_date=params.integer("goodTillDate") or 0,
    )


def test_order(ask: Ask) -> Json:
    """Answer as if the order had been placed; it has no number and leaves no trace."""
    order_words.wants_result(ask.params)
    order = ask.venue.engine.test(order_command(ask, ask.params), wall_ms=ask.wall_ms)
    return order_tested(ask.spec(order.symbol), order)


def amend_order(ask: Ask) -> Json:
    return _amend(ask, ask.params)


def _amend(ask: Ask, params: Params) -> Json:
    command = amend_command(ask, params)
    changed = next(event for event in ask.execute(command) if isinstance(event, OrderUpdated)).order
    order = ask.venue.engine.order(ask.account, changed.symbol, order_id=changed.order_id)
    return order_amended(ask.spec(order.symbol), order, command.modify_id)


def amend_command(ask: Ask, params: Params) -> AmendOrder:
    symbol, side = ask.symbol(params), order_words.side(params)
    order_id, client_id = _order_ids(params)
    return AmendOrder(
        ask.account,
        symbol,
        side,
        quantity=params.needed_decimal("quantity"),
        price=params.decimal("price"),
        order_id=order_id,
        client_order_id=client_id,
        price_match=order_words.price_match(params),
        reduce_only=order_words.reduce_only(params),
        modify_id=params.integer("modifyId") or 0,
    )


def amendments(ask: Ask) -> list[Json]:
    """Return the changes of one order, by wall time; the newest unless a start is given."""
    symbol, span, limit = ask.symbol(), wall_span(ask.params), ask.params.limit(50, 100)
    order_id, client_id = _order_ids(ask.params)
    rows = [
        row
        for row in ask.venue.engine.amendments(ask.account, symbol)
        if (row.order_id == order_id or row.client_order_id == client_id) and row.time in span
    ]
    return [amendment(ask.spec(symbol), row) for row in span.first(rows, limit)]


def forced_orders(ask: Ask) -> list[Json]:
    """Return the orders with which the venue closed positions by force, by wall time."""
    symbol, span, limit = ask.maybe_symbol(), wall_span(ask.params, days(7)), ask.params.limit(50, 100)
    kind = ask.params.text("autoCloseType")
    if kind is not None and kind not in FORCED:
        raise invalid("autoCloseType")
    prefixes = tuple(FORCED.values()) if kind is None else FORCED[kind]
    orders = [
        order
        for order in ask.venue.history.orders(
            Wanted(account=ask.account, symbol=symbol, start=span.start or 0, end=span.end)
        )
        if order.client_order_id.startswith(prefixes)
    ]
    return [order_forced(ask.spec(order.symbol), order) for order in span.first(orders, limit)]


def query_order(ask: Ask) -> Json:
    return order_queried(ask.spec(ask.symbol()), _found(ask))


def query_open_order(ask: Ask) -> Json:
    order = _found(ask)
    if not order.status.is_open:
        raise refusal(-2013)
    return order_open(ask.spec(order.symbol), order)


def cancel_order(ask: Ask) -> Written:
    return _cancel(ask, ask.symbol(), *_order_ids(ask.params))


def _cancel(ask: Ask, symbol: str, order_id: int | None, client_id: str | None) -> Written:
    events = ask.execute(CancelOrder(ask.account, symbol, order_id, client_id))
    return order_canceled(next(event for event in events if isinstance(event, OrderUpdated)))


def open_orders(ask: Ask) -> list[Json]:
    found = ask.venue.engine.open_orders(ask.account, ask.maybe_symbol())
    return [order_queried(ask.spec(order.symbol), order) for order in found]


def all_orders(ask: Ask) -> list[Json]:
    """Return orders of the last days, by `time`, which is wall time."""
    wanted = from_id_on(ask, "orderId", ask.maybe_symbol)
    return [order_listed(ask.spec(order.symbol), order) for order in ask.venue.history.orders(wanted)]


def cancel_all_orders(ask: Ask) -> Json:
    ask.execute(CancelAllOrders(ask.account, ask.symbol()))
    return ALL_CANCELED


def place_batch(ask: Ask) -> Written:
    rows = _batch(ask.params)
    if not 0 < len(rows) <= BATCH_PLACED:
        raise refusal(-4082, len(rows))
    return written_list(_each(lambda row=row: _place(ask, row)) for row in rows)  # type: ignore[misc]


def amend_batch(ask: Ask) -> list[Json]:
    rows = _batch(ask.params)
    if not 0 < len(rows) <= BATCH_PLACED:
        raise refusal(-4082, len(rows))
    return [_each(lambda row=row: _amend(ask, row)) for row in rows]  # type: ignore[misc]


def cancel_batch(ask: Ask) -> Written:
    symbol, ids, clients = ask.symbol(), _ids(ask.params, "orderIdList"), _ids(ask.params, "origClientOrderIdList")
    if not ids and not clients:
        raise one_missing("orderIdList", "origClientOrderIdList")
    if len(ids or clients) > BATCH_CANCELED:
        raise refusal(-4032)
    try:
        asked: list[tuple[int | None, str | None]] = [(int(each), None) for each in ids]
    except (TypeError, ValueError):
        raise invalid("orderIdList") from None
    asked = asked or [(None, str(each)) for each in clients]
    return written_list(_each(lambda one=one: _cancel(ask, symbol, *one)) for one in asked)  # type: ignore[misc]


def _ids(params: Params, name: str) -> list[Any]:
    """Read a list of ids; python-binance sends the name in small letters."""
    return _json_list(params, name) or _json_list(params, name.lower())


def countdown(ask: Ask) -> Json:
    symbol, wait_ms = ask.symbol(), ask.params.needed_integer("countdownTime")
    ask.execute(CountdownCancelAll(ask.account, symbol, wait_ms))
    return {"symbol": symbol, "countdownTime": str(wait_ms)}


def _order_ids(params: Params) -> tuple[int | None, str | None]:
    """Return the number, which wins, or else the client id; raise -1102 without either."""
    order_id, client_id = params.integer("orderId"), params.text("origClientOrderId")
    if order_id is None and client_id is None:
        raise one_missing("origClientOrderId", "orderId")
    return order_id, None if order_id is not None else client_id


def is_forgotten(order: OrderView, wall_ms: int) -> bool:
    """Whether GET order finds it no more: 3 days after it ended without a fill, 90 days after it was placed."""
    ended_empty = order.status in (OrderStatus.CANCELED, OrderStatus.EXPIRED) and not order.executed
    return wall_ms - order.time > (3 if ended_empty else 90) * DAY_MS


def _found(ask: Ask) -> OrderView:
    order = _remembered(ask)
    if is_forgotten(order, ask.wall_ms):
        raise refusal(-2013)
    return order


def _remembered(ask: Ask) -> OrderView:
    order_id, client_id = _order_ids(ask.params)
    return ask.venue.history.order(ask.account, ask.symbol(), order_id, client_id)


def _each(act: Callable[[], Json | Written]) -> Json | Written:
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


def _json_list(params: Params, name: str) -> list[Any]:
    try:
        value = json.loads(params.text(name) or "[]")
    except ValueError:
        raise invalid(name) from None
    if not isinstance(value, list):
        raise invalid(name)
    return value
