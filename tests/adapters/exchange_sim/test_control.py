"""The control service: the replay obeys, and a new account can trade at once."""

import asyncio
import socket
from decimal import Decimal

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.adapters.exchange_sim.conftest import serving
from tests.adapters.exchange_sim.rest import Rest

from perpmesh.exchange_sim.adapters.server import loops
from perpmesh_api.exchange_sim.v1 import exchange_control_service_pb2 as pb
from perpmesh_api.exchange_sim.v1 import exchange_control_service_pb2_grpc as pb_grpc


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
async def both():
    """A host for REST and a channel for control."""
    listen = f"127.0.0.1:{free_port()}"
    async with serving(grpc_listen=listen) as host, grpc.aio.insecure_channel(listen) as channel:
        yield host, channel


async def test_the_replay_is_paused_changed_and_resumed(both):
    _, channel = both
    control = pb_grpc.ExchangeControlServiceStub(channel)
    paused = (await control.PauseReplay(pb.PauseReplayRequest())).replay
    await asyncio.sleep(0.3)
    still = (await control.GetReplay(pb.GetReplayRequest())).replay
    assert (still.paused, still.market_time_ms, still.state_hash) == (True, paused.market_time_ms, paused.state_hash)
    assert (await control.SetSpeed(pb.SetSpeedRequest(speed=600))).replay.speed == 600
    with pytest.raises(grpc.aio.AioRpcError, match="left out with unbounded"):
        await control.SetSpeed(pb.SetSpeedRequest(speed=60, unbounded=True))
    await control.ResumeReplay(pb.ResumeReplayRequest())
    async with asyncio.timeout(5):
        while (
            replay := (await control.GetReplay(pb.GetReplayRequest())).replay
        ).market_time_ms < still.market_time_ms + 60_000:
            await asyncio.sleep(0.02)
    assert not replay.synthetic
    assert list(replay.symbols) == ["BTCUSDT", "ETHUSDT"]


async def test_a_paused_market_is_moved_by_the_second_and_jumps_forward_only(both):
    _, channel = both
    control = pb_grpc.ExchangeControlServiceStub(channel)
    with pytest.raises(grpc.aio.AioRpcError, match="pause the replay first"):
        await control.StepReplay(pb.StepReplayRequest())
    paused = (await control.PauseReplay(pb.PauseReplayRequest())).replay.market_time_ms
    steps = [(await control.StepReplay(pb.StepReplayRequest(seconds=each))).replay for each in (1, 1, 58)]
    assert [replay.market_time_ms - paused for replay in steps] == [1_000, 2_000, 60_000]
    there = paused + 3_600_000
    assert (await control.JumpReplay(pb.JumpReplayRequest(market_time_ms=there))).replay.market_time_ms == there
    for wrong in (there - 1_000, there + 400 * 86_400_000):
        with pytest.raises(grpc.aio.AioRpcError):
            await control.JumpReplay(pb.JumpReplayRequest(market_time_ms=wrong))


async def test_a_new_account_can_trade_at_once(both):
    host, channel = both
    control = pb_grpc.ExchangeControlServiceStub(channel)
    request = pb.CreateAccountRequest(api_key="newcomer", api_secret="s3cret", balance="777")
    created = await control.CreateAccount(request)
    async with Rest(host) as rest:
        balance = (await rest.signed("GET", "/fapi/v3/balance", key="newcomer", secret="s3cret"))[1][0]
    assert (balance["accountAlias"], balance["balance"]) == (created.account_id, "777.00000000")


async def test_an_account_pays_the_commission_of_its_tier(both):
    host, channel = both
    control = pb_grpc.ExchangeControlServiceStub(channel)
    keys = {"api_key": "whale", "api_secret": "s3cret"}
    whale, shown = {"key": "whale", "secret": "s3cret"}, []
    async with Rest(host) as rest:
        for tier in ({"fee_tier": 9}, {}, {"fee_tier": 0}):
            await control.CreateAccount(pb.CreateAccountRequest(**keys, balance="777", **tier))
            rates = (await rest.signed("GET", "/fapi/v1/commissionRate", **whale, symbol="BTCUSDT"))[1]
            shown.append((rates["makerCommissionRate"], rates["takerCommissionRate"]))
    assert [(Decimal(maker), Decimal(taker)) for maker, taker in shown] == [
        (0, Decimal("0.00017")),
        (0, Decimal("0.00017")),
        (Decimal("0.0002"), Decimal("0.0005")),
    ]


async def test_health_says_serving(both):
    _, channel = both
    answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_a_loop_that_fails_ends_the_venue_with_its_error():
    async def fails():
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        async with loops(fails()):
            await asyncio.sleep(5)
