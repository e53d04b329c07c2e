"""The endpoints that trade: orders, conditional orders, and the settings that orders depend on."""

import json
from collections.abc import Callable
from typing import Any

from perpmesh.exchange.commands import (
    CancelAlgoOrder,
    CancelAllAlgoOrders,
    CancelAllOrders,
    CancelOrder,
    CountdownCancelAll,
    PlaceAlgoOrder,
    PlaceOrder,
    SetLeverage,
    SetMarginType,
    SetPositionMode,
)
from perpmesh.exchange.errors import ExchangeError, refusal
from perpmesh.exchange.events import AlgoUpdated, OrderUpdated
from perpmesh.exchange.views import OrderView
from perpmesh.exchange.words import (
    MarginType,
    OrderType,
    PositionSide,
    SelfTrade,
    Side,
    TimeInForce,
    WorkingType,
)
from perpmesh.exchange_sim.adapters.ask import Ask, Routes, Security, with_symbol
from perpmesh.exchange_sim.adapters.render import (
    Json,
    algo_ack,
    algo_full,
    algo_listed,
    as_acknowledged,
    order_ack,
    order_full,
)
from perpmesh.exchange_sim.domain.params import Params, invalid, missing

DONE: Json = {"code": 200, "msg": "success"}
BATCH_PLACED, BATCH_CANCELED = 5, 10
SIGNED = Security.SIGNED


def add_trade_routes(routes: Routes) -> None:
    """Enter the trading endpoints into the table."""
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
    routes.add("POST /fapi/v1/algoOrder", place_algo, SIGNED, weight=0, orders=1)
    routes.add("GET /fapi/v1/algoOrder", query_algo, SIGNED)
    routes.add("DELETE /fapi/v1/algoOrder", cancel_algo, SIGNED)
    routes.add("GET /fapi/v1/openAlgoOrders", open_algos, SIGNED, weight=with_symbol(1, 40))
    routes.add("GET /fapi/v1/allAlgoOrders", all_algos, SIGNED, weight=5)
    routes.add("DELETE /fapi/v1/algoOpenOrders", cancel_all_algos, SIGNED)
    routes.add("POST /fapi/v1/leverage", set_leverage, SIGNED)
    routes.add("POST /fapi/v1/marginType", set_margin_type, SIGNED)
    routes.add("POST /fapi/v1/positionSide/dual", set_position_mode, SIGNED)


def place_order(ask: Ask) -> Json:
    return _place(ask, ask.params)


def _place(ask: Ask, params: Params) -> Json:
    command = order_command(ask, params)
    placed = next(event for event in ask.execute(command) if isinstance(event, OrderUpdated)).order
    order = ask.venue.engine.order(ask.account, placed.symbol, order_id=placed.order_id)
    if (params.text("newOrderRespType") or "ACK").upper() != "RESULT":
        order = as_acknowledged(order)
    return order_ack(ask.spec(order.symbol), order)


def order_command(ask: Ask, params: Params) -> PlaceOrder:
    """Read POST order; a conditional type is for the machine to refuse."""
    return PlaceOrder(
        ask.account,
        ask.known(params.needed("symbol")),
        _side(params),
        _type(params),
        quantity=params.decimal("quantity"),
        price=params.decimal("price"),
        time_in_force=_time_in_force(params),
        reduce_only=params.boolean("reduceOnly"),
        position_side=_position_side(params),
        client_order_id=params.text("newClientOrderId"),
        self_trade=_self_trade(params),
        good_till_date=params.integer("goodTillDate") or 0,
    )


def query_order(ask: Ask) -> Json:
    return order_full(ask.spec(ask.symbol()), _found(ask))


def query_open_order(ask: Ask) -> Json:
    order = _found(ask)
    if not order.status.is_open:
        raise refusal(-2013)
    return order_full(ask.spec(order.symbol), order)


def cancel_order(ask: Ask) -> Json:
    return _cancel(ask, ask.symbol(), ask.params.integer("orderId"), ask.params.text("origClientOrderId"))


def _cancel(ask: Ask, symbol: str, order_id: int | None, client_id: str | None) -> Json:
    if order_id is None and client_id is None:
        raise _one_must_be_sent("origClientOrderId", "orderId")
    events = ask.execute(CancelOrder(ask.account, symbol, order_id, None if order_id is not None else client_id))
    canceled = next(event for event in events if isinstance(event, OrderUpdated)).order
    return order_ack(ask.spec(symbol), canceled)


