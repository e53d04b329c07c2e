"""Events of the user stream. E and the outer T are wall time; the T of a fill is market time, as in userTrades."""

from collections.abc import Mapping
from decimal import Decimal

from perpmesh.exchange.events import (
    AccountUpdated,
    AlgoUpdated,
    Event,
    LeverageChanged,
    MarginCalled,
    OrderUpdated,
)
from perpmesh.exchange.symbols import SymbolSpec
from perpmesh.exchange.views import PositionView
from perpmesh.exchange.words import Execution, MarginType
from perpmesh.exchange_sim.adapters.render import Json, money, precise, price, quantity

FILLS = (Execution.TRADE, Execution.CALCULATED)
ZERO = Decimal(0)


def user_events(specs: Mapping[str, SymbolSpec], event: Event, wall_ms: int) -> list[tuple[str, Json]]:
    """Return (account, message) pairs for what the venue tells an account of `event`; none for public facts."""
    match event:
        case OrderUpdated():
            spec = specs[event.order.symbol]
            lite = [_trade_lite(spec, event, wall_ms)] if event.execution is Execution.TRADE else []
            messages = [*lite, _order_update(spec, event, wall_ms)]
        case AccountUpdated():
            messages = [_account_update(specs, event, wall_ms)]
        case AlgoUpdated():
            messages = [_algo_update(specs[event.algo.symbol], event, wall_ms)]
        case LeverageChanged():
            config = {"s": event.symbol, "l": event.leverage}
            messages = [{"e": "ACCOUNT_CONFIG_UPDATE", "E": wall_ms, "T": wall_ms, "ac": config}]
        case MarginCalled():
            messages = [_margin_call(specs, event, wall_ms)]
        case _:
            return []
    return [(event.account, message) for message in messages]


def listen_key_expired(key: str, wall_ms: int) -> Json:
    return {"e": "listenKeyExpired", "E": wall_ms, "listenKey": key}


def _order_update(spec: SymbolSpec, event: OrderUpdated, wall_ms: int) -> Json:
    order, filled = event.order, event.execution in FILLS
    body: Json = {
        "s": order.symbol,
        "c": order.client_order_id,
        "S": order.side,
        "o": order.type,
        "f": order.time_in_force,
        "q": quantity(spec, order.quantity),
        "p": price(spec, order.price),
        "ap": precise(order.avg_price) if order.avg_price else "0",
        "sp": price(spec, order.stop_price),
        "x": event.execution,
        "X": order.status,
        "i": order.order_id,
        **({"M": str(event.modify_id)} if event.modify_id else {}),
        "l": quantity(spec, event.last_quantity),
        "z": quantity(spec, order.executed),
        "L": price(spec, event.last_price),
    }
    if filled:
        body |= {"n": money(event.commission), "N": spec.quote}
    return {
        "e": "ORDER_TRADE_UPDATE",
        "T": wall_ms,
        "E": wall_ms,
        "o": {
            **body,
            "T": event.market_ms if filled else order.update_time,
            "t": event.trade_id,
            "b": "0",
            "a": "0",
            "m": event.maker,
            "R": order.reduce_only,
            "wt": order.working_type,
            "ot": order.orig_type,
            "ps": order.position_side,
            "cp": order.close_position,
            "rp": money(event.realized),
            "pP": order.price_protect,
            "si": 0,
            "ss": 0,
            "V": order.self_trade,
            "pm": order.price_match,
            "gtd": order.good_till_date,
            "er": str(event.expire_reason),
        },
    }


def _trade_lite(spec: SymbolSpec, event: OrderUpdated, wall_ms: int) -> Json:
    order = event.order
    return {
        "e": "TRADE_LITE",
        "E": wall_ms,
        "T": wall_ms,
        "s": order.symbol,
        "q": quantity(spec, order.quantity),
        "p": price(spec, order.price),
        "m": event.maker,
        "c": order.client_order_id,
        "S": order.side,
        "L": price(spec, event.last_price),
        "l": quantity(spec, event.last_quantity),
        "t": event.trade_id,
        "i": order.order_id,
    }


def _account_update(specs: Mapping[str, SymbolSpec], event: AccountUpdated, wall_ms: int) -> Json:
    balance = {
        "a": "USDT",
        "wb": money(event.wallet),
        "cw": money(event.cross_wallet),
        "bc": money(event.balance_change),
    }
    positions = [_position(specs[held.symbol], held) for held in event.positions]
    return {
        "e": "ACCOUNT_UPDATE",
        "T": wall_ms,
        "E": wall_ms,
        "a": {"m": event.reason, "B": [balance], "P": positions, **({"S": event.symbol} if event.symbol else {})},
    }


def _position(spec: SymbolSpec, held: PositionView) -> Json:
    return {
        "s": held.symbol,
        "pa": quantity(spec, held.amount),
        "ep": precise(held.entry_price),
        "bep": precise(held.break_even_price),
        "cr": money(held.realized),
        "up": money(held.unrealized),
        "mt": _margin_word(held),
        "iw": money(held.isolated_wallet) if held.is_isolated else "0",
        "ps": held.position_side,
    }


def _margin_word(held: PositionView) -> str:
    return "isolated" if held.margin_type is MarginType.ISOLATED else "cross"


def _algo_update(spec: SymbolSpec, event: AlgoUpdated, wall_ms: int) -> Json:
    algo = event.algo
    return {
        "e": "ALGO_UPDATE",
        "T": wall_ms,
        "E": wall_ms,
        "o": {
            "caid": algo.client_algo_id,
            "aid": algo.algo_id,
            "at": "CONDITIONAL",
            "o": algo.type,
            "s": algo.symbol,
            "S": algo.side,
            "ps": algo.position_side,
            "f": algo.time_in_force,
            "q": quantity(spec, algo.quantity),
            "X": algo.status,
            "ai": str(algo.actual_order_id) if algo.actual_order_id else "",
            "ap": precise(algo.actual_price) if algo.actual_price else price(spec, ZERO),
            "aq": quantity(spec, algo.actual_quantity),
            "act": algo.actual_type or "",
            "tp": price(spec, algo.trigger_price),
            "p": price(spec, algo.price),
            "V": algo.self_trade,
            "wt": algo.working_type,
            "pm": algo.price_match,
            "cp": algo.close_position,
            "pP": algo.price_protect,
            "R": algo.reduce_only,
            "tt": algo.trigger_time,
            "gtd": algo.good_till_date,
            "rm": algo.reject_reason,
            "ia": algo.activated,
        },
    }


def _margin_call(specs: Mapping[str, SymbolSpec], event: MarginCalled, wall_ms: int) -> Json:
    return {
        "e": "MARGIN_CALL",
        "E": wall_ms,
        **({} if event.cross_wallet is None else {"cw": money(event.cross_wallet)}),
        "p": [
            {
                "s": held.symbol,
                "ps": held.position_side,
                "pa": quantity(specs[held.symbol], held.amount),
                "mt": _margin_word(held).upper() if held.is_isolated else "CROSSED",
                "iw": money(held.isolated_wallet if held.is_isolated else ZERO),
                "mp": money(held.mark_price),
                "up": money(held.unrealized),
                "mm": money(held.maint_margin),
            }
            for held in event.positions
        ],
    }
