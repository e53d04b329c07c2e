"""The endpoints of conditional orders."""

from perpmesh.exchange.commands import CancelAlgoOrder, CancelAllAlgoOrders, PlaceAlgoOrder
from perpmesh.exchange.events import AlgoUpdated
from perpmesh.exchange_sim.adapters.ask import Ask, Routes, Security, from_id_on, with_symbol
from perpmesh.exchange_sim.adapters.render import Json
from perpmesh.exchange_sim.adapters.render_orders import algo_listed, algo_placed, algo_queried
from perpmesh.exchange_sim.adapters.rest_orders import ALL_CANCELED, ONE
from perpmesh.exchange_sim.domain import order_words
from perpmesh.exchange_sim.domain.params import Params, invalid, one_missing

SIGNED = Security.SIGNED


def add_algo_routes(routes: Routes) -> None:
    """Enter the endpoints of conditional orders into the table."""
    routes.add("POST /fapi/v1/algoOrder", place_algo, SIGNED, weight=0, orders=ONE)
    routes.add("GET /fapi/v1/algoOrder", query_algo, SIGNED)
    routes.add("DELETE /fapi/v1/algoOrder", cancel_algo, SIGNED)
    routes.add("GET /fapi/v1/openAlgoOrders", open_algos, SIGNED, weight=with_symbol(1, 40))
    routes.add("GET /fapi/v1/allAlgoOrders", all_algos, SIGNED, weight=5)
    routes.add("DELETE /fapi/v1/algoOpenOrders", cancel_all_algos, SIGNED)


def place_algo(ask: Ask) -> Json:
    if ask.params.needed("algoType").upper() != "CONDITIONAL":
        raise invalid("algoType")
    events = ask.execute(algo_command(ask, ask.params))
    placed = next(event for event in events if isinstance(event, AlgoUpdated)).algo
    return algo_placed(ask.spec(placed.symbol), placed)


def algo_command(ask: Ask, params: Params) -> PlaceAlgoOrder:
    return PlaceAlgoOrder(
        ask.account,
        ask.symbol(params),
        order_words.side(params),
        order_words.order_type(params),
        trigger_price=params.decimal("triggerPrice"),
        quantity=params.decimal("quantity"),
        price=params.decimal("price"),
        time_in_force=order_words.time_in_force(params),
        reduce_only=order_words.reduce_only(params),
        close_position=params.boolean("closePosition") or False,
        position_side=order_words.position_side(params),
        working_type=order_words.working_type(params),
        price_protect=params.boolean("priceProtect") or False,
        activate_price=params.decimal("activatePrice"),
        callback_rate=params.decimal("callbackRate"),
        client_algo_id=params.text("clientAlgoId"),
        price_match=order_words.price_match(params),
        self_trade=order_words.self_trade(params),
        good_till_date=params.integer("goodTillDate") or 0,
    )


def query_algo(ask: Ask) -> Json:
    algo_id, client_id = _algo_ids(ask)
    algo = ask.venue.history.algo(ask.account, algo_id, client_id)
    return algo_queried(ask.spec(algo.symbol), algo)


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
    wanted = from_id_on(ask, "algoId", ask.symbol)
    return [algo_listed(ask.spec(algo.symbol), algo) for algo in ask.venue.history.algos(wanted)]


def cancel_all_algos(ask: Ask) -> Json:
    ask.execute(CancelAllAlgoOrders(ask.account, ask.symbol()))
    return ALL_CANCELED


def _algo_ids(ask: Ask) -> tuple[int | None, str | None]:
    algo_id, client_id = ask.params.integer("algoId"), ask.params.text("clientAlgoId")
    if algo_id is None and client_id is None:
        raise one_missing("clientAlgoId", "algoId")
    return algo_id, None if algo_id is not None else client_id