def open_orders(ask: Ask) -> list[Json]:
    found = ask.venue.engine.open_orders(ask.account, ask.maybe_symbol())
    return [order_full(ask.spec(order.symbol), order) for order in found]


def all_orders(ask: Ask) -> list[Json]:
    """Return orders of the last days, by `time`, which is wall time."""
    start, end, order_id = (ask.params.integer(name) for name in ("startTime", "endTime", "orderId"))
    limit = ask.params.limit(500, 1_000)
    found = [
        order
        for order in ask.venue.engine.all_orders(ask.account, ask.maybe_symbol())
        if (start is None or order.time >= start) and (end is None or order.time <= end)
        if order_id is None or order.order_id >= order_id
    ]
    found = found[-limit:] if start is None and order_id is None else found[:limit]
    rows = ((order, order_full(ask.spec(order.symbol), order)) for order in found)
    return [{**row, "cumBase": row["executedQty"], "pair": order.symbol} for order, row in rows]


def cancel_all_orders(ask: Ask) -> Json:
    ask.execute(CancelAllOrders(ask.account, ask.symbol()))
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def place_batch(ask: Ask) -> list[Json]:
    rows = _batch(ask.params)
    if not 0 < len(rows) <= BATCH_PLACED:
        raise ExchangeError(-4082, f"Invalid number of batch place orders: {len(rows)}")
    return [_each(lambda row=row: _place(ask, row)) for row in rows]  # type: ignore[misc]


def cancel_batch(ask: Ask) -> list[Json]:
    symbol = ask.symbol()
    ids = _json_list(ask.params, "orderIdList") or _json_list(ask.params, "orderidlist")
    clients = _json_list(ask.params, "origClientOrderIdList") or _json_list(ask.params, "origclientorderidlist")
    asked: list[tuple[int | None, str | None]] = [(int(each), None) for each in ids]
    asked += [(None, str(each)) for each in clients] if not ids else []
    if not 0 < len(asked) <= BATCH_CANCELED:
        raise invalid("orderIdList")
    return [_each(lambda one=one: _cancel(ask, symbol, *one)) for one in asked]  # type: ignore[misc]


def countdown(ask: Ask) -> Json:
    symbol, wait_ms = ask.symbol(), ask.params.needed_integer("countdownTime")
    ask.execute(CountdownCancelAll(ask.account, symbol, wait_ms))
    return {"symbol": symbol, "countdownTime": str(wait_ms)}


def place_algo(ask: Ask) -> Json:
    if ask.params.needed("algoType").upper() != "CONDITIONAL":
        raise invalid("algoType")
    events = ask.execute(algo_command(ask, ask.params))
    placed = next(event for event in events if isinstance(event, AlgoUpdated)).algo
    return algo_ack(ask.spec(placed.symbol), placed)


def algo_command(ask: Ask, params: Params) -> PlaceAlgoOrder:
    working = params.one_of("workingType", WorkingType) or WorkingType.CONTRACT_PRICE
    return PlaceAlgoOrder(
        ask.account,
        ask.known(params.needed("symbol")),
        _side(params),
        _type(params),
        trigger_price=params.decimal("triggerPrice"),
        quantity=params.decimal("quantity"),
        price=params.decimal("price"),
        time_in_force=_time_in_force(params),
        reduce_only=params.boolean("reduceOnly"),
        close_position=params.boolean("closePosition") or False,
        position_side=_position_side(params),
        working_type=working,
        price_protect=params.boolean("priceProtect") or False,
        activate_price=params.decimal("activatePrice"),
        callback_rate=params.decimal("callbackRate"),
        client_algo_id=params.text("clientAlgoId"),
        self_trade=_self_trade(params),
        good_till_date=params.integer("goodTillDate") or 0,
    )


def query_algo(ask: Ask) -> Json:
    algo_id, client_id = _algo_ids(ask)
    algo = ask.venue.engine.algo(ask.account, algo_id=algo_id, client_algo_id=client_id)
    return algo_full(ask.spec(algo.symbol), algo)


