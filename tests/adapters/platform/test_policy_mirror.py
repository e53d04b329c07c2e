"""A service's own copy of the policies: good while the store is away, unless an older release wrote it."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from perpmesh.platform import database
from perpmesh.platform.database import Database, policy_copy, upsert
from perpmesh.platform.outbox import Outbox
from perpmesh.platform.policy_mirror import PolicyMirror
from perpmesh.platform.settings import MeshSettings
from perpmesh.platform.time import SystemClock
from perpmesh_api.risk_safety.v1 import policy_service_pb2 as pb


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
