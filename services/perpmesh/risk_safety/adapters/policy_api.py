"""PolicyService over gRPC."""

from typing import Any

from grpc.aio import Server

from perpmesh.platform import grpc_server
from perpmesh.platform.once import Once
from perpmesh.risk_safety.adapters import policy_wire as wire
from perpmesh.risk_safety.application.policies import PolicyBook, PolicyUpdate
from perpmesh_api.risk_safety.v1 import policy_service_pb2 as pb
from perpmesh_api.risk_safety.v1 import policy_service_pb2_grpc as rpc

SERVICE = pb.DESCRIPTOR.services_by_name["PolicyService"].full_name


class PolicyApi(rpc.PolicyServiceServicer):
    """See protos/perpmesh_api/risk_safety/v1/policy_service.proto."""

    def __init__(self, book: PolicyBook, once: Once) -> None:
        self._book = book
        self._once = once

    async def GetPolicy(self, request: pb.GetPolicyRequest, context: Any) -> pb.GetPolicyResponse:
        found = wire.policy(self._book.get(request.key))
        return pb.GetPolicyResponse(key=found.key, value=found.value, revision=self._book.revision, policy=found)

    async def ListPolicies(self, request: pb.ListPoliciesRequest, context: Any) -> pb.ListPoliciesResponse:
        policies = [wire.policy(policy) for policy in self._book.all()]
        return pb.ListPoliciesResponse(policies=policies, revision=self._book.revision)

    async def UpdatePolicy(self, request: pb.UpdatePolicyRequest, context: Any) -> pb.UpdatePolicyResponse:
        actor = grpc_server.require_operator().subject
        return await self._once("UpdatePolicy", request, pb.UpdatePolicyResponse, lambda: self._update(request, actor))

    async def _update(self, request: pb.UpdatePolicyRequest, actor: str) -> pb.UpdatePolicyResponse:
        change = await self._book.update(
            PolicyUpdate(
                key=request.key, raw=wire.raw_value(request.value), actor=actor, reason=request.reason,
                expected_revision=request.expected_revision if request.HasField("expected_revision") else None,
                request_id=request.request_id,
            )
        )  # fmt: skip
        return pb.UpdatePolicyResponse(
            success=True, key=change.key, old_value=wire.value(change.old), new_value=wire.value(change.new),
            revision=change.revision,
        )  # fmt: skip

    async def ListPolicyHistory(
        self, request: pb.ListPolicyHistoryRequest, context: Any
    ) -> pb.ListPolicyHistoryResponse:
        changes = await self._book.history(request.key, request.limit)
        return pb.ListPolicyHistoryResponse(changes=[wire.policy_change(change) for change in changes])

    async def ListAdoptions(self, request: pb.ListAdoptionsRequest, context: Any) -> pb.ListAdoptionsResponse:
        lines = [
            pb.Adoption(service=adoption.service, revision=adoption.revision, adopted_at_ms=adoption.at_ms)
            for adoption in await self._book.adoptions()
        ]
        return pb.ListAdoptionsResponse(adoptions=lines, revision=self._book.revision)


def register(server: Server, book: PolicyBook, once: Once) -> str:
    """Serve it on `server`; return the service's full name."""
    rpc.add_PolicyServiceServicer_to_server(PolicyApi(book, once), server)
    return SERVICE
