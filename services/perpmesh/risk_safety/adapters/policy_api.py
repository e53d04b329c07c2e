"""PolicyService over gRPC."""

from collections.abc import Sequence
from typing import Any

from grpc.aio import Server

from perpmesh.platform import grpc_server
from perpmesh.platform.once import Once
from perpmesh.risk_safety.adapters import policy_wire as wire
from perpmesh.risk_safety.application.policies import PolicyBook, PolicyUpdate, Warrant
from perpmesh.risk_safety.domain.policy_records import Change
from perpmesh.risk_safety.domain.profiles import PROFILES
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
        words = _warrant(request, actor)
        change = await self._book.update(PolicyUpdate(key=request.key, raw=wire.raw_value(request.value), **words))
        return pb.UpdatePolicyResponse(
            success=True, key=change.key, old_value=wire.value(change.old), new_value=wire.value(change.new),
            revision=change.revision,
        )  # fmt: skip

    async def ApplyProfile(self, request: pb.ApplyProfileRequest, context: Any) -> pb.ApplyProfileResponse:
        warrant = Warrant(**_warrant(request, grpc_server.require_operator().subject))

        async def apply() -> pb.ApplyProfileResponse:
            changes = await self._book.apply_profile(request.name, warrant)
            return pb.ApplyProfileResponse(**self._changed(changes))

        return await self._once("ApplyProfile", request, pb.ApplyProfileResponse, apply)

    async def RollBackPolicies(self, request: pb.RollBackPoliciesRequest, context: Any) -> pb.RollBackPoliciesResponse:
        warrant = Warrant(**_warrant(request, grpc_server.require_operator().subject))

        async def roll_back() -> pb.RollBackPoliciesResponse:
            changes = await self._book.roll_back(request.to_revision, warrant)
            return pb.RollBackPoliciesResponse(**self._changed(changes))

        return await self._once("RollBackPolicies", request, pb.RollBackPoliciesResponse, roll_back)

    def _changed(self, changes: Sequence[Change]) -> dict[str, Any]:
        revision = changes[0].revision if changes else self._book.revision
        return {"changes": [wire.policy_change(change) for change in changes], "revision": revision}

    async def ListProfiles(self, request: pb.ListProfilesRequest, context: Any) -> pb.ListProfilesResponse:
        profiles = [wire.profile(found, active=self._book.is_active(found)) for found in PROFILES.values()]
        return pb.ListProfilesResponse(profiles=profiles, revision=self._book.revision)

    async def DiffPolicies(self, request: pb.DiffPoliciesRequest, context: Any) -> pb.DiffPoliciesResponse:
        left = request.from_revision if request.HasField("from_revision") else None
        right = request.to_revision if request.HasField("to_revision") else None
        found = await self._book.diff(left, right, request.profile)
        return pb.DiffPoliciesResponse(
            differences=[wire.difference(line) for line in found.differences], from_revision=found.left,
            to_revision=found.right, revision=self._book.revision,
        )  # fmt: skip

    async def ListPolicyHistory(
        self, request: pb.ListPolicyHistoryRequest, context: Any
    ) -> pb.ListPolicyHistoryResponse:
        changes = await self._book.history(
            request.key, request.limit, before=request.before_revision, actor=request.actor
        )
        return pb.ListPolicyHistoryResponse(changes=[wire.policy_change(change) for change in changes])

    async def ListAdoptions(self, request: pb.ListAdoptionsRequest, context: Any) -> pb.ListAdoptionsResponse:
        adoptions, newest = await self._book.adoptions(), self._book.revision
        lines = [
            pb.Adoption(
                service=adoption.service, revision=adoption.revision, adopted_at_ms=adoption.at_ms,
                behind=max(0, newest - adoption.revision),
            )
            for adoption in adoptions
        ]  # fmt: skip
        return pb.ListAdoptionsResponse(adoptions=lines, revision=newest, waiting_for=self._book.waiting_for(adoptions))


def _warrant(request: Any, actor: str) -> dict[str, Any]:
    """Read what every change carries."""
    expected = request.expected_revision if request.HasField("expected_revision") else None
    return {
        "expected_revision": expected, "actor": actor, "reason": request.reason, "request_id": request.request_id,
    }  # fmt: skip


def register(server: Server, book: PolicyBook, once: Once) -> str:
    """Serve it on `server`; return the service's full name."""
    rpc.add_PolicyServiceServicer_to_server(PolicyApi(book, once), server)
    return SERVICE
