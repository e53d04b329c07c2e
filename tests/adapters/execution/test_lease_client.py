"""The holder on its stream: it asks with a report, and acknowledges a revocation only once it is honoured."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import grpc
import pytest

from perpmesh.execution.adapters.lease_client import LeaseClient
from perpmesh.execution.domain.words import Side, Stage
from perpmesh_api.common.v1 import trading_pb2 as words
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2 as ess
from perpmesh_api.risk_safety.v1 import risk_service_pb2 as pb
from perpmesh_api.risk_safety.v1 import risk_service_pb2_grpc as rpc


class Keeper(rpc.RiskServiceServicer):
    """The other side of the contract, in the test's hand."""

    def __init__(self) -> None:
        self.words: asyncio.Queue[Any] = asyncio.Queue()
        self.answers: asyncio.Queue[Any] = asyncio.Queue()

    async def HoldEntryLease(self, request_iterator: Any, context: Any) -> AsyncIterator[Any]:
        async def read() -> None:
            async for word in request_iterator:
                self.words.put_nowait(word)

        reading = asyncio.create_task(read())
        try:
            while True:
                yield await self.answers.get()
        finally:
            reading.cancel()

    def grant(self, word: Any, epoch: int = 1) -> None:
        self.answers.put_nowait(
            pb.HoldEntryLeaseResponse(
                state=pb.LEASE_STATE_GRANTED, request_sequence=word.request_sequence, valid_for_ms=2_000, epoch=epoch,
                stage=words.STAGE_FULL, policy_revision=1,
            )
        )  # fmt: skip

    def revoke(self, mode: int) -> None:
        self.answers.put_nowait(
            pb.HoldEntryLeaseResponse(state=pb.LEASE_STATE_REVOKED, epoch=1, reason="tripped", mode=mode)
        )


@pytest.fixture
async def keeper(house, settings, outbox) -> AsyncIterator[Keeper]:
    made, server = Keeper(), grpc.aio.server()
    rpc.add_RiskServiceServicer_to_server(made, server)
    server.add_insecure_port(settings.listen("risk_safety"))
    await server.start()
    house.cases.lease.lease = None
    holding = asyncio.create_task(LeaseClient(settings, outbox, house.cases).hold())
    yield made
    holding.cancel()
    await server.stop(0)


async def next_with(keeper: Keeper, field: str) -> Any:
    while True:
        word = await keeper.words.get()
        if word.HasField(field):
            return word


async def test_it_asks_twice_a_second_with_a_true_report(keeper: Keeper, house):
    began = asyncio.get_running_loop().time()
    first, second = await keeper.words.get(), await keeper.words.get()
    assert 0.3 < asyncio.get_running_loop().time() - began < 2
    assert (first.request_sequence, second.request_sequence) == (1, 2)
    assert first.holder_id == second.holder_id != ""
    assert (first.equity, first.reconciled, first.unprotected_positions) == ("10000", True, 0)


async def test_a_grant_opens_the_gate(keeper: Keeper, house):
    keeper.grant(await keeper.words.get())
    await keeper.words.get()
    lease = house.cases.lease.current()
    assert (lease.epoch, lease.stage) == (1, Stage.FULL)


async def test_a_revocation_is_acknowledged_after_resting_entries_are_gone(keeper: Keeper, house):
    keeper.grant(await keeper.words.get())
    mark = await house.refresh()
    await house.venue.client.futures_create_order(
        symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.002", price=f"{mark * 97 / 100:.1f}",
        newClientOrderId="human-1",
    )  # fmt: skip
    keeper.revoke(ess.TRIP_MODE_BLOCK)
    word = await next_with(keeper, "acknowledged_epoch")
    assert (word.acknowledged_epoch, list(word.canceled_orders)) == (1, ["human-1"])
    assert await house.venue.open_orders("BTCUSDT") == []
    assert house.cases.lease.current() is None


async def test_a_revocation_that_flattens_closes_what_is_open(keeper: Keeper, house):
    keeper.grant(await keeper.words.get())
    await house.refresh()
    signed = house.venue.sign_entry(
        symbol="BTCUSDT", side=Side.BUY, quantity=Decimal("0.002"),
        client_id="pm-e-1", timestamp_ms=house.cases.tools.desk.exchange_now_ms(), window_ms=1_000,
    )  # fmt: skip
    await house.venue.send_entry(signed)
    keeper.revoke(ess.TRIP_MODE_FLATTEN)
    await next_with(keeper, "acknowledged_epoch")
    for _ in range(100):
        if not await house.venue.positions():
            break
        await asyncio.sleep(0.05)
    assert await house.venue.positions() == []
