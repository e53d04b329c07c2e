"""The stop, the lease stream and the reset over real gRPC and SQLite."""

import asyncio
import time
from collections.abc import AsyncIterator

import grpc
import pytest

from perpmesh.platform.identity import Identity, Keyring, Role
from perpmesh.platform.inbox import Received
from perpmesh.platform.settings import VenueKind
from perpmesh.risk_safety.adapters import events_in
from perpmesh_api.common.v1 import trading_pb2 as words
from perpmesh_api.execution.v1 import order_events_pb2, order_service_pb2
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2 as ess_pb
from perpmesh_api.risk_safety.v1 import risk_service_pb2 as pb

from .conftest import Service, living, refused
from .test_policy_api import VIEWER, Code

GOOD = {
    "holder_id": "execution-1", "equity": "10000", "reconciled": True, "market_time_ms": 1_700_000_000_000,
    "price_age_ms": 100,
}  # fmt: skip


class Holder:
    """A client of the lease stream."""

    def __init__(self, service: Service, metadata=None) -> None:
        self.words: asyncio.Queue = asyncio.Queue()
        self.call = service.risk.HoldEntryLease(self._said(), metadata=metadata)
        self.sequence = 0

    async def _said(self) -> AsyncIterator[pb.HoldEntryLeaseRequest]:
        while (word := await self.words.get()) is not None:
            yield word

    def say(self, **more) -> None:
        self.sequence += 1
        self.words.put_nowait(pb.HoldEntryLeaseRequest(**{**GOOD, "request_sequence": self.sequence, **more}))

    async def ask(self, **more) -> pb.HoldEntryLeaseResponse:
        self.say(**more)
        return await self.call.read()


async def test_a_holder_asks_and_is_granted(service: Service):
    holder = Holder(service)
    answer = await holder.ask()
    assert answer == pb.HoldEntryLeaseResponse(
        state=pb.LEASE_STATE_GRANTED, request_sequence=1, valid_for_ms=2_000, epoch=1, stage=words.STAGE_FULL,
        mode=ess_pb.TRIP_MODE_BLOCK,
    )  # fmt: skip
    status = (await service.ess.GetStatus(ess_pb.GetStatusRequest())).status
    assert (status.can_execute, status.lease_holders, status.limits.equity) == (True, 1, "10000")
    assert status.environment == words.ENVIRONMENT_SIMULATED
    assert (await holder.ask(equity="")).reason == "EQUITY_UNKNOWN"


async def test_a_trip_is_pushed_to_the_holder_and_answers_when_it_acknowledged(service: Service):
    holder = Holder(service)
    await holder.ask()
    trip = asyncio.ensure_future(service.ess.Trip(ess_pb.TripRequest(reason="drill", request_id="t1")))
    revoked = await holder.call.read()
    assert (revoked.state, revoked.request_sequence, revoked.epoch) == (pb.LEASE_STATE_REVOKED, 0, 2)
    holder.say(acknowledged_epoch=revoked.epoch, canceled_orders=["pm-e-1"], open_positions=["BTCUSDT"])
    answer = await trip
    assert (answer.released_by, answer.canceled_orders, answer.open_positions) == (
        "acknowledged",
        ["pm-e-1"],
        ["BTCUSDT"],
    )
    assert await service.ess.Trip(ess_pb.TripRequest(reason="drill", request_id="t1")) == answer
    (event,) = await service.events("risk_safety.ess.v1")
    assert event.trip == answer.trip
    assert (await holder.call.read()).request_sequence == 2  # the word that acknowledged is answered too
    assert (await holder.ask()).state == pb.LEASE_STATE_REVOKED


async def test_a_trip_waits_for_a_frozen_holder_and_no_longer(service: Service):
    holder = Holder(service)
    await holder.ask()
    began = time.monotonic()
    answer = await service.ess.Trip(ess_pb.TripRequest())
    assert answer.released_by == "expired"
    assert time.monotonic() - began > 1.9


