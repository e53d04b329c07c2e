"""Decisions in: each is written as work in the transaction that marks it as received, and done after the commit."""

import asyncio
from collections.abc import Callable, Mapping

from google.protobuf.message import Message
from sqlalchemy.ext.asyncio import AsyncConnection

from perpmesh.execution.adapters import wire
from perpmesh.execution.adapters.store import add_decision
from perpmesh.execution.application.decide import Decide
from perpmesh.execution.application.ports import DecisionWork, Log
from perpmesh.platform import telemetry
from perpmesh.platform.inbox import Handler, Received
from perpmesh_api.ai_engine.v1 import decision_events_pb2
from perpmesh_api.execution.v1 import order_events_pb2

log = telemetry.log(__name__)
RETRY_SECONDS = 1.0
DRAIN_SECONDS = 5.0
PUBLISHES: list[type[Message]] = [
    order_events_pb2.OrderPlaced,
    order_events_pb2.OrderFilled,
    order_events_pb2.OrderCanceled,
    order_events_pb2.OrderRejected,
    order_events_pb2.OrderRefused,
    order_events_pb2.TradeOpened,
    order_events_pb2.TradeClosed,
]


class DecisionWorker:
    """Takes decisions in, and acts on each in its own trace; one symbol never waits for another."""

    def __init__(self, store: Log, decide: Decide) -> None:
        self._store = store
        self._decide = decide
        self._wake = asyncio.Event()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._retry: asyncio.TimerHandle | None = None

    def handlers(self) -> Mapping[type[Message], Handler]:
        return {decision_events_pb2.DecisionMade: self._on_decision_made}

    async def _on_decision_made(self, tx: AsyncConnection, received: Received) -> Callable[[], None]:
        await add_decision(tx, wire.decision(received.message.decision, received.traceparent))
        return self.wake

    def wake(self) -> None:
        """Look at what is pending."""
        self._wake.set()

    async def run(self) -> None:
        """Act on what is pending, at start and whenever something came in; what has begun may end."""
        try:
            await self._act_on_all()
        finally:
            if self._running:
                await asyncio.wait(self._running.values(), timeout=DRAIN_SECONDS)

    async def _act_on_all(self) -> None:
        while True:
            self._wake.clear()
            for work in await self._store.pending_decisions():
                if work.decision_id not in self._running:
                    self._running[work.decision_id] = asyncio.create_task(self._act(work))
            await self._wake.wait()

    async def _act(self, work: DecisionWork) -> None:
        failed = False
        try:
            with telemetry.span("act on ai.decision.made", traceparent=work.traceparent):
                await self._decide.act(work)
                await self._store.finish_decision(work.decision_id)
        except Exception as error:  # noqa: BLE001 - a decision that failed is tried again, until it expires
            log.warning("decision not done", decision_id=work.decision_id, error=repr(error))
            failed = True
            self._later()
        finally:
            self._running.pop(work.decision_id, None)
            if not self._running and not failed:
                self._wake.set()  # a long backlog is taken in pages

    def _later(self) -> None:
        """Look again in a while: one look for all that failed, however often."""
        if self._retry is None:
            self._retry = asyncio.get_running_loop().call_later(RETRY_SECONDS, self._again)

    def _again(self) -> None:
        self._retry = None
        self._wake.set()
