"""The closed vocabularies of orders as a request spells them, each with its own refusal."""

from perpmesh.exchange.words import OrderType, PositionSide, PriceMatch, SelfTrade, Side, TimeInForce, WorkingType
from perpmesh.exchange_sim.domain.params import Params, missing
from perpmesh.exchange_sim.domain.refusals import refusal


def side(params: Params) -> Side:
    chosen = params.one_of("side", Side, -1117)
    if chosen is None:
        raise missing("side")
    return chosen


def order_type(params: Params) -> OrderType:
    chosen = params.one_of("type", OrderType, -1116)
    if chosen is None:
        raise missing("type")
    return chosen


def time_in_force(params: Params) -> TimeInForce | None:
    chosen = params.one_of("timeInForce", TimeInForce, -1115)
    return TimeInForce.GTC if chosen is TimeInForce.GTE_GTC else chosen


def position_side(params: Params) -> PositionSide | None:
    return params.one_of("positionSide", PositionSide, -4060)


def self_trade(params: Params) -> SelfTrade:
    return params.one_of("selfTradePreventionMode", SelfTrade, -5039) or SelfTrade.EXPIRE_MAKER


def reduce_only(params: Params) -> bool | None:
    return params.boolean("reduceOnly", -4062)


def price_match(params: Params) -> PriceMatch:
    return params.one_of("priceMatch", PriceMatch, -5037) or PriceMatch.NONE


def working_type(params: Params) -> WorkingType:
    return params.one_of("workingType", WorkingType, -4031) or WorkingType.CONTRACT_PRICE


def wants_result(params: Params) -> bool:
    """Whether the answer is to tell the order's final state; the venue's default is to acknowledge only."""
    chosen = (params.text("newOrderRespType") or "ACK").upper()
    if chosen not in ("ACK", "RESULT"):
        raise refusal(-1136)
    return chosen == "RESULT"
