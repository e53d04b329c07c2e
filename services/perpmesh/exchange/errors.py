"""Every refusal of the exchange, with Binance's own code and text."""

from typing import Final

TEXTS: Final[dict[int, str]] = {
    -1102: "Mandatory parameter '%s' was not sent, was empty/null, or malformed.",
    -1106: "Parameter '%s' sent when not required.",
    -1111: "Precision is over the maximum defined for this asset.",
    -1115: "Invalid timeInForce.",
    -1116: "Invalid orderType.",
    -1117: "Invalid side.",
    -1121: "Invalid symbol.",
    -1130: "Data sent for parameter '%s' is not valid.",
    -2007: "Invalid callBack rate.",
    -2011: "Unknown order sent.",
    -2013: "Order does not exist.",
    -2015: "Invalid API-key, IP, or permissions for action.",
    -2018: "Balance is insufficient.",
    -2019: "Margin is insufficient.",
    -2021: "Order would immediately trigger.",
    -2022: "ReduceOnly Order is rejected.",
    -2025: "Reach max open order limit.",
    -2027: "Exceeded the maximum allowable position at current leverage.",
    -2028: "Leverage is smaller than permitted: insufficient margin balance.",
    -4001: "Price less than 0.",
    -4002: "Price greater than max price.",
    -4003: "Quantity less than or equal to zero.",
    -4004: "Quantity less than min quantity.",
    -4005: "Quantity greater than max quantity.",
    -4006: "Stop price less than zero.",
    -4007: "Stop price greater than max price.",
    -4013: "Price less than min price.",
    -4014: "Price not increased by tick size.",
    -4015: "Client order id is not valid.",
    -4016: "Limit price can't be higher than %s.",
    -4023: "Qty not increased by step size.",
    -4024: "Limit price can't be lower than %s.",
    -4028: "Leverage %s is not valid",
    -4045: "Reach max stop order limit.",
    -4046: "No need to change margin type.",
    -4047: "Margin type cannot be changed if there exists open orders.",
    -4048: "Margin type cannot be changed if there exists position.",
    -4049: "Add margin only support for isolated position.",
    -4050: "Cross balance insufficient.",
    -4051: "Isolated balance insufficient.",
    -4054: "Cannot add position margin: position is 0.",
    -4055: "Amount must be positive.",
    -4059: "No need to change position side.",
    -4061: "Order's position side does not match user's setting.",
    -4067: "Position side cannot be changed if there exists open orders.",
    -4068: "Position side cannot be changed if there exists position.",
    -4108: "Symbol is on delivering or delivered or settling or closed or pre-trading.",
    -4116: "clientOrderId is duplicated",
    -4120: "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.",
    -4130: "An open stop or take profit order with GTE and closePosition in the direction is existing.",
    -4131: "The counterparty's best price does not meet the PERCENT_PRICE filter limit",
    -4135: "Invalid activation price.",
    -4136: "Target strategy invalid for orderType %s,closePosition %s",
    -4137: "Quantity must be zero with closePosition equals true",
    -4138: "Reduce only must be true with closePosition equals true",
    -4140: "Invalid symbol status for opening position",
    -4161: "Leverage reduction is not supported in Isolated Margin Mode with open positions",
    -4164: "Order's notional must be no smaller than %s (unless you choose reduce only).",
    -4183: "Limit price can't be higher than %s.",
    -4184: "Limit price can't be lower than %s.",
    -5021: "Due to the order could not be filled immediately, the FOK order has been rejected. "
    "The order will not be recorded in the order history",
    -5022: "Due to the order could not be executed as maker, the Post Only order will be "
    "rejected. The order will not be recorded in the order history",
    -5024: "Symbol is not in trading status. Order amendment is not permitted.",
    -5025: "Only limit order is supported.",
    -5026: "Exceed maximum modify order limit.",
    -5027: "No need to modify the order.",
    -5029: "Order's notional must be no smaller than %s",
    -5038: "Price match only supports order type: LIMIT, STOP AND TAKE_PROFIT",
    -5040: "The goodTillDate timestamp must be greater than the current time plus 600 seconds "
    "and smaller than 253402300799000 (UTC 9999-12-31 23:59:59)",
    -5041: "No depth matches this BBO order",
    -5047: "The original order is not a reduce-only order.",
}


class ExchangeError(Exception):
    """A refusal: nothing has changed. `code` and `message` are what the client is to be told."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def refusal(code: int, *values: object) -> ExchangeError:
    """Make the refusal `code` with its text filled in."""
    return ExchangeError(code, TEXTS[code] % values)
