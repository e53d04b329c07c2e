"""Raise and resolve alerts: gather readings, let the rules judge them, and make every change known."""

import asyncio
import itertools
from collections.abc import Callable, Collection, Mapping, Sequence

from perpmesh.kernel.time import Clock
from perpmesh.monitoring_health.application.ports import Informants, Instruments, Store
from perpmesh.monitoring_health.application.watch_events import WatchEvents
from perpmesh.monitoring_health.application.watch_health import WatchHealth
from perpmesh.monitoring_health.domain import rules
from perpmesh.monitoring_health.domain.alerts import Alert, AlertBook, Reading
from perpmesh.monitoring_health.domain.machine import Machine
from perpmesh.monitoring_health.domain.rules import Recent

ROUND_SECONDS = 1.0
SLOW_ROUNDS = 5  # lags and the machine's figures are read every so many rounds


class RaiseAlerts:
    """Holds what fires. `load` first, then run `forever`."""

    def __init__(
        self,
        *,
        health: WatchHealth,
        events: WatchEvents,
        informants: Informants,
        instruments: Instruments,
        store: Store,
        critical: Collection[str],
        max_event_lag_ms: Callable[[], int],
        clock: Clock,
    ) -> None:
        self._health = health
        self._events = events
        self._informants = informants
        self._instruments = instruments
        self._store = store
        self._critical = critical
        self._max_event_lag_ms = max_event_lag_ms
        self._clock = clock
        self._book = AlertBook(rules.rules(max_event_lag_ms()))
        self._restarts = Recent()
        self._starts: dict[str, int] = {}
        self._listeners: list[Callable[[Alert], None]] = []

    @property
    def firing(self) -> Sequence[Alert]:
        """What fires now, newest first."""
        return self._book.firing

    def on_change(self, listener: Callable[[Alert], None]) -> None:
        """Call `listener` with each alert that was raised or resolved."""
        self._listeners.append(listener)

    async def load(self) -> None:
        """Take up the alerts that fired in an earlier life: none is raised twice."""
        self._book = AlertBook(self._book.rules, await self._store.firing())

    async def forever(self) -> None:
        """Judge once a second, and the slow figures every five."""
        for turn in itertools.count():
            await self.judge(slow=turn % SLOW_ROUNDS == 0)
            await asyncio.sleep(ROUND_SECONDS)

    async def judge(self, *, slow: bool) -> None:
        """Read everything once and make known what changed."""
        self._book.rules = rules.rules(self._max_event_lag_ms())
        readings = [
            *rules.of_components(self._health.picture.components, self._critical),
            *rules.of_facts(await self._informants.facts()),
            *rules.of_dead_letters(self._events.dead_letters.counts(self._clock.now_ms())),
        ]
        if slow:
            machine = await self._instruments.read()
            readings += [*rules.of_lags(await self._lags()), *rules.of_machine(machine), *self._restarted(machine)]
        changes = self._book.changes(readings, self._clock.now_ms())
        if changes:
            await self._store.make_known(changes)
        for alert in changes:
            self._book.take(alert)
            for listener in self._listeners:
                listener(alert)

    async def _lags(self) -> Mapping[str, float]:
        waiting = await self._informants.waiting_since(await self._store.sequences())
        now = self._clock.now_ms()
        return {stream: max(now - since, 0) if since else 0 for stream, since in waiting.items()}

    def _restarted(self, machine: Machine) -> Sequence[Reading]:
        now = self._clock.now_ms()
        for process in machine.processes:
            again = process.starts - self._starts.get(process.name, process.starts)
            self._starts[process.name] = process.starts
            self._restarts.know(process.name)
            self._restarts.add(process.name, max(again, 0), now)
        return list(rules.of_restarts(self._restarts.counts(now)))
