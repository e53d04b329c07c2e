"""What to do about each thing the exchange may answer. One table; a code without a row is a plain refusal."""

from collections.abc import Mapping
from enum import Enum


class Remedy(Enum):
    """What an error asks of us."""

    REFUSED = "refused"  # the answer is no, and will be no again
    RETRY = "retry"  # it was not done; a risk-reducing order may be sent again after a pause
    QUERY = "query"  # it may have been done: ask by client id before anything else
    RESYNC_CLOCK = "resync clock"  # not done; our idea of the exchange's clock is wrong
    REFRESH_FILTERS = "refresh filters"  # not done; our idea of the symbol's filters is wrong
    STOP_ENTERING = "stop entering"  # not done; something about the account or its keys is wrong
    FLATTEN = "flatten"  # a stop that cannot be placed: close the position now
    GONE = "gone"  # what it named does not exist (any more): look again
    DONE = "done"  # it is so already


R = Remedy
UNREACHABLE = 0  # no connection was made, so nothing was sent

REMEDIES: Mapping[int, Remedy] = {
    UNREACHABLE: R.RETRY,
    -1000: R.QUERY, -1001: R.QUERY, -1002: R.STOP_ENTERING, -1003: R.RETRY, -1004: R.RETRY, -1005: R.STOP_ENTERING,
    -1006: R.QUERY, -1007: R.QUERY, -1008: R.RETRY, -1010: R.QUERY, -1011: R.STOP_ENTERING, -1013: R.REFUSED,
    -1014: R.REFUSED, -1015: R.RETRY, -1016: R.STOP_ENTERING, -1020: R.REFUSED, -1021: R.RESYNC_CLOCK,
    -1022: R.STOP_ENTERING, -1023: R.REFUSED, -1100: R.REFUSED, -1101: R.REFUSED, -1102: R.REFUSED,
    -1103: R.REFUSED, -1104: R.REFUSED, -1105: R.REFUSED, -1106: R.REFUSED, -1108: R.REFUSED,
    -1109: R.STOP_ENTERING, -1110: R.REFUSED, -1111: R.REFRESH_FILTERS, -1112: R.RETRY, -1113: R.REFUSED,
    -1114: R.REFUSED, -1115: R.REFUSED, -1116: R.REFUSED, -1117: R.REFUSED, -1118: R.REFUSED, -1119: R.REFUSED,
    -1120: R.REFUSED, -1121: R.REFRESH_FILTERS, -1122: R.REFRESH_FILTERS, -1125: R.GONE, -1127: R.REFUSED,
    -1128: R.REFUSED, -1130: R.REFUSED, -1136: R.REFUSED,
    -2010: R.REFUSED, -2011: R.GONE, -2012: R.REFUSED, -2013: R.GONE, -2014: R.STOP_ENTERING,
    -2015: R.STOP_ENTERING, -2016: R.STOP_ENTERING, -2017: R.STOP_ENTERING, -2018: R.REFUSED, -2019: R.REFUSED,
    -2020: R.RETRY, -2021: R.FLATTEN, -2022: R.GONE, -2023: R.STOP_ENTERING, -2024: R.GONE, -2025: R.REFUSED,
    -2026: R.REFUSED, -2027: R.REFUSED, -2028: R.REFUSED,
    -4001: R.REFUSED, -4002: R.REFRESH_FILTERS, -4003: R.REFUSED, -4004: R.REFRESH_FILTERS,
    -4005: R.REFRESH_FILTERS, -4013: R.REFRESH_FILTERS, -4014: R.REFRESH_FILTERS, -4015: R.REFUSED,
    -4016: R.REFUSED, -4023: R.REFRESH_FILTERS, -4024: R.REFUSED, -4028: R.STOP_ENTERING, -4045: R.FLATTEN,
    -4046: R.DONE, -4047: R.STOP_ENTERING, -4048: R.STOP_ENTERING, -4059: R.DONE, -4060: R.STOP_ENTERING,
    -4061: R.STOP_ENTERING, -4062: R.STOP_ENTERING, -4067: R.STOP_ENTERING, -4068: R.STOP_ENTERING,
    -4116: R.QUERY, -4118: R.GONE, -4120: R.STOP_ENTERING, -4129: R.FLATTEN, -4130: R.DONE, -4131: R.RETRY,
    -4136: R.REFUSED, -4137: R.REFUSED, -4138: R.REFUSED, -4161: R.STOP_ENTERING, -4164: R.REFUSED,
    -4192: R.STOP_ENTERING, -4400: R.STOP_ENTERING, -4531: R.RETRY,
    -5021: R.REFUSED, -5022: R.REFUSED, -5027: R.DONE, -5028: R.RESYNC_CLOCK,
}  # fmt: skip


def remedy_of(code: int, status: int = 400) -> Remedy:
    """Return what a code asks of us; without a row, a server's error may have been done, a client's was not."""
    known = REMEDIES.get(code)
    if known is not None:
        return known
    if status in (408, 500, 502, 503, 504):
        return R.QUERY
    return R.RETRY if status in (418, 429) else R.REFUSED
