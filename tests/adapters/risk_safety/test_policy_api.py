"""PolicyService over real gRPC and SQLite."""

import asyncio

import grpc
import pytest
import sqlalchemy as sa
from google.protobuf.struct_pb2 import Value

from perpmesh.risk_safety.adapters.policy_store import write_adoption
from perpmesh.risk_safety.domain.policy_records import Adoption
from perpmesh_api.risk_safety.v1 import policy_service_pb2 as pb

from .conftest import Service, living, refused

VIEWER = (("x-perpmesh-role", "viewer"), ("x-perpmesh-subject", "vera"))
Code = grpc.StatusCode


def update(key="execution.max_slippage_pct", value=None, **more) -> pb.UpdatePolicyRequest:
    return pb.UpdatePolicyRequest(key=key, value=value or Value(string_value="0.02"), **more)


async def test_every_policy_of_the_catalogue_is_listed_with_all_that_is_known_of_it(service: Service):
    found = await service.policy.ListPolicies(pb.ListPoliciesRequest())
    policy = {policy.key: policy for policy in found.policies}["execution.max_slippage_pct"]
    assert found.revision == 0
    assert policy.value.string_value == policy.default_value.string_value == "0.01"
    assert (policy.type, policy.min, policy.max) == (pb.POLICY_TYPE_DECIMAL, "0", "0.1")
    assert (policy.unit, policy.owner) == ("fraction", "execution")


async def test_an_update_answers_and_publishes_and_is_remembered(service: Service):
    answer = await service.policy.UpdatePolicy(update(value=Value(number_value=0.02), reason="thin book"))
    assert (answer.success, answer.key, answer.revision) == (True, "execution.max_slippage_pct", 1)
    assert (answer.old_value.string_value, answer.new_value.string_value) == ("0.01", "0.02")
    (event,) = await service.events("risk_safety.policies.v1")
    assert (event.policy_key, event.new_value.string_value, event.revision) == (answer.key, "0.02", 1)
    assert (event.actor, event.reason) == ("local", "thin book")
    assert [event.revision for event in await service.events("risk_safety.adoptions.v1")] == [0, 1]
    read = await service.policy.GetPolicy(pb.GetPolicyRequest(key=answer.key))
    assert (read.key, read.value.string_value, read.revision, read.policy.updated_by) == (
        answer.key,
        "0.02",
        1,
        "local",
    )
    history = await service.policy.ListPolicyHistory(pb.ListPolicyHistoryRequest(key=answer.key))
    assert [(change.old_value.string_value, change.new_value.string_value) for change in history.changes] == [
        ("0.01", "0.02")
    ]
    adopted = await service.policy.ListAdoptions(pb.ListAdoptionsRequest())
    assert [(line.service, line.revision) for line in adopted.adoptions] == [("risk_safety", 1)]


async def test_what_cannot_be_done_says_why_names_the_field_and_changes_nothing(service: Service):
    do = service.policy.UpdatePolicy
    text, number = Value(string_value="lots"), Value(number_value=0.5)
    assert await refused(do(update(key="nope"))) == (Code.NOT_FOUND, "UNKNOWN_POLICY", "key")
    assert await refused(do(update(value=text))) == (Code.INVALID_ARGUMENT, "INVALID_POLICY_VALUE", "value")
    assert await refused(do(update(value=number))) == (Code.INVALID_ARGUMENT, "INVALID_POLICY_VALUE", "value")
    assert await refused(do(update(value=Value(null_value=0)))) == (
        Code.INVALID_ARGUMENT,
        "INVALID_POLICY_VALUE",
        "value",
    )
    assert await refused(do(pb.UpdatePolicyRequest(key="ai.use_model"))) == (
        Code.INVALID_ARGUMENT,
        "INVALID_FIELD",
        "value",
    )
    assert await refused(do(update(expected_revision=1))) == (Code.ABORTED, "STALE_REVISION", "expected_revision")
    assert await refused(do(update(), metadata=VIEWER)) == (Code.PERMISSION_DENIED, "ROLE", "")
    assert (await service.policy.ListPolicies(pb.ListPoliciesRequest())).revision == 0
    assert await service.events("risk_safety.policies.v1") == []


async def test_ten_writers_of_one_revision_make_one_change(service: Service):
    """T11."""
    calls = [
        service.policy.UpdatePolicy(update("execution.leverage", Value(number_value=n), expected_revision=0))
        for n in range(1, 11)
    ]
    results = await asyncio.gather(*calls, return_exceptions=True)
    won = [result for result in results if not isinstance(result, BaseException)]
    assert len(won) == 1
    assert {result.code() for result in results if isinstance(result, grpc.RpcError)} == {Code.ABORTED}
    read = await service.policy.GetPolicy(pb.GetPolicyRequest(key="execution.leverage"))
    assert (read.value, read.revision) == (won[0].new_value, 1)


async def test_the_same_request_id_changes_once_even_across_a_restart(settings):
    request = update(request_id="r1", expected_revision=0)
    async with living(settings) as service:
        first = await service.policy.UpdatePolicy(request)
    async with living(settings) as service:
        assert await service.policy.UpdatePolicy(request) == first
        assert len(await service.events("risk_safety.policies.v1")) == 1
        other = update(value=Value(string_value="0.03"), request_id="r1")
        assert await refused(service.policy.UpdatePolicy(other)) == (
            Code.INVALID_ARGUMENT,
            "REQUEST_ID_REUSED",
            "request_id",
        )


