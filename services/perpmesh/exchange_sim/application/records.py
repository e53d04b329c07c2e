"""What the venue must remember to come back exactly as it was: everything that happened to it, in order."""

from dataclasses import dataclass
from typing import TypeAlias

from perpmesh.exchange.commands import Command


@dataclass(frozen=True, slots=True)
class Ticked:
    """The background moved on to `market_ms`. What it did there follows from the data and the seed."""

    market_ms: int
    wall_ms: int


@dataclass(frozen=True, slots=True)
class Commanded:
    """A client's command that was accepted."""

    command: Command
    wall_ms: int


@dataclass(frozen=True, slots=True)
class ListenKeyKept:
    """A user stream's key was made or lives longer; an expiry of 0 ends it."""

    account: str
    key: str
    expires_ms: int


@dataclass(frozen=True, slots=True)
class ApiKeyAdded:
    """Somebody may trade."""

    api_key: str
    secret: str
    account: str


@dataclass(frozen=True, slots=True)
class ClockSet:
    """The replay's speed changed, or it was paused."""

    speed: float
    paused: bool


Record: TypeAlias = Ticked | Commanded | ListenKeyKept | ApiKeyAdded | ClockSet
