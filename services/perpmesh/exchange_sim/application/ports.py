"""What the venue asks of the world."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from perpmesh.exchange.events import Event
from perpmesh.exchange_sim.application.records import Record
from perpmesh.exchange_sim.domain.fault_plan import Armed


@dataclass(frozen=True, slots=True)
class Happening:
    """One event with the wall time it is stamped with."""

    event: Event
    wall_ms: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What one turn of the venue brought about: market time moved from `before_ms` to `market_ms`, and these events."""

    before_ms: int
    market_ms: int
    happenings: Sequence[Happening]


class Journal(Protocol):
    """The venue's memory on disk."""

    def append(self, records: Sequence[Record]) -> None:
        """Hand records to the operating system: they survive the death of this process."""
        ...

    async def sync(self) -> None:
        """Return when everything appended also survives the death of the machine."""
        ...

    def replace(self, snapshot: bytes) -> None:
        """Keep `snapshot` instead of everything appended so far."""
        ...


class Connections(Protocol):
    """The WebSocket connections that are open."""

    def cut(self, fault: Armed) -> None:
        """Cut each connection that the fault strikes: none waits for it."""
        ...


class Audience(Protocol):
    """Who is told what happened. Telling never waits for a listener."""

    def tell(self, batch: Batch) -> None: ...

    def end_user_stream(self, account: str, key: str, wall_ms: int) -> None:
        """Say that a listen key ran out."""
        ...
