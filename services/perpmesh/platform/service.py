"""What every service of the mesh is made of, assembled once: store, outbox, inbox, policies, gRPC server."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import sqlalchemy as sa
from google.protobuf.message import Message

from perpmesh.kernel.errors import Unavailable
from perpmesh.kernel.time import Clock
from perpmesh.platform import database, event_log, grpc_server, process, telemetry
from perpmesh.platform.bus import BrokerWatch
from perpmesh.platform.contracts import catalogue, contract_of
from perpmesh.platform.database import Database
from perpmesh.platform.grpc_server import Serving
from perpmesh.platform.inbox import Handler, Inbox
from perpmesh.platform.once import Once
from perpmesh.platform.outbox import Outbox
from perpmesh.platform.policy_mirror import PolicyMirror
from perpmesh.platform.settings import MeshSettings
from perpmesh_api.risk_safety.v1 import risk_events_pb2

log = telemetry.log(__name__)
Loop = tuple[str, Callable[[], Coroutine[Any, Any, None]]]


class Parts:
    """The parts of one service. Register gRPC services on `serving.server`, then `async with running(...)`."""

    def __init__(
        self,
        *,
        name: str,
        settings: MeshSettings,
        clock: Clock,
        store: Database,
        serving: Serving,
        needs: Sequence[str],
    ) -> None:
        self.name = name
        self.settings = settings
        self.clock = clock
        self.database = store
        self.serving = serving
        self.outbox = Outbox(name, settings, store, clock)
        self.once = Once(store, clock)
        self.policy = PolicyMirror(settings, store, self.outbox, clock, needs=needs)
        self._mirrors_policy = bool(needs)
        self.watch: BrokerWatch | None = None

    @asynccontextmanager
    async def running(
        self,
        *,
        grpc_services: Sequence[str],
        publishes: Sequence[type[Message]] = (),
        handlers: Mapping[type[Message], Handler] | None = None,
        loops: Sequence[Loop] = (),
        fetch_wait_ms: int | None = None,
    ) -> AsyncIterator[None]:
        """Serve, publish, consume and loop for the length of the block; healthy once policies are adopted.

        Args:
            grpc_services: full names of the services registered on the server.
            publishes: the event types this service produces (dead letters and adoptions come by themselves).
            handlers: what to do with each consumed event type.
            loops: further background loops, by name, each restarted when it returns or fails.
            fetch_wait_ms: how long an idle Kafka fetch waits; smaller is faster and costs more processor.
        """
        handlers = dict(handlers or {})
        if self._mirrors_policy:
            also = handlers.get(risk_events_pb2.PolicyUpdated)
            handlers[risk_events_pb2.PolicyUpdated] = _both(self._on_policy_updated, also)
        inbox = Inbox(
            settings=self.settings, database=self.database, outbox=self.outbox, clock=self.clock, handlers=handlers,
            fetch_wait_ms=fetch_wait_ms,
        )  # fmt: skip
        own = self._own_streams(publishes)
        conflated = [contract_of(kind).topic for kind in publishes if contract_of(kind).type == "market.price.updated"]
        watch = self.watch = BrokerWatch(self.settings, [*inbox.topics, *own, *conflated])
        names = [*grpc_services, event_log.register(self.serving.server, self.outbox, inbox)]
        background: list[Loop] = [
            ("broker-watch", watch.look),
            ("relay", lambda: self.outbox.relay(watch, [s for s in own if s not in conflated])),
            *([("inbox", lambda: inbox.consume(watch))] if handlers else []),
            *loops,
        ]
        await self.serving.start(names)
        async with process.background(*background):
            await self._adopt_policies()
            await self.serving.ready()
            log.info("ready", listen=self.settings.listen(self.name))
            yield

    def _own_streams(self, publishes: Sequence[type[Message]]) -> list[str]:
        kinds = {contract_of(kind).type for kind in publishes} | {"event.dead_lettered"}
        if self._mirrors_policy:
            kinds.add("policy.adopted")
        contracts = [catalogue()[kind] for kind in sorted(kinds)]
        return sorted({contract.topic.format(service=self.name) for contract in contracts})

    async def _adopt_policies(self) -> None:
        if not self._mirrors_policy:
            return
        recalled = await self.policy.recall()
        while True:
            try:
                await self.policy.fetch()
            except Unavailable:
                if recalled:
                    return  # keep the last adopted; policy.updated catches up later
                await asyncio.sleep(0.2)
            else:
                return

    async def _on_policy_updated(self, tx: Any, received: Any) -> Any:
        event = received.message
        if event.revision > self.policy.revision + 1:
            return lambda: self._later(self.policy.fetch())  # a hole: the transaction must end before we fetch
        return await self.policy.on_policy_updated(tx, received)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(_said)


def _said(done: asyncio.Task[None]) -> None:
    if not done.cancelled() and (error := done.exception()):
        log.error("the newest policies were not adopted; no risk is added on older ones", error=str(error))


def _both(first: Handler, second: Handler | None) -> Handler:
    """Return a handler that does what both do, in one transaction."""
    if second is None:
        return first

    async def both(tx: Any, received: Any) -> Any:
        after = (await first(tx, received), await second(tx, received))

        def committed() -> None:
            for done in after:
                if done is not None:
                    done()

        return committed

    return both


@asynccontextmanager
async def parts(
    name: str, settings: MeshSettings, clock: Clock, *, tables: sa.MetaData, needs: Sequence[str]
) -> AsyncIterator[Parts]:
    """Open the store and bind the port of one service.

    `tables` are the service's own; `needs` are the policy keys it reads, none for a service without policies.
    """
    async with AsyncExitStack() as house:
        store = await house.enter_async_context(database.opened(settings, name, tables))
        serving = await house.enter_async_context(grpc_server.serving(name, settings.listen(name)))
        yield Parts(name=name, settings=settings, clock=clock, store=store, serving=serving, needs=needs)
