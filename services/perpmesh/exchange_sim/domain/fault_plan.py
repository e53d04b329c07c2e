"""The faults that are in force. Every place in the exchange where one may strike asks the plan, and it counts."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from math import exp
from typing import Any, TypeVar

from perpmesh.exchange_sim.domain.faults import (
    ClockOffset,
    FaultKind,
    FaultSpec,
    Latency,
    Occasion,
    PartialFills,
    Point,
    RefuseConditional,
    Throttled,
)
from perpmesh.kernel.chance import Chance
from perpmesh.kernel.errors import Invalid, NotFound, Overloaded

K = TypeVar("K", bound=FaultKind)

FAULTS_MAX = 200
PLACE_CONDITIONAL = "POST /fapi/v1/algoOrder"
NARROWING = ("account", "symbol", "endpoint", "stream", "event")
LOGNORMAL_MAX_MS = 60_000
WHOLE = 100  # per cent


@dataclass(slots=True, eq=False)
class Armed:
    """A fault that was added, with its own randomness and the count of its strikes."""

    fault_id: str
    spec: FaultSpec
    chance: Chance
    fired: int = 0

    @property
    def is_used_up(self) -> bool:
        return 0 < self.spec.scope.count <= self.fired

    def is_spent(self, now_ms: int) -> bool:
        return self.is_used_up or 0 < self.spec.scope.until_ms <= now_ms

    def strikes(self, occasion: Occasion, now_ms: int) -> bool:
        """Draw, and count a strike."""
        scope = self.spec.scope
        if self.is_used_up or not scope.is_now(now_ms) or not scope.covers(occasion) or _exempt(self.spec, occasion):
            return False
        if scope.probability < 1 and self.chance.random() >= scope.probability:
            return False
        self.fired += 1
        return True


class FaultPlan:
    """All faults, by the point where they strike. While there is none, `armed` is False and nothing else is asked."""

    def __init__(self, seeds: Callable[[str], Chance]) -> None:
        self._seeds = seeds
        self._faults: dict[str, Armed] = {}
        self._at: dict[Point, tuple[Armed, ...]] = {}
        self._added = 0
        self.armed = False

    def add(self, spec: FaultSpec) -> Armed:
        """Put a fault in force. Raises Invalid for a scope that the kind cannot use, Overloaded when there are many."""
        check(spec)
        if len(self._faults) >= FAULTS_MAX:
            raise Overloaded(f"there are {FAULTS_MAX} faults already; remove some", reason="TOO_MANY_FAULTS")
        self._added += 1
        fault_id = f"f{self._added}"
        fault = Armed(fault_id, spec, self._seeds(f"fault:{spec.seed or fault_id}"))
        self._faults[fault_id] = fault
        self._sort()
        return fault

    def remove(self, fault_id: str) -> Armed:
        """End a fault; raise NotFound when there is none of that id."""
        fault = self._faults.pop(fault_id, None)
        if fault is None:
            raise NotFound(f"there is no fault {fault_id}", reason="UNKNOWN_FAULT", field="fault_id")
        self._sort()
        return fault

    def clear(self) -> list[Armed]:
        ended = list(self._faults.values())
        self._faults.clear()
        self._sort()
        return ended

    def __iter__(self) -> Iterator[Armed]:
        return iter(self._faults.values())

    def at(self, point: Point) -> tuple[Armed, ...]:
        """Return the faults that may strike at a point; empty is the usual case."""
        return self._at.get(point, ())

    def first(self, point: Point, occasion: Occasion, now_ms: int) -> FaultKind | None:
        """Return what strikes, the oldest fault first; the others are not asked."""
        return next((each.spec.kind for each in self.at(point) if each.strikes(occasion, now_ms)), None)

    def every(self, kind: type[K], occasion: Occasion, now_ms: int) -> list[K]:
        """Return all faults of a kind that strike."""
        return [
            each.spec.kind
            for each in self.at(kind.point)
            if isinstance(each.spec.kind, kind) and each.strikes(occasion, now_ms)
        ]

    def latency_ms(self, occasion: Occasion, now_ms: int) -> float:
        """Return how long a request is on its way: the sum of all latencies that strike."""
        struck = [each for each in self.at(Point.WAY_IN) if each.strikes(occasion, now_ms)]
        return sum(draw_ms(each.spec.kind, each.chance) for each in struck if isinstance(each.spec.kind, Latency))

    def clock_offset_ms(self, now_ms: int) -> int:
        """Return by how much the exchange's clock is ahead. An offset is a state: it counts as one strike."""
        offset_ms = 0
        for each in self.at(Point.CLOCK):
            if isinstance(each.spec.kind, ClockOffset) and each.spec.scope.is_now(now_ms):
                each.fired = 1
                offset_ms += each.spec.kind.offset_ms
        return offset_ms

    def _sort(self) -> None:
        self._at = {point: tuple(each for each in self if each.spec.kind.point is point) for point in Point}
        self.armed = bool(self._faults)


