"""A service's own copy of the policies: good while the store is away, unless an older release wrote it."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from google.protobuf.struct_pb2 import Value

from perpmesh.execution import config as execution
from perpmesh.kernel.errors import Invalid, NotFound
from perpmesh.platform import database, service
from perpmesh.platform.database import Database, policy_copy, upsert
from perpmesh.platform.inbox import Received
from perpmesh.platform.outbox import Outbox
from perpmesh.platform.policy_mirror import PolicyMirror, UnknownPolicy
from perpmesh.platform.settings import MeshSettings
from perpmesh.platform.time import SystemClock
from perpmesh.risk_safety import main
from perpmesh.risk_safety.domain import policy_catalogue as keys
from perpmesh.testing.ports import free_ports
from perpmesh_api.common.v1 import policy_events_pb2
from perpmesh_api.risk_safety.v1 import policy_service_pb2 as pb
from perpmesh_api.risk_safety.v1 import risk_events_pb2


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Database]:
    async with database.opened(MeshSettings(state_dir=tmp_path), "execution", sa.MetaData()) as opened:
        found = pb.ListPoliciesResponse(revision=4)
        found.policies.add(key="execution.leverage").value.string_value = "3"
        async with opened.transaction() as tx:
            await upsert(tx, policy_copy, id=1, revision=4, policies=found.SerializeToString())
        yield opened


def mirror(store: Database, tmp_path: Path, *needs: str) -> PolicyMirror:
    settings, clock = MeshSettings(state_dir=tmp_path), SystemClock()
    return PolicyMirror(settings, store, Outbox("execution", settings, store, clock), clock, needs=needs)


async def test_the_copy_serves_while_the_store_is_away(store: Database, tmp_path: Path):
    policies = mirror(store, tmp_path, "execution.leverage")
    assert await policies.recall()
    assert (policies.revision, policies.decimal("execution.leverage")) == (4, Decimal(3))


async def test_a_copy_that_lacks_what_is_needed_now_waits_for_the_store(store: Database, tmp_path: Path):
    policies = mirror(store, tmp_path, "execution.leverage", "execution.break_even_r")
    assert not await policies.recall()
    assert policies.revision == -1


@pytest.fixture
async def address(tmp_path: Path) -> AsyncIterator[MeshSettings]:
    """A real PolicyStore."""
    [port] = free_ports(1)
    settings = MeshSettings(state_dir=tmp_path, risk_safety_address=f"127.0.0.1:{port}", kafka="127.0.0.1:1")
    async with main.serving(settings, SystemClock()):
        yield settings


async def test_a_service_that_needs_a_policy_that_the_store_does_not_have_does_not_start(address: MeshSettings):
    """T20: it ends with a sentence that says which policy, and what to do."""
    own = address.model_copy(update={"execution_address": f"127.0.0.1:{free_ports(1)[0]}"})
    needs = ("execution.leverage", "execution.max_slipage_pct")
    async with service.parts("execution", own, SystemClock(), tables=sa.MetaData(), needs=needs) as parts:
        with pytest.raises(UnknownPolicy) as refusal:
            async with parts.running(grpc_services=[]):
                pytest.fail("it serves")
    assert str(refusal.value).startswith("execution needs execution.max_slipage_pct, and the PolicyStore")
    assert "Start both from the same one" in str(refusal.value)


@pytest.mark.parametrize("needs", [execution.POLICY_KEYS, (keys.LEASE_MS,)])
async def test_a_service_that_finds_all_it_needs_starts_on_the_newest_revision(address: MeshSettings, needs):
    own = address.model_copy(update={"execution_address": f"127.0.0.1:{free_ports(1)[0]}"})
    async with (
        service.parts("execution", own, SystemClock(), tables=sa.MetaData(), needs=needs) as parts,
        parts.running(grpc_services=[]),
    ):
        assert parts.policy.revision == 0


def updated(revision: int, **values: str) -> Received:
    event = risk_events_pb2.PolicyUpdated(revision=revision)
    for key, value in values.items():
        event.changes.add(key=key.replace("__", ".")).new_value.string_value = value
    first = event.changes[0]
    event.policy_key, event.source = first.key, "profile conservative"
    event.new_value.CopyFrom(first.new_value)
    return SimpleNamespace(message=event)  # type: ignore[return-value]


async def test_a_revision_of_many_changes_is_adopted_whole_and_acknowledged_once(store: Database, tmp_path: Path):
    """T11: consumers converge on one revision; its acknowledgement is written with it."""
    policies = mirror(store, tmp_path, "execution.leverage")
    await policies.recall()
    seen: list[tuple[Decimal, Decimal]] = []
    policies.on_change(lambda: seen.append((policies.decimal("execution.leverage"), policies.decimal("risk.new"))))
    change = updated(5, execution__leverage="2", risk__new="0.5")
    for _ in range(2):  # delivered twice
        async with store.transaction() as tx:
            adopted = await policies.on_policy_updated(tx, change)
        if adopted:
            adopted()
    assert seen == [(Decimal(2), Decimal("0.5"))]
    acknowledged = await Outbox("execution", MeshSettings(), store, SystemClock()).page("execution.adoptions.v1", 0, 9)
    assert [policy_events_pb2.PolicyAdopted.FromString(row.payload).revision for row in acknowledged] == [5]
    again = mirror(store, tmp_path, "execution.leverage", "risk.new")
    assert await again.recall()
    assert (again.revision, again.decimal("risk.new")) == (5, Decimal("0.5"))


async def test_a_proposal_is_checked_by_what_the_store_said_even_after_an_update(
    address: MeshSettings, store: Database
):
    policies = PolicyMirror(address, store, Outbox("execution", address, store, SystemClock()), SystemClock(), needs=())
    await policies.fetch()
    async with store.transaction() as tx:
        (await policies.on_policy_updated(tx, updated(1, execution__leverage="3")))()
    assert policies.accepted("execution.leverage", Value(number_value=4)) == "4.0"
    with pytest.raises(Invalid, match="an integer from 1 to 20"):
        policies.accepted("execution.leverage", Value(string_value="21"))
    with pytest.raises(NotFound):
        policies.accepted("execution.leverge", Value(string_value="2"))
