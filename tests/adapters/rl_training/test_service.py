"""The life of jobs and models, through the real service, its real children and a real broker."""

import asyncio
import hashlib
import signal
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from perpmesh.features import FEATURE_NAMES, SCHEMA_HASH, mlp
from perpmesh_api.rl_training.v1 import model_registry_service_pb2 as registry_pb
from perpmesh_api.rl_training.v1 import training_service_pb2 as pb

LONG = 100_000_000
pytestmark = pytest.mark.timeout(300)


async def trained(service: Any, **request: Any) -> pb.Job:
    job = (await service.training.StartTraining(pb.StartTrainingRequest(**request))).job
    return await until_ended(service, job.job_id)


async def until_ended(service: Any, job_id: str) -> pb.Job:
    return [answer.job async for answer in service.training.WatchJob(pb.WatchJobRequest(job_id=job_id))][-1]


async def until_training(service: Any, job_id: str) -> pb.Job:
    async for answer in service.training.WatchJob(pb.WatchJobRequest(job_id=job_id)):
        if answer.job.completed_steps:
            return answer.job
    raise AssertionError("it ended before it trained")


def children(service: Any) -> list[psutil.Process]:
    return psutil.Process(service.process.pid).children()


def reason_of(error: grpc.aio.AioRpcError) -> str:
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    for detail in status.details:
        if detail.Unpack(info):
            return info.reason
    return ""