async def test_a_caller_that_leaves_does_not_undo_the_trip(service: Service):
    holder = Holder(service)
    await holder.ask()
    trip = service.ess.Trip(ess_pb.TripRequest())
    assert (await holder.call.read()).state == pb.LEASE_STATE_REVOKED
    trip.cancel()
    watching = service.ess.WatchStatus(ess_pb.WatchStatusRequest())
    holder.say(acknowledged_epoch=2)
    async for seen in watching:
        if seen.status.state == ess_pb.ESS_STATE_TRIPPED:
            break
    assert seen.status.trip.epoch == 2


async def test_a_trip_survives_the_process_and_is_lifted_by_two_tokens(settings):
    """I8, T10."""
    keyring = Keyring(settings.state_dir / "keys")
    keyring.create()
    operator = keyring.issue(Identity(subject="ann", role=Role.OPERATOR))
    approver = keyring.issue(Identity(subject="bob", role=Role.APPROVER))
    async with living(settings) as service:
        trip = (await service.ess.Trip(ess_pb.TripRequest(reason="drill"))).trip
    async with living(settings) as service:
        status = (await service.ess.GetStatus(ess_pb.GetStatusRequest())).status
        assert (status.state, status.trip, status.trip_count) == (ess_pb.ESS_STATE_TRIPPED, trip, 1)
        one = ess_pb.ResetRequest(reason="checked, all is well", operator_token=operator, approver_token=operator)
        assert await refused(service.ess.Reset(one)) == (Code.PERMISSION_DENIED, "ROLE", "approver_token")
        bad = ess_pb.ResetRequest(reason="checked, all is well", operator_token="x", approver_token=approver)
        assert await refused(service.ess.Reset(bad)) == (Code.UNAUTHENTICATED, "BAD_TOKEN", "operator_token")
        short = ess_pb.ResetRequest(reason="ok", operator_token=operator, approver_token=approver)
        assert await refused(service.ess.Reset(short)) == (Code.INVALID_ARGUMENT, "INVALID_FIELD", "reason")
        both = ess_pb.ResetRequest(reason="checked, all is well", operator_token=operator, approver_token=approver)
        status = (await service.ess.Reset(both)).status
        assert (status.state, status.stage, status.epoch) == (ess_pb.ESS_STATE_ARMED, words.STAGE_PAPER, 3)
        assert not status.HasField("trip")
        event = (await service.events("risk_safety.ess.v1"))[-1]
        assert (event.operator, event.approver, event.epoch) == ("ann", "bob", 3)
    async with living(settings) as service:
        status = (await service.ess.GetStatus(ess_pb.GetStatusRequest())).status
        assert (status.state, status.stage) == (ess_pb.ESS_STATE_ARMED, words.STAGE_PAPER)


async def test_losing_trades_pull_the_stop_and_the_count_survives_a_restart(settings):
    async with living(settings) as service:
        for sequence in range(1, 8):
            await closed(service, "-5", sequence)
    async with living(settings) as service:
        limits = (await service.risk.GetLimits(pb.GetLimitsRequest())).limits
        assert (limits.consecutive_losses, limits.trade_sequence, limits.consecutive_losses_limit) == (7, 7, 8)
        assert (await Holder(service).ask(newest_trade_sequence=8)).reason == "TRADES_BEHIND"
        watching = service.ess.WatchStatus(ess_pb.WatchStatusRequest())
        await watching.read()
        await closed(service, "-5", 8)
        async for seen in watching:
            if seen.status.state == ess_pb.ESS_STATE_TRIPPED:
                break
        assert seen.status.trip.trigger == ess_pb.TRIP_TRIGGER_CONSECUTIVE_LOSSES
        assert seen.status.trip.evidence["consecutive_losses"] == "8"


