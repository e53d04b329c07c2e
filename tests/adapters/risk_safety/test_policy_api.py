"""PolicyService over real gRPC and SQLite."""

import asyncio

import grpc
from google.protobuf.struct_pb2 import Value

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
