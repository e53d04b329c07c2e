"""The training service as a real process, with a real broker and somebody who answers for the PolicyStore."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from perpmesh.platform import grpc_client, grpc_server
from perpmesh.platform.settings import MeshSettings
from perpmesh.testing.broker import Broker
from perpmesh.testing.ports import free_ports
from perpmesh_api.risk_safety.v1 import policy_service_pb2 as policy_pb
from perpmesh_api.risk_safety.v1 import policy_service_pb2_grpc as policy_rpc
from perpmesh_api.rl_training.v1 import model_registry_service_pb2_grpc, training_service_pb2_grpc

POLICIES = {"training.default_steps": "6000", "ai.target_volatility": "0.30", "ai.max_position_weight": "0.5"}


class Policies(policy_rpc.PolicyServiceServicer):
    """Hands out a fixed list."""

    async def ListPolicies(self, request: Any, context: Any) -> policy_pb.ListPoliciesResponse:
        found = policy_pb.ListPoliciesResponse(revision=1)
        for key, value in POLICIES.items():
            found.policies.add(key=key).value.string_value = value
        return found


class Service:
    """The process, and how to talk to it."""

    def __init__(self, settings: MeshSettings) -> None:
        self.settings = settings
        self.process: asyncio.subprocess.Process | None = None
        self.channel = grpc_client.channel(settings.address("rl_training"))
        self.training: Any = training_service_pb2_grpc.TrainingServiceStub(self.channel)
        self.models: Any = model_registry_service_pb2_grpc.ModelRegistryServiceStub(self.channel)

    async def start(self) -> None:
        environment = {**os.environ, **self.settings.environment_of_children()}
        command = (sys.executable, "-m", "perpmesh.rl_training.main")
        log = (self.settings.state_dir / "rl_training.log").open("ab")
        self.process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=log, stderr=log)
        log.close()
        await self._serving()

    async def _serving(self) -> None:
        health: Any = health_pb2_grpc.HealthStub(self.channel)
        while True:
            try:
                watch = health.Watch(health_pb2.HealthCheckRequest(), wait_for_ready=True)
                async for answer in watch:
                    if answer.status == health_pb2.HealthCheckResponse.SERVING:
                        return
            except grpc.RpcError:
                await asyncio.sleep(0.05)

    async def end(self, how: signal.Signals) -> None:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(how)
            await self.process.wait()


@pytest.fixture
async def settings(tmp_path: Path) -> AsyncIterator[MeshSettings]:
    own, policies = free_ports(2)
    async with Broker() as broker, grpc_server.serving("risk_safety", f"127.0.0.1:{policies}") as serving:
        policy_rpc.add_PolicyServiceServicer_to_server(Policies(), serving.server)
        await serving.start(["perpmesh_api.risk_safety.v1.PolicyService"])
        yield MeshSettings(
            state_dir=tmp_path, kafka=broker.address, kafka_fetch_wait_ms=5,
            rl_training_address=f"127.0.0.1:{own}", risk_safety_address=f"127.0.0.1:{policies}",
        )  # fmt: skip


@pytest.fixture
async def service(settings: MeshSettings) -> AsyncIterator[Service]:
    running = Service(settings)
    await running.start()
    yield running
    await running.end(signal.SIGTERM)
    await running.channel.close()
