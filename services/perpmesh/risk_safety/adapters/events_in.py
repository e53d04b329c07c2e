"""Events in: who has adopted which policies."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.message import Message
from sqlalchemy.ext.asyncio import AsyncConnection

from perpmesh.platform.inbox import Handler, Received
from perpmesh.risk_safety.adapters import policy_wire
from perpmesh.risk_safety.adapters.policy_store import write_adoption
from perpmesh_api.common.v1 import policy_events_pb2
from perpmesh_api.risk_safety.v1 import risk_events_pb2

PUBLISHES: list[type[Message]] = [
    risk_events_pb2.EssTripped,
    risk_events_pb2.EssReset,
    risk_events_pb2.PolicyUpdated,
    policy_events_pb2.PolicyAdopted,
]


async def on_policy_adopted(tx: AsyncConnection, received: Received) -> None:
    """Write what a service says it runs."""
    await write_adoption(tx, policy_wire.adoption_of(received.message))


def handlers() -> Mapping[type[Message], Handler]:
    found: dict[Any, Handler] = {policy_events_pb2.PolicyAdopted: on_policy_adopted}
    return found
