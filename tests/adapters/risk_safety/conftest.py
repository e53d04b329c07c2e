"""A real risk_safety over SQLite on a free port, without a broker: its events wait in the outbox, where we read them."""

import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from perpmesh.platform import grpc_client
from perpmesh.platform.contracts import catalogue
from perpmesh.platform.settings import MeshSettings
from perpmesh.platform.time import SystemClock
from perpmesh.risk_safety import main
from perpmesh_api.risk_safety.v1 import (
    emergency_stop_service_pb2_grpc,
    policy_service_pb2_grpc,
    risk_service_pb2_grpc,
)


class LeapingClock(SystemClock):
    """The real clock, in which a test may skip a while."""

    leapt = 0

    def boot_ms(self) -> int:
        return super().boot_ms() + self.leapt


class Service:
    """One life of the process, and stubs to talk to it."""

    def __init__(self, core, parts, channel, clock) -> None:
        self.core = core
        self.parts = parts
        self.clock = clock
        self.policy: Any = policy_service_pb2_grpc.PolicyServiceStub(channel)
        self.ess: Any = emergency_stop_service_pb2_grpc.EmergencyStopServiceStub(channel)
        self.risk: Any = risk_service_pb2_grpc.RiskServiceStub(channel)

    async def events(self, stream: str) -> list[Any]:
        rows = await self.parts.outbox.page(stream, 0, 100)
        return [catalogue()[row.type].message.FromString(row.payload) for row in rows]


@pytest.fixture
def settings(tmp_path) -> MeshSettings:
    return MeshSettings(
        state_dir=tmp_path,
        risk_safety_address=f"127.0.0.1:{free_port()}",
        execution_address=f"127.0.0.1:{free_port()}",
        kafka=f"127.0.0.1:{free_port()}",
    )


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@asynccontextmanager
async def living(settings: MeshSettings, *, leap_ms: int = 2_200) -> AsyncIterator[Service]:
    """Live once. The time in which unknown holders may be alive is skipped, unless told otherwise."""
    clock = LeapingClock()
    async with (
        main.serving(settings, clock) as (core, parts),
        grpc_client.channel(settings.address("risk_safety")) as channel,
    ):
        clock.leapt = leap_ms
        yield Service(core, parts, channel, clock)


@pytest.fixture
async def service(settings) -> AsyncIterator[Service]:
    async with living(settings) as service:
        yield service


async def refused(call: Any) -> tuple[grpc.StatusCode, str, str]:
    """Return the code, the reason and the field of an RPC that is refused."""
    with pytest.raises(grpc.RpcError) as error:
        await call
    status = rpc_status.from_call(error.value)
    return error.value.code(), *_facts(status.details)


def _facts(details: Iterable[Any]) -> tuple[str, str]:
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in details:
        detail.Unpack(info)
        detail.Unpack(bad)
    return info.reason, bad.field_violations[0].field if bad.field_violations else ""
