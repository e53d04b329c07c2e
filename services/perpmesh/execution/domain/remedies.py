"""What to do about each thing the exchange may answer, and about no answer: one table, with its reasons."""

from collections.abc import Mapping
from enum import Enum


class Remedy(Enum):
    """What an error asks of us."""

    REFUSED = "refused"  # the answer is no, and will be no again
    COOL_OFF = "cool off"  # not done, for want of margin or room: nothing new on the symbol for a while
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
PASSING = frozenset({R.RETRY, R.QUERY, R.RESYNC_CLOCK, R.REFRESH_FILTERS})  # what may be otherwise in a moment

_ROWS: tuple[tuple[Remedy, str, tuple[int, ...]], ...] = (
    (R.REFUSED, "the request is malformed: a bug of ours that no repeat mends", (
        -1013, -1014, -1020, -1023, -1100, -1101, -1102, -1103, -1104, -1105, -1106, -1108, -1110, -1113, -1114, -1115,
        -1116, -1117, -1118, -1119, -1120, -1126, -1127, -1128, -1130, -1131, -1136, -2007, -2026, -4000, -4001, -4003,
        -4015, -4020, -4021, -4026, -4031, -4032, -4055, -4085, -4086, -4104, -4114, -4135, -4136, -4137, -4138, -4139,
        -4142, -4165, -5025, -5037, -5038, -5039, -5040, -5047)),
    (R.REFUSED, "the price is outside what may be ordered now; a market order has none", (-4016, -4024)),
    (R.REFUSED, "an amendment, a batch or a cancellation of all: what stood still stands", (
        -2012, -2038, -4082, -4083, -5024, -5026)),
    (R.REFUSED, "time in force: it could not fill, or not rest, at once", (-5021, -5022)),
    (R.REFUSED, "not offered (yet), or not to us: transfers, options", (
        -4033, -4063, -4064, -4065, -4066, -4069, -4070, -4071, -4072, -4073, -4074, -4075, -4076, -4077, -4079, -4081,
        -4084, -4115)),
    (R.REFUSED, "margin mode or isolated margin cannot change like this", (
        -4049, -4050, -4051, -4053, -4054, -4167, -4168, -4169, -4170, -4172)),
    (R.COOL_OFF, "no margin for it; the same again would be refused again", (-2010, -2018, -2019)),
    (R.COOL_OFF, "the position or its leverage is at the exchange's limit", (-2027, -2028)),
    (R.COOL_OFF, "as many open orders as are allowed", (-2025,)),
    (R.RETRY, "no connection: nothing was sent", (UNREACHABLE,)),
    (R.RETRY, "too much was asked: the budget holds back all but exits", (-1003, -1015)),
    (R.RETRY, "the exchange is overloaded and says that it did nothing", (-1008,)),
    (R.RETRY, "an address is listed twice: nothing was done, and it passes", (-1004,)),
    (R.RETRY, "nobody to trade with, or only too far away, at this moment", (-1112, -2020, -4131, -5041)),
    (R.RETRY, "an internal fault that says it did nothing", (-4078, -4531)),
    (R.QUERY, "the outcome is not known, whatever else it says", (-1000, -1001, -1006, -1007, -1010)),
    (R.QUERY, "an order of this client id is open: it is the one we sent", (-4116,)),
    (R.RESYNC_CLOCK, "outside the recvWindow, at the door or at the engine", (-1021, -5028)),
    (R.REFRESH_FILTERS, "precision, step, tick, least or most have changed", (
        -1111, -4002, -4004, -4005, -4006, -4007, -4008, -4009, -4010, -4011, -4012, -4013, -4014, -4017, -4018, -4019,
        -4023, -4025, -4029, -4030, -4058)),
    (R.REFRESH_FILTERS, "the least notional has changed; reduce-only is exempt", (-4164, -5029)),
    (R.REFRESH_FILTERS, "the trigger is further from the price than the filters allow", (-4183, -4184, -4210, -4211)),
    (R.REFRESH_FILTERS, "the symbol is gone, halted or being settled", (
        -1121, -1122, -2016, -4022, -4108, -4140, -4141, -4144)),
    (R.STOP_ENTERING, "the key, its signature, its address or its rights", (
        -1002, -1005, -1011, -1022, -1099, -1109, -2014, -2015, -2017, -4056, -4057, -4080)),
    (R.STOP_ENTERING, "the exchange takes no business, or only what reduces", (
        -1016, -4087, -4088, -4192, -4400, -4401, -4402)),
    (R.STOP_ENTERING, "the account is being liquidated", (-2023,)),
    (R.STOP_ENTERING, "the account's mode is not what we take it for", (
        -4027, -4044, -4060, -4061, -4062, -4067, -4068)),
    (R.STOP_ENTERING, "leverage or margin type is not what the limits were reckoned with", (
        -4028, -4047, -4048, -4161, -4202, -4203, -4205, -4206, -4208, -4209, -4403)),
    (R.STOP_ENTERING, "stops have moved to another endpoint: no entry whose stop cannot be placed", (-4120,)),
    (R.FLATTEN, "the price is through the stop already: moving it away would only lose more", (-2021,)),
    (R.FLATTEN, "no room for a stop", (-4045,)),
    (R.FLATTEN, "a stop for a position that is not there: closing finds out", (-4129,)),
    (R.GONE, "no such order or listen key: never, or not any more", (-1125, -2011, -2013, -2039)),
    (R.GONE, "the stop is triggering at this moment: it is an order by now", (-4117,)),
    (R.GONE, "nothing (or less) is left to reduce: never make it an order that could add", (-2022, -2024, -4118)),
    (R.DONE, "set so already", (-4046, -4052, -4059, -4171, -5027)),
    (R.DONE, "a stop for the whole position stands on this side already", (-4130,)),
)  # fmt: skip
REMEDIES: Mapping[int, Remedy] = {code: remedy for remedy, _, codes in _ROWS for code in codes}
REASONS: Mapping[int, str] = {code: why for _, why, codes in _ROWS for code in codes}

STATUSES: Mapping[int, Remedy] = {
    403: R.RETRY,  # a firewall in front of the exchange: it never came in
    408: R.QUERY,  # the back end did not answer in time
    418: R.RETRY,  # the address is banned: it never came in
    429: R.RETRY,  # over the limit: it never came in
}
SERVER_ERRORS = range(500, 600)  # the door answered, and knows nothing of what the engine did


class Fault(Enum):
    """Ways to have no answer of the exchange at all."""

    NO_CONNECTION = "no connection"
    CUT_OFF = "cut off"
    TIMEOUT = "timeout"
    UNREADABLE = "unreadable answer"


FAULTS: Mapping[Fault, Remedy] = {
    Fault.NO_CONNECTION: R.RETRY,  # nothing was sent
    Fault.CUT_OFF: R.QUERY,  # it may have been read before the line went
    Fault.TIMEOUT: R.QUERY,
    Fault.UNREADABLE: R.QUERY,  # something was done, and we cannot read what
}


def remedy_of(code: int, status: int = 400) -> Remedy:
    """Return what a code asks of us; without a row the HTTP status decides, and a plain no is a no."""
    known = REMEDIES.get(code)
    if known is not None:
        return known
    return R.QUERY if status in SERVER_ERRORS else STATUSES.get(status, R.REFUSED)


FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0


def pause_seconds(tries: int) -> float:
    """Return how long to wait after `tries` failures in a row: doubling from 0.1 s to 2 s."""
    return float(min(FIRST_PAUSE_SECONDS * 2 ** (min(tries, 10) - 1), LONGEST_PAUSE_SECONDS))
