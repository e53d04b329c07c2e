"""The checks: gRPC health of a process, metadata of the broker, a GET of the gateway and of the exchange."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import grpc
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from grpc_health.v1 import health_pb2, health_pb2_grpc

from perpmesh.kernel.time import Clock
from perpmesh.monitoring_health.config import watched_processes
from perpmesh.monitoring_health.domain.health import Probe
from perpmesh.platform import grpc_client
from perpmesh.platform.settings import MeshSettings

TIMEOUT_SECONDS = 1.0
HTTP_OK = 200


class _Unwell(Exception):
    """The component answered, and said that it does not serve."""


class TimedCheck:
    """Implements `ports.Check` around one question that returns when all is well and raises when it is not."""

    def __init__(self, name: str, ask: Callable[[], Awaitable[None]], clock: Clock) -> None:
        self.name = name
        self._ask = ask
        self._clock = clock

    async def __call__(self) -> Probe:
        loop = asyncio.get_running_loop()
        began = loop.time()
        detail, final = "", False
        try:
            await asyncio.wait_for(self._ask(), TIMEOUT_SECONDS)
        except _Unwell as error:
            detail, final = str(error), True
        except TimeoutError:
            detail = f"no answer within {TIMEOUT_SECONDS:g} s"
        except grpc.RpcError as error:
            detail = f"{error.code().name}: {(error.details() or '').rpartition('last error: ')[2]}"
        except (OSError, aiohttp.ClientError, KafkaError) as error:
            detail = f"{type(error).__name__}: {error}"
        took = (loop.time() - began) * 1000
        return Probe(name=self.name, ok=not detail, detail=detail[:200], latency_ms=round(took, 3), final=final)


def grpc_health(channel: grpc.aio.Channel, process: str) -> Callable[[], Awaitable[None]]:
    """Ask a process for its own health, by its name."""
    stub: Any = health_pb2_grpc.HealthStub(channel)

    async def ask() -> None:
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=process), timeout=TIMEOUT_SECONDS)
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            raise _Unwell(f"says {health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)}")

    return ask


def http_get(session: aiohttp.ClientSession, url: str) -> Callable[[], Awaitable[None]]:
    """Ask for a page, which must be answered 200."""

    async def ask() -> None:
        async with session.get(url) as response:
            if response.status != HTTP_OK:
                raise _Unwell(f"answers {response.status}")

    return ask


class BrokerMetadata:
    """Asks the broker for its topics over a connection that is kept while it works."""

    def __init__(self, kafka: str) -> None:
        self._kafka = kafka
        self._client: AIOKafkaAdminClient | None = None

    async def __call__(self) -> None:
        try:
            if self._client is None:
                self._client = AIOKafkaAdminClient(bootstrap_servers=self._kafka, request_timeout_ms=1_000)
                await self._client.start()
            await self._client.list_topics()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(client.close(), TIMEOUT_SECONDS)


@asynccontextmanager
async def checks(settings: MeshSettings, clock: Clock) -> AsyncGenerator[Sequence[TimedCheck], None]:
    """Open what the checks need, and close it."""
    async with AsyncExitStack() as house:
        session = await house.enter_async_context(aiohttp.ClientSession())
        broker = BrokerMetadata(settings.kafka)
        house.push_async_callback(broker.close)
        asked: dict[str, Callable[[], Awaitable[None]]] = {}
        for process in watched_processes(settings):
            channel = await house.enter_async_context(grpc_client.channel(settings.address(process)))
            asked[process] = grpc_health(channel, process)
        asked["broker"] = broker
        asked["gateway"] = http_get(session, f"http://{settings.gateway_ready_address}/ready")
        asked["exchange"] = http_get(session, f"{settings.exchange_url.rstrip('/')}/fapi/v1/ping")
        yield [TimedCheck(name, ask, clock) for name, ask in asked.items()]
