"""What can go wrong at an exchange: the kinds of faults, and whom, how often and when they strike."""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from fnmatch import fnmatchcase
from typing import ClassVar


class Point(Enum):
    """Where in the exchange a kind of fault is asked about."""

    REFUSE = "a request at the door, before anything is done"
    WAY_IN = "a request on its way to the engine"
    ANSWER = "the answer to what was executed"
    WAY_OUT = "an answer on its way to the client"
    COMMAND = "a command at the engine"
    USER_EVENT = "an event of a user stream"
    DELIVERY = "a message of any stream"
    CONNECTION = "a WebSocket connection"
    CLOCK = "the exchange's clock"
    AT_ONCE = "the moment it is added"


REQUEST, ACCOUNT_AND_SYMBOL = ("account", "symbol", "endpoint"), ("account", "symbol")


@dataclass(frozen=True, slots=True)
class FaultKind:
    """Base of all kinds: where it strikes, which fields of a scope narrow it, and which it cannot do without."""

    point: ClassVar[Point]
    narrows: ClassVar[tuple[str, ...]] = REQUEST
    needs: ClassVar[tuple[str, ...]] = ()


@dataclass(frozen=True, slots=True)
class RateLimit(FaultKind):
    point = Point.REFUSE
    retry_after_s: int = 60


@dataclass(frozen=True, slots=True)
class IpBan(FaultKind):
    point = Point.REFUSE
    retry_after_s: int = 120


@dataclass(frozen=True, slots=True)
class TimeoutAccepted(FaultKind):
    point = Point.ANSWER


@dataclass(frozen=True, slots=True)
class TimeoutNotAccepted(FaultKind):
    point = Point.REFUSE


@dataclass(frozen=True, slots=True)
class Throttled(FaultKind):
    point = Point.REFUSE


@dataclass(frozen=True, slots=True)
class TimestampRefused(FaultKind):
    point = Point.REFUSE


@dataclass(frozen=True, slots=True)
class ServerErrorBefore(FaultKind):
    point = Point.REFUSE
    status: int = 503


@dataclass(frozen=True, slots=True)
class ServerErrorAfter(FaultKind):
    point = Point.ANSWER
    status: int = 503


@dataclass(frozen=True, slots=True)
class Latency(FaultKind):
    """A delay drawn from `distribution`; see `fault_plan.draw_ms`."""

    point = Point.WAY_IN
    distribution: str = "fixed"
    ms: int = 100
    max_ms: int = 0  # 0: twice `ms` for uniform, a minute for lognormal
    sigma: float = 0.5


@dataclass(frozen=True, slots=True)
class LateAnswer(FaultKind):
    point = Point.WAY_OUT
    delay_ms: int = 500


@dataclass(frozen=True, slots=True)
class Maintenance(FaultKind):
    point = Point.REFUSE
    narrows = ()


@dataclass(frozen=True, slots=True)
class Refuse(FaultKind):
    """Any refusal; an empty message and a status of 0 are the code's own."""

    point = Point.REFUSE
    code: int = -1000
    message: str = ""
    status: int = 0


@dataclass(frozen=True, slots=True)
class RefuseConditional(FaultKind):
    point = Point.REFUSE
    narrows = ACCOUNT_AND_SYMBOL
    code: int = -2021


@dataclass(frozen=True, slots=True)
class PartialFills(FaultKind):
    """Parts in per cent of the order's quantity; the first fills at once, each other `delay_ms` after it."""

    point = Point.COMMAND
    narrows = ACCOUNT_AND_SYMBOL
    parts: tuple[int, ...] = (30, 30, 40)
    delay_ms: int = 200


@dataclass(frozen=True, slots=True)
class RejectTrigger(FaultKind):
    point = Point.COMMAND
    narrows = ACCOUNT_AND_SYMBOL
    code: int = -2019


