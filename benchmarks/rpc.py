"""Requests a second and waiting time: gRPC direct and through Envoy, JSON through Envoy, and FastAPI beside them."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import grpc
import httpx
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from benchmarks.tables import Table, milliseconds, quantile
from perpmesh.testing.mesh import Mesh
from perpmesh.testing.ordering import entry
from perpmesh.testing.ports import free_port
from perpmesh_api.execution.v1 import order_service_pb2_grpc as order_rpc
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2 as pb
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2_grpc as rpc

CONCURRENCIES = (1, 64, 1000)
SECONDS = 3.0
Call = Callable[[], Awaitable[object]]


async def throughput(mesh: Mesh) -> Table:
    table = Table(
        "GetStatus and SubmitOrder (a refused one: the gate's whole way, no order), requests a second",
        ["", "concurrency", "per second", "p50 ms", "p99 ms", "× FastAPI"],
    )
    fastapi_port = free_port()
    fastapi = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "uvicorn",
            "benchmarks.fastapi_peer:app",
            "--port",
            str(fastapi_port),
            "--log-level",
            "error",
        ]
    )
    try:
        await _until_up(fastapi_port)
        async for name, make, close in _subjects(mesh, fastapi_port):
            for concurrency in CONCURRENCIES:
                await _row(table, name, concurrency, make)
            await close()
        await _stream_rows(table, mesh)
    finally:
        fastapi.terminate()
        fastapi.wait(10)
    return table


async def _subjects(mesh: Mesh, fastapi_port: int) -> AsyncIterator[tuple[str, Call, Callable[[], Awaitable[None]]]]:
    limits = httpx.Limits(max_connections=1100, max_keepalive_connections=1100)
    client = httpx.AsyncClient(limits=limits, timeout=30)
    yield (
        "FastAPI + uvicorn, GetStatus' answer",
        lambda: client.get(f"http://127.0.0.1:{fastapi_port}/status"),
        client.aclose,
    )
    for name, address in (("direct", mesh.settings.address("risk_safety")), ("Envoy", mesh.gateway_address)):
        channel = grpc.aio.insecure_channel(address)
        stub = rpc.EmergencyStopServiceStub(channel)
        yield f"GetStatus, gRPC, {name}", lambda s=stub: s.GetStatus(pb.GetStatusRequest(), timeout=30), channel.close
    client = httpx.AsyncClient(limits=limits, timeout=30)
    yield "GetStatus, JSON, Envoy", lambda: client.get(f"{mesh.gateway}/api/risk/ess/status"), client.aclose
    for name, address in (("direct", mesh.settings.address("execution")), ("Envoy", mesh.gateway_address)):
        channel = grpc.aio.insecure_channel(address)
        orders = order_rpc.OrderServiceStub(channel)
        yield f"SubmitOrder, gRPC, {name}", lambda o=orders: _refused(o), channel.close


async def _refused(orders: order_rpc.OrderServiceStub) -> None:
    """An entry over the risk limit: recorded, gated, refused, told as an event; the whole way but for the exchange."""
    try:
        await orders.SubmitOrder(entry(quantity="50"), timeout=30)
    except grpc.aio.AioRpcError as error:
        if error.code() not in (grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.RESOURCE_EXHAUSTED):
            raise


async def _row(table: Table, name: str, concurrency: int, call: Call) -> None:
    waits: list[float] = []
    deadline = time.perf_counter() + SECONDS

    async def caller() -> None:
        while time.perf_counter() < deadline:
            began = time.perf_counter()
            await call()
            waits.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(concurrency)))
    rate = len(waits) / (time.perf_counter() - began)
    base = next((float(str(row[2])) for row in table.rows if row[1] == concurrency), rate)
    p50, p99 = milliseconds(quantile(waits, 0.5)), milliseconds(quantile(waits, 0.99))
    table.rows.append((name, concurrency, f"{rate:.0f}", p50, p99, f"{rate / base:.2f}"))


async def _stream_rows(table: Table, mesh: Mesh) -> None:
    """One bidirectional stream (reflection): a question and its answer, again and again."""
    for name, address in (("direct", mesh.settings.address("risk_safety")), ("Envoy", mesh.gateway_address)):
        async with grpc.aio.insecure_channel(address) as channel:
            stream = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo()

            async def once(s=stream) -> None:
                await s.write(reflection_pb2.ServerReflectionRequest(list_services=""))
                await s.read()

            await _row(table, f"one stream, gRPC, {name}", 1, once)
            await stream.done_writing()


async def _until_up(port: int) -> None:
    async with httpx.AsyncClient() as client:
        for _ in range(200):
            try:
                await client.get(f"http://127.0.0.1:{port}/status")
            except httpx.TransportError:
                await asyncio.sleep(0.05)
            else:
                return
