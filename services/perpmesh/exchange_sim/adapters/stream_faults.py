"""Where faults strike what is sent to listeners: user events and whole streams."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from perpmesh.exchange_sim.domain.fault_plan import Armed, FaultPlan
from perpmesh.exchange_sim.domain.faults import (
    CloseConnection,
    DelayEvents,
    DuplicateEvents,
    LoseEvents,
    Maintenance,
    Occasion,
    Point,
    ReorderEvents,
)
from perpmesh.exchange_sim.domain.streams import parse_stream
from perpmesh.kernel.time import Clock

USER_STREAM = "user"
Deliver = Callable[[], None]


@dataclass(slots=True)
class Held:
    """An event that waits until others have passed it."""

    deliver: Deliver
    left: int
    timer: asyncio.TimerHandle


@dataclass(slots=True)
class Mischief:
    """All that is to be done to one event."""

    lost: bool = False
    delay_ms: int = 0
    behind: int = 0
    hold_ms: int = 0
    copies_ms: list[int] = field(default_factory=list)


class StreamFaults:
    """Asked only while there are faults."""

    def __init__(self, plan: FaultPlan, clock: Clock) -> None:
        self._plan = plan
        self._clock = clock
        self._held: dict[str, list[Held]] = {}  # by listen key

    @property
    def armed(self) -> bool:
        """Whether there are faults, or events that one of them still holds back."""
        return self._plan.armed or bool(self._held)

    def user_event(self, key: str, account: str, message: dict[str, Any], deliver: Deliver) -> None:
        """Deliver a user event as the faults want: once or more, at once, later, out of turn or never."""
        mischief = self._mischief(Occasion(account=account, symbol=symbol_of(message), event=str(message.get("e"))))
        if not mischief.lost:
            if mischief.behind:
                self._hold(key, mischief, deliver)
            else:
                self._send(mischief.delay_ms, deliver)
            for copy_ms in mischief.copies_ms:
                self._send(mischief.delay_ms + copy_ms, deliver)
        if not mischief.behind:
            self._passed(key)

    def silences(self, stream: str, account: Callable[[str], str | None]) -> bool:
        """Whether a message of a stream does not come; `account` tells whose a listen key is."""
        if not self._plan.at(Point.DELIVERY):
            return False
        return self._plan.first(Point.DELIVERY, occasion_of(stream, account), self._clock.now_ms()) is not None

    def cuts(
        self, names: Iterable[str], account: Callable[[str], str | None], *, opening: bool
    ) -> list[CloseConnection]:
        """Return what cuts a connection that begins to listen to `names`, when it opens or later on."""
        struck = [
            fault.spec.kind
            for fault in self._plan.at(Point.CONNECTION)
            if (opening or fault.spec.scope.account or fault.spec.scope.symbol or fault.spec.scope.stream)
            and self.strikes(fault, names, account)
        ]
        return [kind for kind in struck if isinstance(kind, CloseConnection)]

    def strikes(self, fault: Armed, names: Iterable[str], account: Callable[[str], str | None]) -> bool:
        """Whether a fault strikes a connection for any stream that it listens to; counted once."""
        occasions = [occasion_of(name, account) for name in names if name] or [Occasion()]
        covered = next((each for each in occasions if fault.spec.scope.covers(each)), None)
        return covered is not None and fault.strikes(covered, self._clock.now_ms())

    @property
    def closed(self) -> bool:
        """Whether nobody can connect: maintenance."""
        struck = self._plan.at(Point.REFUSE)
        return any(
            isinstance(fault.spec.kind, Maintenance) and fault.strikes(Occasion(), self._clock.now_ms())
            for fault in struck
        )

    def _mischief(self, occasion: Occasion) -> Mischief:
        mischief = Mischief()
        for fault in self._plan.at(Point.USER_EVENT):
            if not fault.strikes(occasion, self._clock.now_ms()):
                continue
            match fault.spec.kind:
                case LoseEvents():
                    mischief.lost = True
                case DelayEvents(delay_ms):
                    mischief.delay_ms += delay_ms
                case ReorderEvents(behind, hold_ms):
                    mischief.behind, mischief.hold_ms = behind, hold_ms
                case DuplicateEvents(copies, delay_ms):
                    mischief.copies_ms += [delay_ms] * copies
        return mischief

    def _send(self, delay_ms: int, deliver: Deliver) -> None:
        if delay_ms:
            asyncio.get_running_loop().call_later(delay_ms / 1_000, deliver)
        else:
            deliver()

    def _hold(self, key: str, mischief: Mischief, deliver: Deliver) -> None:
        def release() -> None:
            self._release(key, held)

        timer = asyncio.get_running_loop().call_later(mischief.hold_ms / 1_000, release)
        held = Held(deliver, mischief.behind, timer)
        self._held.setdefault(key, []).append(held)

    def _passed(self, key: str) -> None:
        """Another event has gone by: whoever waited for it goes now."""
        for held in tuple(self._held.get(key, ())):
            held.left -= 1
            if held.left <= 0:
                self._release(key, held)

    def _release(self, key: str, held: Held) -> None:
        held.timer.cancel()
        waiting = self._held[key]
        waiting.remove(held)
        if not waiting:
            del self._held[key]
        held.deliver()


def symbol_of(message: dict[str, Any]) -> str:
    """Return the symbol that a user event is about; "" when it is about none or several."""
    body = message.get("o") or message.get("ac") or message
    if isinstance(body, dict) and isinstance(body.get("s"), str):
        return str(body["s"])
    positions = message.get("a", {}).get("P", []) if isinstance(message.get("a"), dict) else []
    symbols = {row["s"] for row in positions}
    return symbols.pop() if len(symbols) == 1 else ""


def occasion_of(stream: str, account: Callable[[str], str | None]) -> Occasion:
    """Return what a message of a stream is to the faults; a listen key's stream is called "user"."""
    known = parse_stream(stream)
    if known is not None or stream.startswith("!"):
        return Occasion(stream=stream, symbol=known.symbol if known else "")
    return Occasion(stream=USER_STREAM, account=account(stream) or "")