def check(spec: FaultSpec) -> None:
    """Raise Invalid, naming the field, when a fault makes no sense."""
    kind, scope = spec.kind, spec.scope
    for name in NARROWING:
        given = getattr(scope, name)
        if given and name not in kind.narrows:
            usable = ", ".join(kind.narrows) or "none"
            raise _wrong(name, f"{spec.name} cannot be narrowed by {name}; it can be by: {usable}")
        if not given and name in kind.needs:
            raise _wrong(name, f"{spec.name} needs a {name}")
    if scope.until_ms and scope.until_ms <= scope.from_ms:
        raise _wrong("until_ms", "a fault must end after it begins")
    if kind.point in (Point.AT_ONCE, Point.CLOCK) and (scope.count > 1 or scope.probability < 1):
        raise _wrong("count", f"{spec.name} happens once, and surely")
    if isinstance(kind, PartialFills) and not 0 < sum(kind.parts) <= WHOLE:
        raise Invalid("parts must add up to 1 to 100", reason="FAULT", field="fault.partial_fills.parts")
    if isinstance(kind, Latency) and 0 < kind.max_ms < kind.ms:
        raise Invalid("max_ms is less than ms", reason="FAULT", field="fault.latency.max_ms")
    if spec.name == "change_filters" and not any(getattr(kind, each.name) for each in fields(kind)):
        raise Invalid("name a filter to change", reason="FAULT", field="fault.change_filters")


def draw_ms(latency: Latency, chance: Chance) -> float:
    """Return one delay: `ms`; uniform in [ms, max_ms); or exp(N(ln ms, sigma)), cut at max_ms."""
    if latency.distribution == "uniform":
        return latency.ms + chance.random() * ((latency.max_ms or 2 * latency.ms) - latency.ms)
    if latency.distribution == "lognormal":
        return min(latency.ms * exp(latency.sigma * chance.gauss(0, 1)), latency.max_ms or LOGNORMAL_MAX_MS)
    return latency.ms


def only(faults: Iterable[Armed], kind: type[K]) -> Iterator[tuple[Armed, K]]:
    """Return the faults of one kind."""
    return ((each, each.spec.kind) for each in faults if isinstance(each.spec.kind, kind))


def _wrong(name: str, message: str) -> Invalid:
    return Invalid(message, reason="FAULT_SCOPE", field=f"fault.scope.{name}")


def _exempt(spec: FaultSpec, occasion: Occasion) -> bool:
    """A throttle spares what only reduces; a refusal of conditional orders spares everything else."""
    if isinstance(spec.kind, Throttled):
        return occasion.reduces
    return isinstance(spec.kind, RefuseConditional) and occasion.endpoint != PLACE_CONDITIONAL


def reduces(text: Callable[[str], Any]) -> bool:
    """Return whether an order's parameters say that it can only reduce a position."""
    asked = (str(text(name) or "").lower() for name in ("reduceOnly", "closePosition"))
    hedge = (text("positionSide"), text("side")) in (("LONG", "SELL"), ("SHORT", "BUY"))
    return hedge or "true" in asked