async def closed(service: Service, net_pnl: str, sequence: int) -> None:
    """Handle one trade.closed as the inbox does."""
    trade = order_service_pb2.Trade(symbol="BTCUSDT", net_pnl=net_pnl)
    received = Received(
        message=order_events_pb2.TradeClosed(symbol="BTCUSDT", trade=trade), type="trade.closed", event_id=str(sequence),
        stream="execution.trades.v1", sequence=sequence, key="BTCUSDT", time_ms=0, producer="execution", traceparent="",
    )  # fmt: skip
    handler = events_in.handlers(service.core)[order_events_pb2.TradeClosed]
    async with service.parts.database.transaction() as tx:
        after = await handler(tx, received)
    assert after is not None
    after()


async def test_a_pause_is_pushed_and_lifted(service: Service):
    holder = Holder(service)
    await holder.ask()
    status = (await service.risk.PauseEntries(pb.PauseEntriesRequest(reason="lunch"))).status
    assert (status.paused, status.can_execute, status.state) == (True, False, ess_pb.ESS_STATE_ARMED)
    pushed = await holder.call.read()
    assert (pushed.state, pushed.reason) == (pb.LEASE_STATE_WITHHELD, "PAUSED")
    assert not (await service.risk.ResumeEntries(pb.ResumeEntriesRequest())).status.paused
    assert (await holder.call.read()).reason == "CHANGED"
    assert (await holder.ask()).state == pb.LEASE_STATE_GRANTED


async def test_a_viewer_may_look_and_not_act(service: Service):
    assert (await service.ess.GetStatus(ess_pb.GetStatusRequest(), metadata=VIEWER)).status.epoch == 1
    for call in (
        service.ess.Trip(ess_pb.TripRequest(), metadata=VIEWER),
        service.ess.Reset(
            ess_pb.ResetRequest(reason="x" * 10, operator_token="a", approver_token="b"), metadata=VIEWER
        ),
        service.risk.PauseEntries(pb.PauseEntriesRequest(), metadata=VIEWER),
        service.risk.ResumeEntries(pb.ResumeEntriesRequest(), metadata=VIEWER),
    ):
        assert (await refused(call))[0] is Code.PERMISSION_DENIED
    with pytest.raises(grpc.RpcError) as error:
        await Holder(service, metadata=VIEWER).ask()
    assert error.value.code() is Code.PERMISSION_DENIED


async def test_a_word_that_breaks_the_contract_ends_the_stream(service: Service):
    holder = Holder(service)
    holder.say(equity="lots")
    assert await holder.call.code() is Code.INVALID_ARGUMENT


async def test_a_watcher_sees_the_status_now_and_every_change(service: Service):
    watching = service.ess.WatchStatus(ess_pb.WatchStatusRequest())
    assert (await watching.read()).status.state == ess_pb.ESS_STATE_ARMED
    await service.ess.Trip(ess_pb.TripRequest())
    states = []
    while ess_pb.ESS_STATE_TRIPPED not in states:
        states.append((await watching.read()).status.state)
    assert set(states) <= {ess_pb.ESS_STATE_ARMED, ess_pb.ESS_STATE_TRIPPING, ess_pb.ESS_STATE_TRIPPED}


async def test_anything_but_the_simulated_exchange_starts_in_shadow(settings):
    async with living(settings.model_copy(update={"environment": VenueKind.TESTNET})) as service:
        status = (await service.ess.GetStatus(ess_pb.GetStatusRequest())).status
        assert (status.stage, status.environment) == (words.STAGE_SHADOW, words.ENVIRONMENT_TESTNET)
        assert (await Holder(service).ask()).reason == "STAGE_SHADOW"


async def test_after_a_start_nobody_is_granted_until_unknown_holders_have_run_out(settings):
    async with living(settings, leap_ms=0) as service:
        holder = Holder(service)
        assert (await holder.ask()).reason == "OTHER_HOLDER"
        service.clock.leapt = 2_200
        assert (await holder.ask()).state == pb.LEASE_STATE_GRANTED
