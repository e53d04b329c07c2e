"""Jobs, models and the serving log in the service's own database; what changes is announced in the same transaction."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from perpmesh.kernel.errors import NotFound, Overloaded
from perpmesh.platform import telemetry
from perpmesh.platform.broadcast import Broadcast
from perpmesh.platform.database import Database
from perpmesh.platform.outbox import Outbox
from perpmesh.rl_training.adapters import wire
from perpmesh.rl_training.application.ports import Registered
from perpmesh.rl_training.domain.evaluation import Evaluation
from perpmesh.rl_training.domain.job import Child, Job, JobStatus
from perpmesh.rl_training.domain.model import Entry, Model, Serving, Turn

TABLES = sa.MetaData()

jobs = sa.Table(
    "jobs",
    TABLES,
    sa.Column("job_id", sa.String, primary_key=True),
    sa.Column("place", sa.BigInteger, nullable=False, unique=True),  # order of arrival
    sa.Column("status", sa.String, nullable=False),
    sa.Column("total_steps", sa.BigInteger, nullable=False),
    sa.Column("completed_steps", sa.BigInteger, nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("mean_reward", sa.Float, nullable=False),
    sa.Column("model_id", sa.String, nullable=False),
    sa.Column("error", sa.String, nullable=False),
    sa.Column("created_at_ms", sa.BigInteger, nullable=False),
    sa.Column("started_at_ms", sa.BigInteger, nullable=False),
    sa.Column("finished_at_ms", sa.BigInteger, nullable=False),
    sa.Column("child_pid", sa.BigInteger, nullable=False),  # 0: none
    sa.Column("child_started_at", sa.Float, nullable=False),
    sa.Column("traceparent", sa.String, nullable=False),  # of the request: the end is announced under it
)
models = sa.Table(
    "models",
    TABLES,
    sa.Column("model_id", sa.String, primary_key=True),
    sa.Column("place", sa.BigInteger, nullable=False, unique=True),
    sa.Column("content_hash", sa.String, nullable=False),
    sa.Column("job_id", sa.String, nullable=False),
    sa.Column("feature_schema_hash", sa.String, nullable=False),
    sa.Column("data_hash", sa.String, nullable=False),
    sa.Column("code_version", sa.String, nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("total_steps", sa.BigInteger, nullable=False),
    sa.Column("evaluations", sa.String, nullable=False),  # JSON
    sa.Column("created_at_ms", sa.BigInteger, nullable=False),
)
serving_log = sa.Table(
    "serving_log",
    TABLES,
    sa.Column("place", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("turn", sa.String, nullable=False),
    sa.Column("model_id", sa.String, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("request_id", sa.String, nullable=False),
)


class JobStore:
    """The book of jobs. `changes` sends every job after every change."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox
        self.changes: Broadcast[Job] = Broadcast()

    async def add(self, job: Job, *, waiting_max: int) -> Job:
        async with self._database.transaction() as tx:
            if known := await _job_row(tx, job.job_id):
                return _job(known)
            waiting = sa.select(sa.func.count()).where(jobs.c.status == JobStatus.QUEUED.value)
            if (await tx.execute(waiting)).scalar_one() >= waiting_max:
                raise Overloaded(f"{waiting_max} jobs wait already", reason="TRAINING_QUEUE_FULL")
            place = await _next_place(tx, jobs)
            await tx.execute(sa.insert(jobs).values(place=place, traceparent=telemetry.traceparent(), **_columns(job)))
        self.changes.send(job)
        return job

    async def get(self, job_id: str) -> Job:
        async with self._database.reading() as connection:
            return _known(await _job_row(connection, job_id), job_id)

    async def newest(self, limit: int) -> list[Job]:
        return await self._all(sa.select(jobs).order_by(jobs.c.place.desc()).limit(limit))

    async def with_status(self, status: JobStatus) -> list[Job]:
        return await self._all(sa.select(jobs).where(jobs.c.status == status.value).order_by(jobs.c.place))

    async def change(self, job_id: str, step: Callable[[Job], Job], *, model: Model | None = None) -> Job:
        async with self._database.transaction() as tx:
            row = await _job_row(tx, job_id)
            before = _known(row, job_id)
            after = step(before)
            if after == before:
                return before
            await tx.execute(sa.update(jobs).where(jobs.c.job_id == job_id).values(**_columns(after)))
            if model is not None:
                await _register(tx, model)
            if after.status.final:
                await self._outbox.append(tx, wire.job_finished(after), traceparent=row.traceparent if row else "")
        self.changes.send(after)
        return after

    async def _all(self, query: sa.Select[Any]) -> list[Job]:
        async with self._database.reading() as connection:
            return [_job(row) for row in await connection.execute(query)]


