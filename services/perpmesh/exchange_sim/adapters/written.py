"""The answers to placing and cancelling, as text, straight from the machine's integers: they are asked for most."""

import json
from collections.abc import Iterable
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, Final

from perpmesh.exchange.events import OrderUpdated
from perpmesh.exchange.state import Order

ENCODE: Final = json.JSONEncoder(separators=(",", ":")).encode
BOOLEAN: Final = {False: "false", True: "true"}


class Written(str):
    """An answer that is JSON already."""

    __slots__ = ()


def written(answer: Any) -> str:
    """Return any answer as JSON."""
    return answer if isinstance(answer, Written) else ENCODE(answer)


def plain(answer: Any) -> Any:
    """Return any answer as what it was before it was written."""
    return json.loads(answer) if isinstance(answer, Written) else answer


def written_list(answers: Iterable[Any]) -> Written:
    return Written(f"[{','.join(map(written, answers))}]")


def order_placed(fact: OrderUpdated) -> Written:
    """Return the answer to POST order. It tells no average price and no cumulative quote, since 2026-07."""
    order = fact.now[1]
    return _order(fact, order, f'"type":"{order.type.value}","origType":"{order.orig_type.value}"')


def order_canceled(fact: OrderUpdated) -> Written:
    """Return the answer to DELETE order."""
    order = fact.now[1]
    return _order(fact, order, f'"origType":"{order.orig_type.value}","type":"{order.type.value}"')


def _order(fact: OrderUpdated, order: Order, types: str) -> Written:
    spec, _, price, quantity, executed, _, status, update_time, _, price_match = fact.now
    filled = spec.quantity_text(executed)
    return Written(
        f'{{"clientOrderId":{quoted(order.client_id)},"cumQty":"{filled}","executedQty":"{filled}",'
        f'"orderId":{order.order_id},"origQty":"{spec.quantity_text(quantity)}","price":"{spec.price_text(price)}",'
        f'"reduceOnly":{BOOLEAN[order.reduce_only]},"side":"{order.side.value}",'
        f'"positionSide":"{order.position_side.value}","status":"{status.value}",'
        f'"stopPrice":"{spec.price_text(order.stop_price)}","closePosition":{BOOLEAN[order.close_position]},'
        f'"symbol":"{order.symbol}","timeInForce":"{order.time_in_force.value}",{types},"updateTime":{update_time},'
        f'"workingType":"{order.working_type.value}","priceProtect":{BOOLEAN[order.price_protect]},'
        f'"priceMatch":"{price_match.value}","selfTradePreventionMode":"{order.self_trade.value}",'
        f'"goodTillDate":{order.good_till}}}'
    )
