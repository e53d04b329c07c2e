"""Orders, conditional orders and fills as JSON: one table of fields for each, and the fields that each method shows."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from perpmesh.exchange.symbols import SymbolSpec
from perpmesh.exchange.views import AlgoView, AmendmentView, OrderView, TradeView
from perpmesh.exchange.words import Side
from perpmesh.exchange_sim.adapters.render import ZERO, Json, money, precise, price, quantity, shape


def _average(spec: SymbolSpec, value: Decimal) -> str:
    return precise(value) if value else price(spec, ZERO)


ORDER: Final[dict[str, Callable[[SymbolSpec, OrderView], Any]]] = {
    "orderId": lambda _, order: order.order_id,
    "symbol": lambda _, order: order.symbol,
    "pair": lambda _, order: order.symbol,
    "status": lambda _, order: order.status,
    "clientOrderId": lambda _, order: order.client_order_id,
    "price": lambda spec, order: price(spec, order.price),
    "avgPrice": lambda spec, order: _average(spec, order.avg_price),
    "origQty": lambda spec, order: quantity(spec, order.quantity),
    "executedQty": lambda spec, order: quantity(spec, order.executed),
    "cumQty": lambda spec, order: quantity(spec, order.executed),
    "cumBase": lambda spec, order: quantity(spec, order.executed),
    "cumQuote": lambda _, order: money(order.cum_quote),
    "timeInForce": lambda _, order: order.time_in_force,
    "type": lambda _, order: order.type,
    "origType": lambda _, order: order.orig_type,
    "reduceOnly": lambda _, order: order.reduce_only,
    "closePosition": lambda _, order: order.close_position,
    "side": lambda _, order: order.side,
    "positionSide": lambda _, order: order.position_side,
    "stopPrice": lambda spec, order: price(spec, order.stop_price),
    "workingType": lambda _, order: order.working_type,
    "priceProtect": lambda _, order: order.price_protect,
    "priceMatch": lambda _, order: order.price_match,
    "selfTradePreventionMode": lambda _, order: order.self_trade,
    "goodTillDate": lambda _, order: order.good_till_date,
    "time": lambda _, order: order.time,
    "updateTime": lambda _, order: order.update_time,
}
order_amended_head = shape(ORDER, "orderId symbol pair status clientOrderId")
order_amended_tail = shape(
    ORDER,
    "price origQty executedQty cumQty timeInForce type reduceOnly closePosition side positionSide stopPrice "
    "workingType priceProtect origType priceMatch selfTradePreventionMode goodTillDate updateTime",
)
order_tested = shape(
    ORDER,
    "clientOrderId cumQty cumQuote executedQty orderId avgPrice origQty price reduceOnly side positionSide status "
    "stopPrice closePosition symbol timeInForce type origType updateTime workingType priceProtect priceMatch "
    "selfTradePreventionMode goodTillDate",
)
order_queried = shape(
    ORDER,
    "avgPrice clientOrderId cumQuote executedQty orderId origQty origType price reduceOnly side positionSide "
    "status stopPrice closePosition symbol time timeInForce type updateTime workingType priceProtect priceMatch "
    "selfTradePreventionMode goodTillDate",
)
order_open = shape(
    ORDER,
    "avgPrice clientOrderId cumQuote executedQty orderId origQty origType price reduceOnly side status "
    "positionSide stopPrice closePosition symbol time timeInForce type updateTime workingType priceProtect "
    "priceMatch selfTradePreventionMode goodTillDate",
)
order_listed = shape(
    ORDER,
    "avgPrice clientOrderId cumQuote cumBase executedQty orderId origQty origType price reduceOnly side "
    "positionSide status stopPrice closePosition symbol pair time timeInForce type updateTime workingType "
    "priceProtect priceMatch selfTradePreventionMode goodTillDate",
)
order_forced = shape(
    ORDER,
    "orderId symbol pair status clientOrderId price avgPrice origQty executedQty cumQuote cumBase timeInForce "
    "type reduceOnly closePosition side positionSide stopPrice workingType origType time updateTime",
)


def order_amended(spec: SymbolSpec, order: OrderView, modify_id: int) -> Json:
    """Return the answer to PUT order; `modifyId` is there when the caller gave one."""
    mark = {"modifyId": modify_id} if modify_id else {}
    return {**order_amended_head(spec, order), **mark, **order_amended_tail(spec, order)}


def amendment(spec: SymbolSpec, row: AmendmentView) -> Json:
    """One row of orderAmendment."""
    before, after = row.price_before, row.price_after
    return {
        "amendmentId": row.amendment_id,
        "symbol": row.symbol,
        "pair": row.symbol,
        "orderId": row.order_id,
        "clientOrderId": row.client_order_id,
        "time": row.time,
        "amendment": {
            "price": {"before": price(spec, before), "after": price(spec, after)},
            "origQty": {"before": quantity(spec, row.quantity_before), "after": quantity(spec, row.quantity_after)},
            "count": row.count,
            "modifyId": row.modify_id,
        },
    }


ALGO: Final[dict[str, Callable[[SymbolSpec, AlgoView], Any]]] = {
    "algoId": lambda _, algo: algo.algo_id,
    "clientAlgoId": lambda _, algo: algo.client_algo_id,
    "algoType": lambda _, __: "CONDITIONAL",
    "orderType": lambda _, algo: algo.type,
    "symbol": lambda _, algo: algo.symbol,
    "side": lambda _, algo: algo.side,
    "positionSide": lambda _, algo: algo.position_side,
    "timeInForce": lambda _, algo: algo.time_in_force,
    "quantity": lambda spec, algo: quantity(spec, algo.quantity),
    "algoStatus": lambda _, algo: algo.status,
    "actualOrderId": lambda _, algo: str(algo.actual_order_id) if algo.actual_order_id else "",
    "actualPrice": lambda spec, algo: _average(spec, algo.actual_price),
    "actualType": lambda _, algo: algo.actual_type or "",
    "actualQty": lambda spec, algo: quantity(spec, algo.actual_quantity),
    "triggerPrice": lambda spec, algo: price(spec, algo.trigger_price),
    "price": lambda spec, algo: price(spec, algo.price),
    "icebergQuantity": lambda _, __: None,
    "tpTriggerPrice": lambda spec, _: price(spec, ZERO),
    "tpPrice": lambda spec, _: price(spec, ZERO),
    "slTriggerPrice": lambda spec, _: price(spec, ZERO),
    "slPrice": lambda spec, _: price(spec, ZERO),
    "tpOrderType": lambda _, __: "",
    "selfTradePreventionMode": lambda _, algo: algo.self_trade,
    "workingType": lambda _, algo: algo.working_type,
    "priceMatch": lambda _, algo: algo.price_match,
    "closePosition": lambda _, algo: algo.close_position,
    "priceProtect": lambda _, algo: algo.price_protect,
    "reduceOnly": lambda _, algo: algo.reduce_only,
    "activatePrice": lambda spec, algo: price(spec, algo.activate_price) if algo.activate_price else "",
    "callbackRate": lambda _, algo: f"{algo.callback_rate.normalize():f}" if algo.callback_rate else "",
    "createTime": lambda _, algo: algo.create_time,
    "updateTime": lambda _, algo: algo.update_time,
    "triggerTime": lambda _, algo: algo.trigger_time,
    "goodTillDate": lambda _, algo: algo.good_till_date,
}
algo_placed = shape(
    ALGO,
    "algoId clientAlgoId algoType orderType symbol side positionSide timeInForce quantity algoStatus triggerPrice "
    "price icebergQuantity selfTradePreventionMode workingType priceMatch closePosition priceProtect reduceOnly "
    "activatePrice callbackRate createTime updateTime triggerTime goodTillDate",
)
algo_queried = shape(
    ALGO,
    "algoId clientAlgoId algoType orderType symbol side positionSide timeInForce quantity algoStatus "
    "actualOrderId actualPrice actualType actualQty triggerPrice price icebergQuantity tpOrderType "
    "selfTradePreventionMode workingType priceMatch closePosition priceProtect reduceOnly createTime updateTime "
    "triggerTime goodTillDate",
)
algo_listed = shape(
    ALGO,
    "algoId clientAlgoId algoType orderType symbol side positionSide timeInForce quantity algoStatus "
    "actualOrderId actualPrice triggerPrice price icebergQuantity tpTriggerPrice tpPrice slTriggerPrice slPrice "
    "tpOrderType selfTradePreventionMode workingType priceMatch closePosition priceProtect reduceOnly createTime "
    "updateTime triggerTime goodTillDate",
)

FILL: Final[dict[str, Callable[[SymbolSpec, TradeView], Any]]] = {
    "buyer": lambda _, fill: fill.side is Side.BUY,
    "commission": lambda _, fill: money(fill.commission),
    "commissionAsset": lambda spec, _: spec.quote,
    "id": lambda _, fill: fill.trade_id,
    "maker": lambda _, fill: fill.maker,
    "orderId": lambda _, fill: fill.order_id,
    "price": lambda spec, fill: price(spec, fill.price),
    "qty": lambda spec, fill: quantity(spec, fill.quantity),
    "quoteQty": lambda _, fill: money(fill.quote),
    "baseQty": lambda spec, fill: quantity(spec, fill.quantity),
    "marginAsset": lambda spec, _: spec.quote,
    "realizedPnl": lambda _, fill: money(fill.realized),
    "side": lambda _, fill: fill.side,
    "positionSide": lambda _, fill: fill.position_side,
    "symbol": lambda _, fill: fill.symbol,
    "pair": lambda _, fill: fill.symbol,
    "time": lambda _, fill: fill.time,
}
fill_listed = shape(FILL, " ".join(FILL))
