"""The event streams as this service sees them pass."""

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

EVENTS_KEPT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedEvent:
    """One domain event in short form."""

    event_id: str
    type: str
    stream: str
    sequence: int
    key: str
    time_ms: int  # when it became true, wall clock
    arrived_at_ms: int  # when it passed here, wall clock
    trace_id: str
    json: str


@dataclass(frozen=True, slots=True)
class Passage:
    """The newest event of a stream."""

    sequence: int
    latency_ms: float
    arrived_at_ms: int


@dataclass(slots=True)
class Streams:
    """The newest event of each stream, and the newest events of all."""

    passages: dict[str, Passage] = field(default_factory=dict)
    _newest: deque[PassedEvent] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))

    def passed(self, event: PassedEvent) -> None:
        """Note an event; one of an earlier life, too."""
        latency = max(event.arrived_at_ms - event.time_ms, 0)
        self.passages[event.stream] = Passage(event.sequence, latency, event.arrived_at_ms)
        self._newest.append(event)

    def newest(self, limit: int, types: Collection[str]) -> Iterator[PassedEvent]:
        """Yield the newest `limit` events of the given types (all when there are none), oldest first."""
        chosen = [event for event in self._newest if not types or event.type in types]
        yield from chosen[len(chosen) - min(limit, len(chosen)) :]
