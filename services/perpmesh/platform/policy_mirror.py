"""A service's own copy of the PolicyStore: adopted, acknowledged, and kept when the store is away."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import grpc
import sqlalchemy as sa
from google.protobuf.struct_pb2 import Value
from sqlalchemy.ext.asyncio import AsyncConnection

from perpmesh.kernel.errors import Unavailable
from perpmesh.kernel.time import Clock
from perpmesh.platform import grpc_client, telemetry
from perpmesh.platform.database import Database, policy_copy, upsert
from perpmesh.platform.inbox import AfterCommit, Received
from perpmesh.platform.outbox import Outbox
from perpmesh.platform.policy_values import accepted
from perpmesh.platform.settings import MeshSettings
from perpmesh_api.common.v1 import policy_events_pb2
from perpmesh_api.risk_safety.v1 import policy_service_pb2 as pb
from perpmesh_api.risk_safety.v1 import policy_service_pb2_grpc as rpc

log = telemetry.log(__name__)


class UnknownPolicy(LookupError):
    """The service needs a policy that the store does not have. It must not start."""


class PolicyMirror:
    """Reads the newest policies this service has adopted. `revision` is -1 before the first."""

    def __init__(
        self, settings: MeshSettings, database: Database, outbox: Outbox, clock: Clock, *, needs: Sequence[str]
    ) -> None:
        self._settings = settings
        self._database = database
        self._outbox = outbox
        self._clock = clock
        self._needs = needs
        self._policies: dict[str, pb.Policy] = {}
        self._listeners: list[Callable[[], None]] = []
        self.revision = -1

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each adoption."""
        self._listeners.append(listener)

    def decimal(self, key: str) -> Decimal:
        value = self._value(key)
        return Decimal(value.string_value) if value.HasField("string_value") else Decimal(repr(value.number_value))

    def integer(self, key: str) -> int:
        return int(self.decimal(key))

    def boolean(self, key: str) -> bool:
        return bool(self._value(key).bool_value)

    def text(self, key: str) -> str:
        return str(self._value(key).string_value)

    def accepted(self, key: str, value: Value) -> str:
        """Return a proposed value as text; raise NotFound or Invalid when the policy does not take it."""
        return accepted(self._policies, key, value)

    async def recall(self) -> bool:
        """Adopt the copy in our own store; return whether there was one that has all we need."""
        async with self._database.reading() as connection:
            row = (await connection.execute(sa.select(policy_copy))).first()
        found = pb.ListPoliciesResponse.FromString(row.policies) if row is not None else None
        if found is None or self._missing(found):  # an older release wrote it: it says nothing of what is new
            return False
        self._adopt(found)
        return True

    def _missing(self, found: pb.ListPoliciesResponse) -> list[str]:
        return sorted(set(self._needs) - {policy.key for policy in found.policies})

    async def fetch(self) -> None:
        """Ask the store for all policies, adopt them and acknowledge the revision.

        Raises:
            Unavailable: the store does not answer.
            UnknownPolicy: the store lacks a policy this service needs.
        """
        async with grpc_client.channel(self._settings.address("risk_safety")) as channel:
            store: Any = rpc.PolicyServiceStub(channel)
            try:
                found = await store.ListPolicies(pb.ListPoliciesRequest(), wait_for_ready=True, timeout=5)
            except grpc.RpcError as error:
                raise Unavailable("the PolicyStore does not answer") from error
        async with self._database.transaction() as tx:
            await self._keep(tx, found)
        self._adopt(found)

    async def on_policy_updated(self, tx: AsyncConnection, received: Received) -> AfterCommit | None:
        """Handle policy.updated: adopt the next revision. A hole in the revisions means fetching all of them."""
        event = received.message
        if event.revision <= self.revision:
            return None
        if event.revision != self.revision + 1:
            raise Unavailable(f"policy revision {event.revision} follows {self.revision}: fetching all")
        values = {event.policy_key: event.new_value}
        values |= {change.key: change.new_value for change in event.changes}
        found = pb.ListPoliciesResponse(revision=event.revision)
        for key in sorted({*self._policies, *values}):
            policy = found.policies.add(key=key)
            if key in self._policies:
                policy.CopyFrom(self._policies[key])
            if key in values:
                policy.value.CopyFrom(values[key])
        await self._keep(tx, found)
        return lambda: self._adopt(found)

    async def _keep(self, tx: AsyncConnection, found: pb.ListPoliciesResponse) -> None:
        if missing := self._missing(found):
            raise UnknownPolicy(
                f"{self._outbox.service} needs {', '.join(missing)}, and the PolicyStore of risk_safety has no such "
                f"policy (it has {len(found.policies)}, at revision {found.revision}): the two are of different "
                "versions. Start both from the same one"
            )
        await upsert(tx, policy_copy, id=1, revision=found.revision, policies=found.SerializeToString())
        adopted = policy_events_pb2.PolicyAdopted(
            service=self._outbox.service, revision=found.revision, adopted_at_ms=self._clock.now_ms()
        )
        await self._outbox.append(tx, adopted)

    def _adopt(self, found: pb.ListPoliciesResponse) -> None:
        self._policies = {policy.key: policy for policy in found.policies}
        self.revision = found.revision
        log.info("policy adopted", revision=found.revision)
        for listener in self._listeners:
            listener()

    def _value(self, key: str) -> Value:
        if self.revision < 0:
            raise Unavailable("no policy has been adopted yet")
        try:
            return self._policies[key].value
        except KeyError:
            raise UnknownPolicy(f"no policy is called {key}") from None
