"""The closed vocabularies of orders as a request spells them, each with its own refusal."""

from perpmesh.exchange.errors import ExchangeError, refusal
from perpmesh.exchange.words import OrderType, PositionSide, PriceMatch, SelfTrade, Side, TimeInForce, WorkingType
from perpmesh.exchange_sim.domain.params import Params, missing


def side(params: Params) -> Side:
    chosen = params.one_of("side", Side, ExchangeError(-1117, "Invalid side."))
    if chosen is None:
        raise missing("side")
    return chosen


def order_type(params: Params) -> OrderType:
    chosen = params.one_of("type", OrderType, refusal(-1116))
    if chosen is None:
        raise missing("type")
    return chosen


def time_in_force(params: Params) -> TimeInForce | None:
    chosen = params.one_of("timeInForce", TimeInForce, refusal(-1115))
    return TimeInForce.GTC if chosen is TimeInForce.GTE_GTC else chosen


def position_side(params: Params) -> PositionSide | None:
    return params.one_of("positionSide", PositionSide, ExchangeError(-4060, "Invalid position side."))


def self_trade(params: Params) -> SelfTrade:
    refused = ExchangeError(-5039, "Invalid self trade prevention mode")
    return params.one_of("selfTradePreventionMode", SelfTrade, refused) or SelfTrade.EXPIRE_MAKER


def price_match(params: Params) -> PriceMatch:
    return params.one_of("priceMatch", PriceMatch, ExchangeError(-5037, "Invalid price match")) or PriceMatch.NONE


def working_type(params: Params) -> WorkingType:
    refused = ExchangeError(-4031, f"Invalid parameter working type: {params.text('workingType')}")
    return params.one_of("workingType", WorkingType, refused) or WorkingType.CONTRACT_PRICE


def wants_result(params: Params) -> bool:
    """Whether the answer is to tell the order's final state; the venue's default is to acknowledge only."""
    chosen = (params.text("newOrderRespType") or "ACK").upper()
    if chosen not in ("ACK", "RESULT"):
        raise ExchangeError(-1136, "Invalid newOrderRespType.")
    return chosen == "RESULT"