def cancel_algo(ask: Ask) -> Json:
    events = ask.execute(CancelAlgoOrder(ask.account, *_algo_ids(ask)))
    canceled = next(event for event in events if isinstance(event, AlgoUpdated)).algo
    return {
        "algoId": canceled.algo_id,
        "clientAlgoId": canceled.client_algo_id,
        "code": "200",
        "msg": "success",
    }


def open_algos(ask: Ask) -> list[Json]:
    algo_id = ask.params.integer("algoId")
    found = ask.venue.engine.open_algos(ask.account, ask.maybe_symbol())
    return [algo_listed(ask.spec(algo.symbol), algo) for algo in found if algo_id in (None, algo.algo_id)]


def all_algos(ask: Ask) -> list[Json]:
    start, end, algo_id = (ask.params.integer(name) for name in ("startTime", "endTime", "algoId"))
    limit = ask.params.limit(500, 1_000)
    found = [
        algo
        for algo in ask.venue.engine.all_algos(ask.account, ask.symbol())
        if (start is None or algo.create_time >= start) and (end is None or algo.create_time <= end)
        if algo_id is None or algo.algo_id >= algo_id
    ]
    found = found[-limit:] if start is None and algo_id is None else found[:limit]
    return [algo_listed(ask.spec(algo.symbol), algo) for algo in found]


def cancel_all_algos(ask: Ask) -> Json:
    ask.execute(CancelAllAlgoOrders(ask.account, ask.symbol()))
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def set_leverage(ask: Ask) -> Json:
    symbol, leverage = ask.symbol(), ask.params.needed_integer("leverage")
    ask.execute(SetLeverage(ask.account, symbol, leverage))
    limit = ask.venue.engine.settings(ask.account, symbol).max_notional
    return {"leverage": leverage, "maxNotionalValue": f"{limit:.0f}", "symbol": symbol}


def set_margin_type(ask: Ask) -> Json:
    symbol, kind = ask.symbol(), ask.params.one_of("marginType", MarginType)
    if kind is None:
        raise missing("marginType")
    ask.execute(SetMarginType(ask.account, symbol, kind))
    return DONE


def set_position_mode(ask: Ask) -> Json:
    dual = ask.params.boolean("dualSidePosition")
    if dual is None:
        raise missing("dualSidePosition")
    ask.execute(SetPositionMode(ask.account, dual))
    return DONE


def _found(ask: Ask) -> OrderView:
    order_id, client_id = ask.params.integer("orderId"), ask.params.text("origClientOrderId")
    if order_id is None and client_id is None:
        raise _one_must_be_sent("origClientOrderId", "orderId")
    if order_id is not None:
        return ask.venue.engine.order(ask.account, ask.symbol(), order_id=order_id)
    return ask.venue.engine.order(ask.account, ask.symbol(), client_order_id=client_id)


def _algo_ids(ask: Ask) -> tuple[int | None, str | None]:
    algo_id, client_id = ask.params.integer("algoId"), ask.params.text("clientAlgoId")
    if algo_id is None and client_id is None:
        raise _one_must_be_sent("clientAlgoId", "algoId")
    return algo_id, None if algo_id is not None else client_id


def _one_must_be_sent(first: str, second: str) -> ExchangeError:
    return ExchangeError(-1102, f"Param '{first}' or '{second}' must be sent, but both were empty/null!")


def _side(params: Params) -> Side:
    side = params.one_of("side", Side, ExchangeError(-1117, "Invalid side."))
    if side is None:
        raise missing("side")
    return side


def _type(params: Params) -> OrderType:
    kind = params.one_of("type", OrderType, refusal(-1116))
    if kind is None:
        raise missing("type")
    return kind


def _time_in_force(params: Params) -> TimeInForce | None:
    chosen = params.one_of("timeInForce", TimeInForce, refusal(-1115))
    return TimeInForce.GTC if chosen is TimeInForce.GTE_GTC else chosen


def _position_side(params: Params) -> PositionSide | None:
    return params.one_of("positionSide", PositionSide, ExchangeError(-4060, "Invalid position side."))


def _self_trade(params: Params) -> SelfTrade:
    return params.one_of("selfTradePreventionMode", SelfTrade) or SelfTrade.EXPIRE_MAKER


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
    return [Params({name: str(value) for name, value in row.items()}) for row in rows]


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
