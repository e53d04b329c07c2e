"""Every refusal that a client can be told, with Binance's own text: the machine's, and those of the door before it."""

from typing import Final

from perpmesh.exchange.errors import TEXTS as MACHINE
from perpmesh.exchange.errors import ExchangeError

TEXTS: Final[dict[int, str]] = {
    **MACHINE,
    -1000: "An unknown error occured while processing the request.",
    -1001: "Internal error; unable to process your request. Please try again.",
    -1006: "An unexpected response was received from the message bus. Execution status unknown.",
    -1007: "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
    -1008: "Request throttled by system-level protection. Reduce-only/close-position orders are "
    "exempt. Please try again.",
    -1013: "INVALID_MESSAGE",
    -1016: "This service is no longer available.",
    -1020: "This operation is not supported.",
    -1021: "Timestamp for this request is outside of the recvWindow.",
    -1022: "Signature for this request is not valid.",
    -1023: "Start time is greater than end time.",
    -1100: "Illegal characters found in parameter '%s'; legal range is '%s'.",
    -1101: "Duplicate values for parameter '%s' detected.",
    -1105: "Parameter '%s' was empty.",
    -1109: "Invalid account.",
    -1120: "Invalid interval.",
    -1125: "This listenKey does not exist. Please use POST /fapi/v1/listenKey to recreate listenKey",
    -1127: "More than %s hours between startTime and endTime.",
    -1128: "Combination of optional parameters invalid.",
    -1131: "recvWindow must be less than 60000.",
    -1136: "Invalid newOrderRespType.",
    -2014: "API-key format invalid.",
    -4021: "'%s' is not valid depth limit.",
    -4031: "Invalid parameter working type: %s",
    -4032: "Exceed maximum cancel order size.",
    -4060: "Invalid position side.",
    -4062: "Invalid or improper reduceOnly value.",
    -4082: "Invalid number of batch place orders: %s",
    -4104: "Invalid contract type.",
    -4144: "Invalid pair.",
    -4165: "Maximum time interval is %s days.",
    -4167: "Unable to adjust to Multi-Assets mode with symbols of USDⓈ-M Futures under isolated-margin mode.",
    -4170: "Unable to adjust Multi-Assets Mode with open orders in USDⓈ-M Futures",
    -4171: "Adjusted asset mode is currently set and does not need to be adjusted repeatedly",
    -5028: "Timestamp for this request is outside of the ME recvWindow.",
    -5037: "Invalid price match",
    -5039: "Invalid self trade prevention mode",
}


def refusal(code: int, *values: object) -> ExchangeError:
    """Make the refusal `code` with its text filled in."""
    return ExchangeError(code, TEXTS[code] % values)
