"""Watch the health: check every component at the policy's interval and keep one picture of it."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from perpmesh.kernel.time import Clock
from perpmesh.monitoring_health.application.ports import Check, Front
from perpmesh.monitoring_health.domain.health import Component, Status, roll_up


@dataclass(frozen=True, slots=True)
class Picture:
    """The health of everything at one moment."""

    status: Status
    components: Sequence[Component]

    def differs(self, other: "Picture") -> bool:
        """Whether anything but latencies and times changed."""
        return _gist(self) != _gist(other)


def _gist(picture: Picture) -> object:
    return picture.status, [(component.name, component.status, component.detail) for component in picture.components]


class WatchHealth:
    """Holds the newest picture."""

    def __init__(
        self,
        *,
        checks: Sequence[Check],
        critical: Collection[str],
        front: Front,
        interval_ms: Callable[[], int],
        clock: Clock,
    ) -> None:
        self._checks = checks
        self._critical = critical
        self._front = front
        self._interval_ms = interval_ms
        self._clock = clock
        self._components: Mapping[str, Component] = {check.name: Component(name=check.name) for check in checks}
        self._listeners: list[Callable[[Picture], None]] = []
        self.picture = self._draw()

    def on_change(self, listener: Callable[[Picture], None]) -> None:
        """Call `listener` with every picture that differs from the one before."""
        self._listeners.append(listener)

    async def forever(self) -> None:
        """Let every name be known at the gateway, then look, and look again when the interval has passed."""
        await self._front.show(self._statuses())
        while True:
            began = self._clock.boot_ms()
            await self.look()
            took = self._clock.boot_ms() - began
            await asyncio.sleep(max(self._interval_ms() - took, 0) / 1000)

    async def look(self) -> None:
        """Check everything once, all at the same time."""
        probes = await asyncio.gather(*(check() for check in self._checks))
        now = self._clock.now_ms()
        self._components = {probe.name: self._components[probe.name].after(probe, now) for probe in probes}
        before, self.picture = self.picture, self._draw()
        await self._front.show(self._statuses())
        if self.picture.differs(before):
            for listener in self._listeners:
                listener(self.picture)

    def _draw(self) -> Picture:
        components = list(self._components.values())
        return Picture(roll_up(components, self._critical), components)

    def _statuses(self) -> Mapping[str, bool]:
        serving = {name: component.status in _ANSWERING for name, component in self._components.items()}
        return {"": self.picture.status in _ANSWERING, **serving}


_ANSWERING = (Status.SERVING, Status.DEGRADED)