async def test_a_profile_is_one_revision_one_event_and_one_audit_entry_per_policy(service: Service):
    listed = await service.policy.ListProfiles(pb.ListProfilesRequest())
    assert [(profile.name, profile.active) for profile in listed.profiles] == [
        ("conservative", False),
        ("balanced", True),
        ("aggressive", False),
    ]
    shown = await service.policy.DiffPolicies(pb.DiffPoliciesRequest(profile="conservative"))
    answer = await service.policy.ApplyProfile(
        pb.ApplyProfileRequest(name="conservative", expected_revision=shown.revision, reason="holiday")
    )
    assert answer.revision == 1
    assert [(line.key, line.old_value, line.new_value) for line in answer.changes] == [
        (line.key, line.from_value, line.to_value) for line in shown.differences
    ]
    (event,) = await service.events("risk_safety.policies.v1")
    assert (event.revision, event.source) == (1, "profile conservative")
    assert [change.key for change in event.changes] == [line.key for line in answer.changes]
    assert (event.policy_key, event.new_value) == (event.changes[0].key, event.changes[0].new_value)
    history = await service.policy.ListPolicyHistory(pb.ListPolicyHistoryRequest())
    assert history.changes == answer.changes
    assert {(line.actor, line.reason, line.source) for line in history.changes} == {
        ("local", "holiday", "profile conservative")
    }
    again = await service.policy.ApplyProfile(pb.ApplyProfileRequest(name="conservative"))
    assert (list(again.changes), again.revision) == ([], 1)


async def test_a_profile_is_set_whole_or_not_at_all(service: Service):
    """The disk refuses the line of one policy in the middle."""
    refuse = "CREATE TRIGGER full BEFORE INSERT ON policy_audit WHEN NEW.key = 'execution.leverage'"
    async with service.parts.database.transaction() as tx:
        await tx.execute(sa.text(f"{refuse} BEGIN SELECT RAISE(ABORT, 'disk full'); END"))
    before = await service.policy.ListPolicies(pb.ListPoliciesRequest())
    with pytest.raises(grpc.RpcError):
        await service.policy.ApplyProfile(pb.ApplyProfileRequest(name="aggressive"))
    assert await service.policy.ListPolicies(pb.ListPoliciesRequest()) == before
    assert list((await service.policy.ListPolicyHistory(pb.ListPolicyHistoryRequest())).changes) == []
    assert await service.events("risk_safety.policies.v1") == []


async def test_a_rollback_is_a_new_audited_revision(service: Service):
    await service.policy.UpdatePolicy(update(reason="thin book"))
    await service.policy.ApplyProfile(pb.ApplyProfileRequest(name="aggressive"))
    back = pb.RollBackPoliciesRequest(to_revision=1, request_id="b1", reason="too bold")
    answer = await service.policy.RollBackPolicies(back)
    assert answer.revision == 3
    assert {(line.source, line.reason) for line in answer.changes} == {("rollback to 1", "too bold")}
    diff = await service.policy.DiffPolicies(pb.DiffPoliciesRequest())
    assert [(line.key, line.from_value.string_value, line.to_value.string_value) for line in diff.differences] == [
        ("execution.max_slippage_pct", "0.01", "0.02")
    ]
    assert await service.policy.RollBackPolicies(back) == answer
    assert (await service.policy.GetPolicy(pb.GetPolicyRequest(key="execution.leverage"))).revision == 3


async def test_what_is_no_profile_and_no_revision_is_refused_and_a_viewer_changes_nothing(service: Service):
    apply, back, diff = service.policy.ApplyProfile, service.policy.RollBackPolicies, service.policy.DiffPolicies
    assert await refused(apply(pb.ApplyProfileRequest(name="bold"))) == (Code.NOT_FOUND, "UNKNOWN_PROFILE", "name")
    assert await refused(apply(pb.ApplyProfileRequest())) == (Code.INVALID_ARGUMENT, "INVALID_FIELD", "name")
    assert await refused(apply(pb.ApplyProfileRequest(name="balanced", expected_revision=4))) == (
        Code.ABORTED, "STALE_REVISION", "expected_revision",
    )  # fmt: skip
    assert await refused(back(pb.RollBackPoliciesRequest())) == (
        Code.INVALID_ARGUMENT, "INVALID_FIELD", "to_revision",
    )  # fmt: skip
    assert await refused(back(pb.RollBackPoliciesRequest(to_revision=2))) == (
        Code.NOT_FOUND, "UNKNOWN_REVISION", "to_revision",
    )  # fmt: skip
    assert await refused(diff(pb.DiffPoliciesRequest(from_revision=2))) == (
        Code.NOT_FOUND, "UNKNOWN_REVISION", "from_revision",
    )  # fmt: skip
    for call in (
        apply(pb.ApplyProfileRequest(name="aggressive"), metadata=VIEWER),
        back(pb.RollBackPoliciesRequest(to_revision=0), metadata=VIEWER),
    ):
        assert await refused(call) == (Code.PERMISSION_DENIED, "ROLE", "")
    assert (await service.policy.ListPolicies(pb.ListPoliciesRequest())).revision == 0


async def test_the_adoption_table_says_who_is_behind(service: Service):
    await service.policy.UpdatePolicy(update())
    async with service.parts.database.transaction() as tx:
        await write_adoption(tx, Adoption(service="execution", revision=0, at_ms=5))
    table = await service.policy.ListAdoptions(pb.ListAdoptionsRequest())
    assert {line.service: line.behind for line in table.adoptions} == {"execution": 1, "risk_safety": 0}
    assert "execution" in table.waiting_for
    assert "risk_safety" not in table.waiting_for