async def refused(call: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call
    return error.value.code(), reason_of(error.value)


async def events(service: Any, topic: str, count: int) -> list[str]:
    consumer = AIOKafkaConsumer(bootstrap_servers=service.settings.kafka, fetch_max_wait_ms=5)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        await consumer.seek_to_beginning()
        found: list[str] = []
        while len(found) < count:
            kind = dict((await consumer.getone()).headers)["ce_type"].decode()
            found += [kind] if kind != "stream.begun" else []
        return found
    finally:
        await consumer.stop()


async def test_a_job_becomes_a_model_that_is_promoted_served_and_rolled_back(service: Any) -> None:
    job = await trained(service, seed=3, request_id="train-1")
    assert job.status == pb.JOB_STATUS_SUCCEEDED
    assert (job.total_steps, job.completed_steps) == (6000, 6000)  # policy's default
    assert 0 < job.created_at_ms <= job.started_at_ms <= job.finished_at_ms
    assert job.mean_reward != 0.0
    assert "torch" not in Path(f"/proc/{service.process.pid}/maps").read_text()  # only the child ever held it

    [model] = (await service.models.ListModels(registry_pb.ListModelsRequest())).models
    assert (model.model_id, model.job_id, model.seed) == (job.model_id, job.job_id, 3)
    assert model.feature_schema_hash == SCHEMA_HASH
    assert len(model.data_hash) == 64
    assert model.code_version
    assert [one.policy for one in model.evaluations] == ["model", "flat", "fixed"]
    assert model.evaluations[0].turnover > 0
    assert not model.promoted
    assert not (await service.models.FetchModel(registry_pb.FetchModelRequest())).HasField("model")

    promote = registry_pb.PromoteModelRequest(model_id=model.model_id, request_id="promote-1", reason="first")
    assert (await service.models.PromoteModel(promote)).model.promoted
    fetched = await service.models.FetchModel(registry_pb.FetchModelRequest())
    assert hashlib.sha256(fetched.artifact).hexdigest() == fetched.model.content_hash == model.content_hash
    assert fetched.model.promoted_at_ms > 0
    served = mlp.load(fetched.artifact)
    assert (served.schema_hash, served.inputs) == (SCHEMA_HASH, len(FEATURE_NAMES))

    back = registry_pb.RollBackModelRequest(request_id="back-1", reason="looks wrong")
    assert not (await service.models.RollBackModel(back)).HasField("model")
    assert not (await service.models.FetchModel(registry_pb.FetchModelRequest())).HasField("model")
    assert not (await service.models.RollBackModel(back)).HasField("model")  # asked twice, done once
    again = registry_pb.RollBackModelRequest(request_id="back-2")
    assert await refused(service.models.RollBackModel(again)) == (
        grpc.StatusCode.FAILED_PRECONDITION, "NOTHING_PROMOTED",
    )  # fmt: skip

    assert await events(service, "rl_training.jobs.v1", 1) == ["training.job.finished"]
    assert await events(service, "rl_training.models.v1", 2) == ["model.promoted", "model.rolled_back"]


async def test_asking_twice_trains_once_and_the_same_seed_makes_the_same_model(service: Any) -> None:
    first, second = await asyncio.gather(
        *(service.training.StartTraining(pb.StartTrainingRequest(request_id="once", total_steps=2000)) for _ in "ab")
    )
    assert first == second
    one = await until_ended(service, first.job.job_id)
    other = await trained(service, total_steps=2000)
    assert one.job_id != other.job_id
    assert one.model_id == other.model_id
    assert len((await service.training.ListJobs(pb.ListJobsRequest())).jobs) == 2
    assert len((await service.models.ListModels(registry_pb.ListModelsRequest())).models) == 1


async def test_a_canceled_job_leaves_no_process_and_no_model_and_the_next_one_trains(service: Any) -> None:
    long = (await service.training.StartTraining(pb.StartTrainingRequest(total_steps=LONG))).job
    waiting = (await service.training.StartTraining(pb.StartTrainingRequest(total_steps=LONG))).job
    after = (await service.training.StartTraining(pb.StartTrainingRequest(total_steps=2000))).job
    await until_training(service, long.job_id)
    [child] = children(service)
    assert child.nice() == 10

    skipped = (await service.training.CancelJob(pb.CancelJobRequest(job_id=waiting.job_id))).job
    assert (skipped.status, skipped.started_at_ms) == (pb.JOB_STATUS_CANCELED, 0)
    canceled = (await service.training.CancelJob(pb.CancelJobRequest(job_id=long.job_id))).job
    assert canceled.status == pb.JOB_STATUS_CANCELED
    assert not child.is_running()
    again = (await service.training.CancelJob(pb.CancelJobRequest(job_id=long.job_id))).job
    assert again == canceled

    assert (await until_ended(service, after.job_id)).status == pb.JOB_STATUS_SUCCEEDED
    assert len((await service.models.ListModels(registry_pb.ListModelsRequest())).models) == 1
    done = service.training.CancelJob(pb.CancelJobRequest(job_id=after.job_id))
    assert await refused(done) == (grpc.StatusCode.FAILED_PRECONDITION, "JOB_SUCCEEDED")


async def test_a_service_that_was_killed_fails_what_it_left_running_and_keeps_what_waited(service: Any) -> None:
    running = (await service.training.StartTraining(pb.StartTrainingRequest(total_steps=LONG))).job
    waiting = (await service.training.StartTraining(pb.StartTrainingRequest(total_steps=2000))).job
    await until_training(service, running.job_id)
    [child] = children(service)
    await service.end(signal.SIGKILL)
    await service.start()
    failed = await until_ended(service, running.job_id)
    assert (failed.status, failed.error) == (pb.JOB_STATUS_FAILED, "service restarted")
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    assert (await until_ended(service, waiting.job_id)).status == pb.JOB_STATUS_SUCCEEDED


async def test_a_trainer_that_dies_fails_its_job_and_one_at_work_ends_with_the_service(service: Any) -> None:
    first = (await service.training.StartTraining(pb.StartTrainingRequest(total_steps=LONG))).job
    await until_training(service, first.job_id)
    children(service)[0].kill()
    failed = await until_ended(service, first.job_id)
    assert failed.status == pb.JOB_STATUS_FAILED
    assert "-9" in failed.error

    second = (await service.training.StartTraining(pb.StartTrainingRequest(total_steps=LONG))).job
    await until_training(service, second.job_id)
    [child] = children(service)
    await service.end(signal.SIGTERM)
    assert not child.is_running()


async def test_what_does_not_exist_is_not_found_and_what_cannot_be_right_is_invalid(service: Any) -> None:
    assert await refused(service.training.GetJob(pb.GetJobRequest(job_id="x"))) == (
        grpc.StatusCode.NOT_FOUND, "UNKNOWN_JOB",
    )  # fmt: skip
    assert await refused(service.training.CancelJob(pb.CancelJobRequest(job_id="x"))) == (
        grpc.StatusCode.NOT_FOUND, "UNKNOWN_JOB",
    )  # fmt: skip
    assert await refused(service.models.PromoteModel(registry_pb.PromoteModelRequest(model_id="x"))) == (
        grpc.StatusCode.NOT_FOUND, "UNKNOWN_MODEL",
    )  # fmt: skip
    code, _ = await refused(service.training.StartTraining(pb.StartTrainingRequest(total_steps=-1)))
    assert code == grpc.StatusCode.INVALID_ARGUMENT
