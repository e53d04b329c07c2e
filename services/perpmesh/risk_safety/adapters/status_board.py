"""The status of the safety core for whoever watches: now, at every change, and at least once a second."""

import asyncio
from collections.abc import AsyncIterator

from perpmesh.platform.broadcast import Broadcast
from perpmesh.risk_safety.adapters import ess_wire as wire
from perpmesh.risk_safety.application.core import SafetyCore
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2 as pb

LOOK_SECONDS = 0.25
REPEAT_LOOKS = 4  # a watcher that joined in between two changes sees the newest within a second


class StatusBoard:
    """Shows the status."""

    def __init__(self, core: SafetyCore, environment: str) -> None:
        self._desk = core.desk
        self._stages = core.stages
        core.ess.on_change(self.show)
        self._environment = environment
        self._watchers: Broadcast[pb.EssStatus] = Broadcast(bound=16)
        self._shown = pb.EssStatus()

    def now(self) -> pb.EssStatus:
        return wire.status(self._desk.status(), self._stages.state(), self._environment)

    def show(self) -> None:
        """Tell the watchers when something has changed."""
        now = self.now()
        if now != self._shown:
            self._shown = now
            self._watchers.send(now)

    async def watch(self) -> AsyncIterator[pb.EssStatus]:
        """Yield the status now, and then every change."""
        yield self.now()
        async for status in self._watchers.watch():
            yield status

    async def keep(self) -> None:
        """Look for changes that nobody announces, such as a lease that ran out; for ever."""
        while True:
            for _ in range(REPEAT_LOOKS):
                await asyncio.sleep(LOOK_SECONDS)
                self.show()
            self._watchers.send(self.now())
