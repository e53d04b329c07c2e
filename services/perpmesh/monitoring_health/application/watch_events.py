"""Watch the events: note each as it passes, for the lag of its stream and for whoever watches along."""

from collections.abc import Callable

from perpmesh.monitoring_health.application.ports import Store, Transaction
from perpmesh.monitoring_health.domain.rules import Recent
from perpmesh.monitoring_health.domain.streams import PassedEvent, Streams


class WatchEvents:
    """Holds what has passed. `load` first."""

    def __init__(self, *, store: Store) -> None:
        self._store = store
        self._listeners: list[Callable[[PassedEvent], None]] = []
        self.streams = Streams()
        self.dead_letters = Recent()

    def on_event(self, listener: Callable[[PassedEvent], None]) -> None:
        """Call `listener` with each event, once it is noted."""
        self._listeners.append(listener)

    async def load(self) -> None:
        """Take up the events of an earlier life."""
        for event in await self._store.recent_events():
            self.streams.passed(event)

    async def note(self, tx: Transaction, event: PassedEvent, gave_up: str = "") -> Callable[[], None]:
        """Keep an event; return what is to be done once that is committed. `gave_up`: whose dead letter it is."""
        await self._store.put_event(tx, event)

        def committed() -> None:
            self.streams.passed(event)
            if gave_up:
                self.dead_letters.add(gave_up, 1, event.arrived_at_ms)
            for listener in self._listeners:
                listener(event)

        return committed