@dataclass(frozen=True, slots=True)
class DuplicateEvents(FaultKind):
    point = Point.USER_EVENT
    narrows = ("account", "symbol", "event")
    copies: int = 1
    delay_ms: int = 0


@dataclass(frozen=True, slots=True)
class ReorderEvents(FaultKind):
    point = Point.USER_EVENT
    narrows = ("account", "symbol", "event")
    behind: int = 1
    hold_ms: int = 1_000


@dataclass(frozen=True, slots=True)
class DelayEvents(FaultKind):
    point = Point.USER_EVENT
    narrows = ("account", "symbol", "event")
    delay_ms: int = 1_000


@dataclass(frozen=True, slots=True)
class LoseEvents(FaultKind):
    point = Point.USER_EVENT
    narrows = ("account", "symbol", "event")


@dataclass(frozen=True, slots=True)
class SilentStream(FaultKind):
    point = Point.DELIVERY
    narrows = ("account", "symbol", "stream")


@dataclass(frozen=True, slots=True)
class CloseConnection(FaultKind):
    """Cuts a connection `after_ms`; with a farewell of `code`, or by a reset when it is 0."""

    point = Point.CONNECTION
    narrows = ("account", "symbol", "stream")
    after_ms: int = 0
    code: int = 0


@dataclass(frozen=True, slots=True)
class ExpireListenKey(FaultKind):
    point = Point.AT_ONCE
    narrows = ("account",)


@dataclass(frozen=True, slots=True)
class ClockOffset(FaultKind):
    point = Point.CLOCK
    narrows = ()
    offset_ms: int = 2_000


@dataclass(frozen=True, slots=True)
class DelistSymbol(FaultKind):
    point = Point.AT_ONCE
    narrows = ("symbol",)
    needs = ("symbol",)


@dataclass(frozen=True, slots=True)
class ChangeFilters(FaultKind):
    """New filters; None leaves one as it is."""

    point = Point.AT_ONCE
    narrows = ("symbol",)
    needs = ("symbol",)
    tick_size: Decimal | None = None
    step_size: Decimal | None = None
    min_notional: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Liquidate(FaultKind):
    point = Point.AT_ONCE
    narrows = ACCOUNT_AND_SYMBOL
    needs = ("account",)


def _name(kind: type[FaultKind]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


KINDS: dict[str, type[FaultKind]] = {_name(kind): kind for kind in FaultKind.__subclasses__()}


@dataclass(frozen=True, slots=True)
class Occasion:
    """What is going on when a fault may strike. What does not apply is empty."""

    account: str = ""
    symbol: str = ""
    endpoint: str = ""
    stream: str = ""
    event: str = ""
    reduces: bool = False  # an order that can only reduce a position


@dataclass(frozen=True, slots=True)
class Scope:
    """Whom, how often and when. An empty field narrows nothing; endpoint, stream and event may hold * and ?."""

    account: str = ""
    symbol: str = ""
    endpoint: str = ""
    stream: str = ""
    event: str = ""
    count: int = 0
    probability: float = 1.0
    from_ms: int = 0
    until_ms: int = 0

    def covers(self, occasion: Occasion) -> bool:
        return (
            self.account in ("", occasion.account)
            and self.symbol in ("", occasion.symbol)
            and _like(self.endpoint, occasion.endpoint)
            and _like(self.stream, occasion.stream)
            and _like(self.event, occasion.event)
        )

    def is_now(self, now_ms: int) -> bool:
        return self.from_ms <= now_ms and not 0 < self.until_ms <= now_ms


def _like(pattern: str, text: str) -> bool:
    return not pattern or fnmatchcase(text, pattern)


@dataclass(frozen=True, slots=True)
class FaultSpec:
    """A fault as somebody asked for it."""

    kind: FaultKind
    scope: Scope = field(default_factory=Scope)
    seed: int = 0

    @property
    def name(self) -> str:
        return _name(type(self.kind))
