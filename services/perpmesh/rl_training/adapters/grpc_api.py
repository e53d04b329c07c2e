"""Training and the registry over gRPC."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from perpmesh.kernel.ids import derived_id
from perpmesh.platform import grpc_server
from perpmesh.platform.service import Parts
from perpmesh.rl_training.adapters import wire
from perpmesh.rl_training.adapters.store import JobStore, ModelStore
from perpmesh.rl_training.application.cancel_job import CancelJob
from perpmesh.rl_training.application.change_serving import PromoteModel, RollBackModel
from perpmesh.rl_training.application.fetch_model import FetchModel
from perpmesh.rl_training.application.run_jobs import RunJobs
from perpmesh.rl_training.application.start_training import StartTraining
from perpmesh_api.rl_training.v1 import model_registry_service_pb2 as registry_pb
from perpmesh_api.rl_training.v1 import model_registry_service_pb2_grpc as registry_rpc
from perpmesh_api.rl_training.v1 import training_service_pb2 as training_pb
from perpmesh_api.rl_training.v1 import training_service_pb2_grpc as training_rpc
from perpmesh_api.rl_training.v1.training_events_pb2 import ModelPromoted, ModelRolledBack, TrainingJobFinished

SERVICES = ["perpmesh_api.rl_training.v1.TrainingService", "perpmesh_api.rl_training.v1.ModelRegistryService"]
PUBLISHES = [TrainingJobFinished, ModelPromoted, ModelRolledBack]
LIMIT_DEFAULT = 50


class TrainingApi(training_rpc.TrainingServiceServicer):
    """Starts, cancels and shows jobs."""

    def __init__(self, parts: Parts, jobs: JobStore, start: StartTraining, cancel: CancelJob, runner: RunJobs) -> None:
        self._parts = parts
        self._jobs = jobs
        self._start = start
        self._cancel = cancel
        self._runner = runner

    async def StartTraining(self, request: Any, context: Any) -> training_pb.StartTrainingResponse:
        grpc_server.require_operator()

        async def act() -> training_pb.StartTrainingResponse:
            job = await self._start(self._job_id(request), total_steps=request.total_steps, seed=request.seed)
            self._runner.wake()
            return training_pb.StartTrainingResponse(job=wire.job(job))

        return await self._parts.once("StartTraining", request, training_pb.StartTrainingResponse, act)

    def _job_id(self, request: Any) -> str:
        """Derive the id from the request's own, so that a repeat after a crash finds the same job."""
        if request.request_id:
            return derived_id("training job", request.request_id)
        clock = self._parts.clock
        return derived_id("training job", clock.now_ms(), clock.boot_ms(), id(request))

    async def ListJobs(self, request: Any, context: Any) -> training_pb.ListJobsResponse:
        found = await self._jobs.newest(request.limit or LIMIT_DEFAULT)
        return training_pb.ListJobsResponse(jobs=[wire.job(job) for job in found])

    async def GetJob(self, request: Any, context: Any) -> training_pb.GetJobResponse:
        return training_pb.GetJobResponse(job=wire.job(await self._jobs.get(request.job_id)))

    async def CancelJob(self, request: Any, context: Any) -> training_pb.CancelJobResponse:
        grpc_server.require_operator()
        return training_pb.CancelJobResponse(job=wire.job(await self._cancel(request.job_id)))

    async def WatchJob(self, request: Any, context: Any) -> AsyncIterator[training_pb.WatchJobResponse]:
        async with aclosing(_changes(self._jobs, request.job_id)) as changes:
            async for job in changes:
                yield training_pb.WatchJobResponse(job=wire.job(job))


async def _changes(jobs: JobStore, job_id: str) -> AsyncGenerator[Any, None]:
    """Yield a job as it is, then after every change, until it has ended."""
    watch: Any = jobs.changes.watch()
    async with aclosing(watch):
        upcoming = asyncio.ensure_future(anext(watch))  # listening begins before the reading
        try:
            job = await jobs.get(job_id)
            yield job
            while not job.status.final:
                changed = await upcoming
                upcoming = asyncio.ensure_future(anext(watch))
                if changed.job_id == job_id and changed != job:
                    job = changed
                    yield job
        finally:
            upcoming.cancel()
            await asyncio.gather(upcoming, return_exceptions=True)


class ModelRegistryApi(registry_rpc.ModelRegistryServiceServicer):
    """Shows and hands out models, and says which one serves."""

    def __init__(
        self, parts: Parts, models: ModelStore, promote: PromoteModel, roll_back: RollBackModel, fetch: FetchModel
    ) -> None:
        self._parts = parts
        self._models = models
        self._promote = promote
        self._roll_back = roll_back
        self._fetch = fetch

    async def ListModels(self, request: Any, context: Any) -> registry_pb.ListModelsResponse:
        found = await self._models.newest(request.limit or LIMIT_DEFAULT)
        return registry_pb.ListModelsResponse(models=[wire.model(one) for one in found])

    async def PromoteModel(self, request: Any, context: Any) -> registry_pb.PromoteModelResponse:
        actor = grpc_server.require_operator().subject

        async def act() -> registry_pb.PromoteModelResponse:
            model = await self._promote(
                request.model_id, actor=actor, reason=request.reason, request_id=request.request_id
            )
            return registry_pb.PromoteModelResponse(model=wire.model(model))

        return await self._parts.once("PromoteModel", request, registry_pb.PromoteModelResponse, act)

    async def RollBackModel(self, request: Any, context: Any) -> registry_pb.RollBackModelResponse:
        actor = grpc_server.require_operator().subject

        async def act() -> registry_pb.RollBackModelResponse:
            model = await self._roll_back(actor=actor, reason=request.reason, request_id=request.request_id)
            return registry_pb.RollBackModelResponse(model=wire.model(model) if model else None)

        return await self._parts.once("RollBackModel", request, registry_pb.RollBackModelResponse, act)

    async def FetchModel(self, request: Any, context: Any) -> registry_pb.FetchModelResponse:
        found = await self._fetch(request.model_id)
        if found is None:
            return registry_pb.FetchModelResponse()
        model, artifact = found
        return registry_pb.FetchModelResponse(model=wire.model(model), artifact=artifact)


def register(server: Any, training: TrainingApi, registry: ModelRegistryApi) -> None:
    """Put both services on a server."""
    training_rpc.add_TrainingServiceServicer_to_server(training, server)
    registry_rpc.add_ModelRegistryServiceServicer_to_server(registry, server)
