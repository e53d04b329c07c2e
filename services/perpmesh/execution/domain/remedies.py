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

_CODES: Mapping[Remedy, tuple[int, ...]] = {
    # the request is wrong, or there is no money for it: no again, and again
    R.REFUSED: (
        -1013, -1014, -1020, -1023, -1100, -1101, -1102, -1103, -1104, -1105, -1106, -1108, -1110, -1113, -1114,
        -1115, -1116, -1117, -1118, -1119, -1120, -1126, -1127, -1128, -1130, -1136, -2007, -2010, -2012, -2018,
        -2019, -2025, -2026, -2027, -2028, -2038, -4000, -4001, -4003, -4015, -4016, -4020, -4021, -4024, -4026,
        -4031, -4032, -4033, -4049, -4050, -4051, -4053, -4054, -4055, -4063, -4064, -4065, -4066, -4069, -4070,
        -4071, -4072, -4073, -4074, -4075, -4076, -4077, -4079, -4081, -4082, -4083, -4084, -4085, -4086, -4104,
        -4114, -4115, -4135, -4136, -4137, -4138, -4139, -4142, -4164, -4165, -4167, -4168, -4169, -4170, -4172,
        -5021, -5022, -5024, -5025, -5026, -5029, -5037, -5038, -5039, -5040, -5047,
    ),
    # not done, and not for a reason of ours
    R.RETRY: (
        0, -1003, -1004, -1008, -1015, -1112, -2020, -4078, -4131, -4531, -5041,
    ),
    # may have been done
    R.QUERY: (
        -1000, -1001, -1006, -1007, -1010, -4116,
    ),
    # outside the recvWindow, at the door or at the engine
    R.RESYNC_CLOCK: (
        -1021, -5028,
    ),
    # what we believe of the symbol is wrong
    R.REFRESH_FILTERS: (
        -1111, -1121, -1122, -4002, -4004, -4005, -4006, -4007, -4008, -4009, -4010, -4011, -4012, -4013, -4014,
        -4017, -4018, -4019, -4023, -4025, -4029, -4030, -4058, -4144, -4183, -4184, -4210, -4211,
    ),
    # keys, permissions, modes: somebody has to look at the account
    R.STOP_ENTERING: (
        -1002, -1005, -1011, -1016, -1022, -1099, -1109, -2014, -2015, -2016, -2017, -2023, -4022, -4027, -4028,
        -4044, -4047, -4048, -4056, -4057, -4060, -4061, -4062, -4067, -4068, -4080, -4087, -4088, -4108, -4120,
        -4140, -4141, -4161, -4192, -4202, -4203, -4205, -4206, -4208, -4209, -4400, -4401, -4402, -4403,
    ),
    # a stop that cannot stand
    R.FLATTEN: (
        -2021, -4045, -4129,
    ),
    # it is not there (any more)
    R.GONE: (
        -1125, -2011, -2013, -2022, -2024, -2039, -4117, -4118,
    ),
    # it is so already
    R.DONE: (
        -4046, -4052, -4059, -4130, -4171, -5027,
    ),
}  # fmt: skip
REMEDIES: Mapping[int, Remedy] = {code: remedy for remedy, codes in _CODES.items() for code in codes}


def remedy_of(code: int, status: int = 400) -> Remedy:
    """Return what a code asks of us; without a row, a server's error may have been done, a client's was not."""
    known = REMEDIES.get(code)
    if known is not None:
        return known
    if status in (408, 500, 502, 503, 504):
        return R.QUERY
    return R.RETRY if status in (418, 429) else R.REFUSED
