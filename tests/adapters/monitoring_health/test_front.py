"""At the gateway one process answers for all: health by any name, and every service by reflection."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from perpmesh.monitoring_health.adapters.front import NAME, MeshFront
from perpmesh.platform import contracts, grpc_client, grpc_server
from perpmesh.testing.ports import free_port

Status = health_pb2.HealthCheckResponse.ServingStatus
ORDERS = "perpmesh_api.execution.v1.OrderService"


class Gateway:
    """What a caller behind the gateway has."""

    def __init__(self, front: MeshFront, channel: grpc.aio.Channel, serving: grpc_server.Serving) -> None:
        self.front = front
        self.channel = channel
        self.serving = serving
        self.health: Any = health_pb2_grpc.HealthStub(channel)

    async def of(self, name: str) -> str:
        answer = await self.health.Check(health_pb2.HealthCheckRequest(service=name))
        return Status.Name(answer.status)


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    listen = f"127.0.0.1:{free_port()}"
    async with grpc_server.serving(NAME, listen) as serving, grpc_client.channel(listen) as channel:
        front = MeshFront(serving)
        await front.show({"": False, "execution": False, "broker": False})
        await serving.start(["perpmesh_api.monitoring_health.v1.MonitoringService"])
        yield Gateway(front, channel, serving)


async def test_a_process_and_its_services_have_one_health(gateway: Gateway) -> None:
    await gateway.front.show({"": False, "execution": True, "broker": False})
    assert [await gateway.of(name) for name in ("execution", ORDERS, "broker", "")] == [
        "SERVING", "SERVING", "NOT_SERVING", "NOT_SERVING",
    ]  # fmt: skip


async def test_a_name_nobody_bears_is_not_found(gateway: Gateway) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await gateway.of("nobody")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_the_empty_name_is_the_mesh_and_not_this_process(gateway: Gateway) -> None:
    await gateway.serving.ready()
    assert await gateway.of("") == "NOT_SERVING"
    assert await gateway.of(NAME) == "SERVING"


async def test_the_mesh_does_not_say_how_this_process_is(gateway: Gateway) -> None:
    await gateway.serving.ready()
    await gateway.front.show({"": False, NAME: False})
    assert await gateway.of(NAME) == "SERVING"


async def test_a_watcher_of_the_mesh_hears_of_each_change(gateway: Gateway) -> None:
    watch = gateway.health.Watch(health_pb2.HealthCheckRequest(service=""))
    heard = [Status.Name((await watch.read()).status)]
    for serves in (True, True, False):
        await gateway.front.show({"": serves})
        if serves is not (heard[-1] == "SERVING"):
            heard.append(Status.Name((await watch.read()).status))
    assert heard == ["NOT_SERVING", "SERVING", "NOT_SERVING"]
    watch.cancel()


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_lists_every_service_and_describes_those_of_other_processes(
    gateway: Gateway, version: str
) -> None:
    ask = gateway.channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    call = ask()
    await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
    listed = {service.name for service in (await call.read()).list_services_response.service}
    assert set(contracts.service_names()) <= listed
    assert {"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", ORDERS} <= listed
    await call.write(reflection_pb2.ServerReflectionRequest(file_containing_symbol=ORDERS))
    assert (await call.read()).file_descriptor_response.file_descriptor_proto
    await call.done_writing()
