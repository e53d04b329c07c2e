"""Holds the entry lease: asks twice a second with a report, and honours a revocation before it acknowledges it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

from perpmesh.execution.adapters import wire
from perpmesh.execution.application.assembly import UseCases
from perpmesh.execution.application.entry_lease import Grant
from perpmesh.execution.application.flatten import Honoured
from perpmesh.kernel.ids import derived_id
from perpmesh.kernel.money import text
from perpmesh.platform import grpc_client, telemetry
from perpmesh.platform.settings import MeshSettings
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2 as ess
from perpmesh_api.risk_safety.v1 import risk_service_pb2 as pb
from perpmesh_api.risk_safety.v1 import risk_service_pb2_grpc as rpc

log = telemetry.log(__name__)
ASK_SECONDS = 0.5
FLATTEN_AGAIN_SECONDS = 1.0
TRADES = "execution.trades.v1"
NOTHING = Honoured(epoch=-1, canceled=[], open_positions=[], protected_positions=[])


class Numbered(Protocol):
    """Tells how far a stream of our events has come."""

    async def newest_sequence(self, stream: str) -> int: ...


class LeaseClient:
    """One stream at a time; a broken one is opened again, and the lease meanwhile runs out by itself."""

    def __init__(self, settings: MeshSettings, outbox: Numbered, cases: UseCases) -> None:
        self._settings = settings
        self._outbox = outbox
        self._cases = cases
        clock = cases.tools.desk.clock
        self._holder_id = derived_id("execution", clock.boot_ms(), clock.now_ms())
        self._sequence = 0
        self.news = asyncio.Event()  # a revocation is honoured: the next word must not wait
        self._honoured = NOTHING
        self._honouring: dict[int, asyncio.Task[None]] = {}

    async def hold(self) -> None:
        """Hold the stream until it breaks; run it inside `forever`."""
        async with grpc_client.channel(self._settings.address("risk_safety")) as channel:
            keeper: Any = rpc.RiskServiceStub(channel)
            await self.converse(lambda words: keeper.HoldEntryLease(words, wait_for_ready=True))

    async def converse(self, call: Callable[[AsyncIterator[Any]], AsyncIterator[Any]]) -> None:
        """Speak on a fresh stream until it breaks."""
        self.begin()
        async for answer in call(self._words()):
            self.heard(answer)

    def begin(self) -> None:
        """Begin a new stream: what was asked on the last one is not answered any more."""
        self._sequence = 0
        self._cases.lease.forget()

    async def _words(self) -> AsyncIterator[Any]:
        """Ask on and on; as soon as a revocation is honoured, and with every word after it, acknowledge it."""
        while True:
            yield await self.report()
            self.news.clear()
            try:
                await asyncio.wait_for(self.news.wait(), ASK_SECONDS)
            except TimeoutError:
                continue

    async def report(self) -> Any:
        """Return the next word to say: it asks for the lease, and counts as asked now."""
        desk, reporter = self._cases.tools.desk, self._cases.reporter
        newest = await self._outbox.newest_sequence(TRADES)
        equity = desk.equity()
        self._sequence += 1
        held = sorted(desk.positions)
        word = pb.HoldEntryLeaseRequest(
            holder_id=self._holder_id,
            request_sequence=self._sequence,
            newest_trade_sequence=newest,
            equity=text(equity) if equity is not None else "",
            unprotected_positions=len(desk.unprotected()),
            reconciled=reporter.is_reconciled(),
            market_time_ms=desk.market_time_ms(),
            price_age_ms=reporter.price_age_ms(),
            recent_execution_errors=desk.recent_errors(),
            open_positions=held,
            protected_positions=[symbol for symbol in held if symbol in desk.protected],
            ledger_mismatch=desk.mismatch[:500],
        )
        if self._honoured is not NOTHING:
            word.acknowledged_epoch = self._honoured.epoch
            word.canceled_orders.extend(self._honoured.canceled)
        self._cases.lease.asked(self._sequence)
        return word

    def heard(self, answer: Any) -> None:
        """Take in one answer."""
        state = wire.lease_state(answer.state)
        if state == "GRANTED":
            self._cases.lease.granted(
                Grant(
                    sequence=answer.request_sequence, valid_for_ms=answer.valid_for_ms, epoch=answer.epoch,
                    stage=wire.stage(answer.stage), policy_revision=answer.policy_revision,
                )
            )  # fmt: skip
        elif state == "REVOKED":
            self._revoked(answer)
        else:
            self._cases.lease.withheld(answer.reason)

    def _revoked(self, answer: Any) -> None:
        """Stop at once; cancel and wait beside the stream, once per epoch."""
        self._cases.lease.revoked(answer.epoch, answer.reason)
        if answer.epoch in self._honouring:
            return
        flatten = answer.mode == ess.TRIP_MODE_FLATTEN
        self._honouring[answer.epoch] = asyncio.create_task(self._honour(answer.epoch, answer.reason, flatten=flatten))

    async def _honour(self, epoch: int, reason: str, *, flatten: bool) -> None:
        self._honoured = await self._cases.flatten.honour(epoch, reason)
        self.news.set()
        log.warning(
            "entry lease revoked", epoch=epoch, reason=reason, canceled=self._honoured.canceled, flatten=flatten
        )
        while flatten:
            done = await self._cases.flatten.flatten(reason=f"emergency stop: {reason}"[:200])
            left = [position.symbol for position in done.remaining]
            log.warning("flattened", orders=len(done.orders), remaining=left)
            if not left:
                return
            await asyncio.sleep(FLATTEN_AGAIN_SECONDS)
