"""Which model serves is durable, announced, and never a model that cannot serve."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from perpmesh.kernel.errors import NotFound, Overloaded, Refused
from perpmesh.kernel.time import ManualClock
from perpmesh.platform import database
from perpmesh.platform.outbox import Outbox
from perpmesh.platform.settings import MeshSettings
from perpmesh.rl_training.adapters.disk import DiskArtifacts
from perpmesh.rl_training.adapters.store import TABLES, JobStore, ModelStore
from perpmesh.rl_training.application.change_serving import PromoteModel, RollBackModel
from perpmesh.rl_training.application.fetch_model import FetchModel
from perpmesh.rl_training.domain.evaluation import Evaluation
from perpmesh.rl_training.domain.job import Child, Job, JobStatus
from perpmesh.rl_training.domain.model import Model, content_hash

FLAT = Evaluation(policy="flat", total_return=0.0, sharpe=0.0, max_drawdown=0.0, turnover=0.0)


class House:
    """The registry over a real store and a real disk."""

    def __init__(self, store: database.Database, outbox: Outbox, folder: Path) -> None:
        self.clock = ManualClock()
        self.outbox = outbox
        self.folder = folder
        self.jobs, self.models, self.artifacts = (
            JobStore(store, outbox),
            ModelStore(store, outbox),
            DiskArtifacts(folder),
        )
        self.promote = PromoteModel(self.models, self.artifacts, self.clock, schema_hash="now")
        self.roll_back = RollBackModel(self.models, self.clock)
        self.fetch = FetchModel(self.models, self.artifacts)

    async def learns(self, artifact: bytes, *, schema: str = "now") -> str:
        """Return the id of a model that went the whole way through a job."""
        job = Job(job_id=f"job of {artifact!r}", total_steps=5, seed=1, created_at_ms=1)
        model = Model(
            content_hash=content_hash(artifact), job_id=job.job_id, feature_schema_hash=schema, data_hash="d",
            code_version="v", seed=1, total_steps=5, evaluations=(FLAT,), created_at_ms=2,
        )  # fmt: skip
        await self.jobs.add(job, waiting_max=8)
        await self.jobs.change(job.job_id, lambda one: one.begun(1))
        await self.artifacts.keep(model, artifact)
        await self.jobs.change(job.job_id, lambda one: one.succeeded(model.model_id, 3), model=model)
        return model.model_id

    async def serves(self) -> str:
        found = await self.models.serving()
        return found.model.model_id if found else ""

    async def announced(self) -> list[str]:
        return [event.type for event in await self.outbox.page("rl_training.models.v1", 0, 100)]


@asynccontextmanager
async def house_in(folder: Path) -> AsyncIterator[House]:
    settings, clock = MeshSettings(state_dir=folder), ManualClock()
    async with database.opened(settings, "rl_training", TABLES) as store:
        yield House(store, Outbox("rl_training", settings, store, clock), folder / "models")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with house_in(tmp_path) as one:
        yield one


async def test_a_model_reads_back_as_it_was_registered(house: House) -> None:
    model_id = await house.learns(b"weights")
    found = await house.models.get(model_id)
    assert found.model.evaluations == (FLAT,)
    assert (found.model.content_hash, found.promoted, found.promoted_at_ms) == (content_hash(b"weights"), False, 0)
    assert (house.folder / model_id / "model.json").exists()
    assert [event.type for event in await house.outbox.page("rl_training.jobs.v1", 0, 9)] == ["training.job.finished"]


async def test_promotions_and_rollbacks_outlive_the_process(tmp_path: Path) -> None:
    async with house_in(tmp_path) as house:
        first, second = await house.learns(b"1"), await house.learns(b"2")
        await house.promote(first, actor="a", reason="")
        await house.promote(second, actor="a", reason="")
    async with house_in(tmp_path) as house:
        assert await house.serves() == second
        assert (await house.fetch("")) is not None
        back = await house.roll_back(actor="a", reason="")
        assert back is not None
        assert back.model.model_id == first
    async with house_in(tmp_path) as house:
        assert await house.serves() == first
        assert await house.roll_back(actor="a", reason="") is None
        assert await house.fetch("") is None
        assert await house.announced() == ["model.promoted", "model.promoted", "model.rolled_back", "model.rolled_back"]


async def test_promoting_what_serves_already_announces_nothing(house: House) -> None:
    model_id = await house.learns(b"1")
    for _ in range(3):
        assert (await house.promote(model_id, actor="a", reason="")).promoted
    assert await house.announced() == ["model.promoted"]


async def test_a_repeated_rollback_goes_back_once_even_when_its_answer_was_forgotten(house: House) -> None:
    for artifact in (b"1", b"2"):
        await house.promote(await house.learns(artifact), actor="a", reason="")
    for _ in range(2):
        await house.roll_back(actor="a", reason="", request_id="r")
    assert await house.serves() == content_hash(b"1")[:16]


async def test_a_model_of_other_features_is_not_promoted(house: House) -> None:
    model_id = await house.learns(b"old", schema="before")
    with pytest.raises(Refused) as refusal:
        await house.promote(model_id, actor="a", reason="")
    assert refusal.value.reason == "SCHEMA_MISMATCH"
    assert await house.serves() == ""


@pytest.mark.parametrize("damage", [b"other weights", None], ids=["changed", "missing"])
async def test_a_damaged_artifact_is_neither_promoted_nor_handed_out(house: House, damage: bytes | None) -> None:
    model_id = await house.learns(b"weights")
    path = house.folder / model_id / "model.npz"
    path.unlink() if damage is None else path.write_bytes(damage)
    for attempt in (house.promote(model_id, actor="a", reason=""), house.fetch(model_id)):
        with pytest.raises(Refused) as refusal:
            await attempt
        assert refusal.value.reason == "MODEL_DAMAGED"


async def test_learning_the_same_weights_again_mends_a_damaged_artifact(house: House) -> None:
    model_id = await house.learns(b"weights")
    (house.folder / model_id / "model.npz").write_bytes(b"")
    await house.artifacts.keep((await house.models.get(model_id)).model, b"weights")
    fetched = await house.fetch(model_id)
    assert fetched is not None
    assert fetched[1] == b"weights"


async def test_an_unknown_model_is_not_found(house: House) -> None:
    with pytest.raises(NotFound) as refusal:
        await house.promote("x", actor="a", reason="")
    assert refusal.value.reason == "UNKNOWN_MODEL"


async def test_a_job_reads_back_as_it_was_written(house: House) -> None:
    job = Job(job_id="j", total_steps=5, seed=2**40, created_at_ms=1)
    await house.jobs.add(job, waiting_max=1)
    child = Child(pid=123, started_at=1_750_000_000.25)
    await house.jobs.change("j", lambda one: one.begun(2).trained_by(child).progressed(3, -0.5))
    assert await house.jobs.get("j") == replace(
        job, status=JobStatus.RUNNING, started_at_ms=2, child=child, completed_steps=3, mean_reward=-0.5
    )
    assert [one.job_id for one in await house.jobs.with_status(JobStatus.RUNNING)] == ["j"]


async def test_only_so_many_jobs_wait_and_the_oldest_is_first(house: House) -> None:
    for name in "ab":
        await house.jobs.add(Job(job_id=name, total_steps=5, seed=1, created_at_ms=1), waiting_max=2)
    with pytest.raises(Overloaded):
        await house.jobs.add(Job(job_id="c", total_steps=5, seed=1, created_at_ms=1), waiting_max=2)
    again = await house.jobs.add(Job(job_id="a", total_steps=9, seed=9, created_at_ms=9), waiting_max=2)
    assert again.total_steps == 5  # it is the job that was there
    assert [one.job_id for one in await house.jobs.with_status(JobStatus.QUEUED)] == ["a", "b"]
    assert [one.job_id for one in await house.jobs.newest(9)] == ["b", "a"]
