"""What the use cases need of the world."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from perpmesh.monitoring_health.domain.alerts import Alert
from perpmesh.monitoring_health.domain.health import Probe
from perpmesh.monitoring_health.domain.machine import Machine
from perpmesh.monitoring_health.domain.rules import Facts
from perpmesh.monitoring_health.domain.streams import PassedEvent

Transaction: TypeAlias = Any  # the store's own; use cases only hand it on


class Check(Protocol):
    """One component, asked how it is. Never raises."""

    @property
    def name(self) -> str: ...

    async def __call__(self) -> Probe: ...


class Informants(Protocol):
    """What the services say of themselves. Never raises: what nobody tells is None."""

    async def facts(self) -> Facts: ...

    async def waiting_since(self, seen: Mapping[str, int]) -> Mapping[str, int]:
        """Return when the oldest event after the one seen became true, by stream; 0 when all were seen.

        A stream whose producer does not answer is left out.
        """
        ...


class Instruments(Protocol):
    """The machine's own figures."""

    async def read(self) -> Machine: ...


class Store(Protocol):
    """The service's memory."""

    async def sequences(self) -> Mapping[str, int]:
        """Return the newest sequence handled, by stream."""
        ...

    async def recent_events(self) -> Sequence[PassedEvent]:
        """Return the events kept, oldest first."""
        ...

    async def put_event(self, tx: Transaction, event: PassedEvent) -> None: ...

    async def firing(self) -> Sequence[Alert]: ...

    async def alerts(self, *, include_resolved: bool, limit: int) -> Sequence[Alert]:
        """Return alerts, newest first."""
        ...

    async def make_known(self, alerts: Sequence[Alert]) -> None:
        """Keep alerts that were raised or resolved, and publish each, in one transaction."""
        ...


class Front(Protocol):
    """Who answers for the whole mesh at the gateway."""

    async def show(self, statuses: Mapping[str, bool]) -> None:
        """Say of each name whether it serves; "" is the whole mesh."""
        ...
