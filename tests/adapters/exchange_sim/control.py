"""The control service as a test turns it: a fault is added by its kind's name, and how often it struck is asked."""

import socket
from contextlib import asynccontextmanager

import grpc
from tests.adapters.exchange_sim.conftest import serving
from tests.adapters.exchange_sim.rest import Rest

from perpmesh_api.exchange_sim.v1 import exchange_control_service_pb2 as pb
from perpmesh_api.exchange_sim.v1 import exchange_control_service_pb2_grpc as pb_grpc
from perpmesh_api.exchange_sim.v1 import faults_pb2


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Control:
    def __init__(self, channel):
        self.stub = pb_grpc.ExchangeControlServiceStub(channel)

    async def add(self, kind, scope=None, seed=0, **parameters):
        spec = faults_pb2.FaultSpec(scope=faults_pb2.FaultScope(**(scope or {})), seed=seed)
        getattr(spec, kind).SetInParent()
        for name, value in parameters.items():
            field = getattr(spec, kind)
            getattr(field, name).extend(value) if isinstance(value, list) else setattr(field, name, value)
        return (await self.stub.AddFault(pb.AddFaultRequest(fault=spec))).fault.fault_id

    async def fired(self, fault_id):
        faults = (await self.stub.ListFaults(pb.ListFaultsRequest())).faults
        return next(each.fired for each in faults if each.fault_id == fault_id)

    async def remove(self, fault_id):
        return (await self.stub.RemoveFault(pb.RemoveFaultRequest(fault_id=fault_id))).fault


@asynccontextmanager
async def controlled(**options):
    """Serve an exchange, and yield (host, a REST client, its control)."""
    listen = f"127.0.0.1:{free_port()}"
    async with (
        serving(grpc_listen=listen, **options) as host,
        grpc.aio.insecure_channel(listen) as channel,
        Rest(host) as rest,
    ):
        yield host, rest, Control(channel)