class ModelStore:
    """The registered models and the serving log."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox

    async def get(self, model_id: str) -> Registered:
        async with self._database.reading() as connection:
            return await _registered(connection, model_id, await _log(connection))

    async def newest(self, limit: int) -> list[Registered]:
        async with self._database.reading() as connection:
            log = await _log(connection)
            rows = await connection.execute(sa.select(models).order_by(models.c.place.desc()).limit(limit))
            return [_standing(_model(row), log) for row in rows]

    async def serving(self) -> Registered | None:
        async with self._database.reading() as connection:
            return await _serves(connection, await _log(connection))

    async def enter(self, write: Callable[[Sequence[Entry]], Entry | None]) -> Registered | None:
        async with self._database.transaction() as tx:
            log = await _log(tx)
            entry = write(log)
            if entry is None:
                return await _serves(tx, log)
            row = {**asdict(entry), "turn": entry.turn.value}
            await tx.execute(sa.insert(serving_log).values(place=await _next_place(tx, serving_log), **row))
            serves = await _serves(tx, [*log, entry])
            await self._outbox.append(tx, wire.serving_changed(entry, serves, Serving.of(log).model_id))
            return serves


async def _next_place(tx: AsyncConnection, table: sa.Table) -> int:
    return int((await tx.execute(sa.select(sa.func.coalesce(sa.func.max(table.c.place), 0)))).scalar_one()) + 1


async def _job_row(connection: AsyncConnection, job_id: str) -> sa.Row[Any] | None:
    return (await connection.execute(sa.select(jobs).where(jobs.c.job_id == job_id))).first()


def _known(row: sa.Row[Any] | None, job_id: str) -> Job:
    if row is None:
        raise NotFound(f"no job is called {job_id}", reason="UNKNOWN_JOB", field="job_id")
    return _job(row)


def _columns(job: Job) -> dict[str, object]:
    values: dict[str, object] = {**asdict(job), "status": job.status.value}
    del values["child"]
    child = job.child or Child(pid=0, started_at=0.0)
    return {**values, "child_pid": child.pid, "child_started_at": child.started_at}


def _job(row: sa.Row[Any]) -> Job:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented way to a mapping
    pid, started_at = values.pop("child_pid"), values.pop("child_started_at")
    del values["place"], values["traceparent"]
    child = Child(pid=pid, started_at=started_at) if pid else None
    return Job(**{**values, "status": JobStatus(values["status"]), "child": child})


async def _register(tx: AsyncConnection, model: Model) -> None:
    """Write a model down, unless the same weights are registered already: the first lineage stays."""
    known = sa.select(models.c.model_id).where(models.c.model_id == model.model_id)
    if (await tx.execute(known)).first():
        return
    row: dict[str, Any] = {**asdict(model), "model_id": model.model_id, "place": await _next_place(tx, models)}
    row["evaluations"] = json.dumps(row["evaluations"])
    await tx.execute(sa.insert(models).values(**row))


def _model(row: sa.Row[Any]) -> Model:
    values = dict(row._mapping)  # noqa: SLF001 - as above
    del values["place"], values["model_id"]
    evaluations = tuple(Evaluation(**one) for one in json.loads(values["evaluations"]))
    return Model(**{**values, "evaluations": evaluations})


async def _log(connection: AsyncConnection) -> list[Entry]:
    rows = await connection.execute(sa.select(serving_log).order_by(serving_log.c.place))
    return [
        Entry(
            turn=Turn(row.turn), model_id=row.model_id, at_ms=row.at_ms,
            actor=row.actor, reason=row.reason, request_id=row.request_id,
        )
        for row in rows
    ]  # fmt: skip


async def _serves(connection: AsyncConnection, log: Sequence[Entry]) -> Registered | None:
    model_id = Serving.of(log).model_id
    return await _registered(connection, model_id, log) if model_id else None


async def _registered(connection: AsyncConnection, model_id: str, log: Sequence[Entry]) -> Registered:
    row = (await connection.execute(sa.select(models).where(models.c.model_id == model_id))).first()
    if row is None:
        raise NotFound(f"no model is called {model_id}", reason="UNKNOWN_MODEL", field="model_id")
    return _standing(_model(row), log)


def _standing(model: Model, log: Sequence[Entry]) -> Registered:
    promotions = [e.at_ms for e in log if e.turn is Turn.PROMOTED and e.model_id == model.model_id]
    return Registered(
        model=model,
        promoted=Serving.of(log).model_id == model.model_id,
        promoted_at_ms=promotions[-1] if promotions else 0,
    )
