"""Which rows of a history a request asks for: startTime, endTime, and the newest when neither is sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange_sim.domain.params import Params
from perpmesh.exchange_sim.domain.refusals import refusal

T = TypeVar("T")

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
NOW_MS = 5_000  # an endTime this close to the wall clock means "now", which in market time is later at 60 ×
FOREVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Span:
    """Milliseconds, both ends included. Without a start the newest rows are meant, else the oldest."""

    start: int | None
    end: int

    def __contains__(self, at_ms: int) -> bool:
        return (self.start or 0) <= at_ms <= self.end

    def first(self, rows: Sequence[T], limit: int) -> list[T]:
        """Return at most `limit` rows from the end of the history that was asked for."""
        return list(rows[-limit:] if self.start is None else rows[:limit])


@dataclass(frozen=True, slots=True)
class Longest:
    """The longest span that may be asked for, and the refusal of a longer one."""

    ms: int
    refused: ExchangeError


def days(number: int) -> Longest:
    return Longest(number * DAY_MS, refusal(-4165, number))


def hours(number: int) -> Longest:
    return Longest(number * HOUR_MS, refusal(-1127, number))


def wall_span(params: Params, longest: Longest | None = None) -> Span:
    """Read a span of wall time; raise -1023 when it ends before it starts."""
    start, end = params.integer("startTime"), params.integer("endTime")
    if start is not None and end is not None:
        _check(start, end, end, longest)
    return Span(start, FOREVER if end is None else end)


def market_span(params: Params, wall_ms: int, market_ms: int, longest: Longest | None = None) -> Span:
    """Read a span of market time. An end near the wall clock's now, like none at all, is the market's now."""
    start, asked = params.integer("startTime"), params.integer("endTime")
    end = max(market_ms, asked or 0) if asked is None or abs(asked - wall_ms) <= NOW_MS else asked
    if start is not None and asked is not None:
        _check(start, asked, end, longest)
    return Span(start, end)


def _check(start: int, asked: int, end: int, longest: Longest | None) -> None:
    if start > end:
        raise refusal(-1023)
    if longest and asked - start > longest.ms:
        raise longest.refused
