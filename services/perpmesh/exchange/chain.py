"""The rolling hash: one number for everything that has happened so far, kept up at little cost.

Facts are noted as integers; when a block of them is full, it is hashed together with the hash before it. So the value
does not depend on when somebody reads it or on when a snapshot was taken.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from perpmesh.exchange.events import AccountUpdated, Event, IncomeBooked, OrderUpdated, TradePrinted
from perpmesh.exchange.state import State

BLOCK = 4_096  # integers
DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Chain:
    """Keeps `digest` and `noted` of a state."""

    state: State

    def note(self, market_ms: int, wall_ms: int, facts: Sequence[Event]) -> None:
        """Add what one command brought about."""
        noted = self.state.noted
        noted += (market_ms, wall_ms, len(facts))
        for fact in facts:
            noted += NUMBERS.get(type(fact), _rendered)(fact)
        if len(noted) >= BLOCK:
            self.state.digest = self.value
            noted.clear()

    @property
    def value(self) -> str:
        """Return the hash of everything noted so far."""
        whole = bytes.fromhex(self.state.digest) + _bytes(self.state.noted)
        return blake2b(whole, digest_size=DIGEST_BYTES).hexdigest()


def _bytes(numbers: Sequence[int]) -> bytes:
    try:
        return struct.pack(f"<{len(numbers)}q", *numbers)
    except struct.error:  # one needs more than 64 bits
        return repr(numbers).encode()


def _numbers(fact: OrderUpdated | AccountUpdated | TradePrinted | IncomeBooked) -> tuple[int, ...]:
    return fact.numbers


def _rendered(fact: Event) -> tuple[int, ...]:
    """Note a fact that is rare by what it says."""
    return (int.from_bytes(blake2b(repr(fact).encode(), digest_size=8).digest(), "little", signed=True),)


NUMBERS: Final[dict[type, Callable[[Any], tuple[int, ...]]]] = {
    OrderUpdated: _numbers,
    AccountUpdated: _numbers,
    TradePrinted: _numbers,
    IncomeBooked: _numbers,
}
