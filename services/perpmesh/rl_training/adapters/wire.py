"""Where protobuf meets the words of training, and nowhere else."""

from perpmesh.rl_training.application.ports import Registered
from perpmesh.rl_training.domain.evaluation import Evaluation
from perpmesh.rl_training.domain.job import Job, JobStatus
from perpmesh.rl_training.domain.model import Entry, Turn
from perpmesh_api.rl_training.v1 import model_registry_service_pb2, training_events_pb2, training_service_pb2

STATUS = {
    JobStatus.QUEUED: training_service_pb2.JOB_STATUS_QUEUED,
    JobStatus.RUNNING: training_service_pb2.JOB_STATUS_RUNNING,
    JobStatus.SUCCEEDED: training_service_pb2.JOB_STATUS_SUCCEEDED,
    JobStatus.FAILED: training_service_pb2.JOB_STATUS_FAILED,
    JobStatus.CANCELED: training_service_pb2.JOB_STATUS_CANCELED,
}


def job(found: Job) -> training_service_pb2.Job:
    return training_service_pb2.Job(
        job_id=found.job_id,
        status=STATUS[found.status],
        total_steps=found.total_steps,
        completed_steps=found.completed_steps,
        seed=found.seed,
        mean_reward=found.mean_reward,
        model_id=found.model_id,
        error=found.error,
        created_at_ms=found.created_at_ms,
        started_at_ms=found.started_at_ms,
        finished_at_ms=found.finished_at_ms,
    )


def model(found: Registered) -> model_registry_service_pb2.Model:
    known = found.model
    return model_registry_service_pb2.Model(
        model_id=known.model_id,
        content_hash=known.content_hash,
        job_id=known.job_id,
        feature_schema_hash=known.feature_schema_hash,
        data_hash=known.data_hash,
        code_version=known.code_version,
        seed=known.seed,
        total_steps=known.total_steps,
        evaluations=[evaluation(one) for one in known.evaluations],
        promoted=found.promoted,
        created_at_ms=known.created_at_ms,
        promoted_at_ms=found.promoted_at_ms,
    )


def evaluation(found: Evaluation) -> model_registry_service_pb2.Evaluation:
    return model_registry_service_pb2.Evaluation(
        policy=found.policy,
        total_return=found.total_return,
        sharpe=found.sharpe,
        max_drawdown=found.max_drawdown,
        turnover=found.turnover,
    )


def job_finished(found: Job) -> training_events_pb2.TrainingJobFinished:
    return training_events_pb2.TrainingJobFinished(job_id=found.job_id, job=job(found))


def serving_changed(
    entry: Entry, serves: Registered | None, replaced_model_id: str
) -> training_events_pb2.ModelPromoted | training_events_pb2.ModelRolledBack:
    """Return the event that a line of the serving log is."""
    if entry.turn is Turn.PROMOTED:
        return training_events_pb2.ModelPromoted(
            model_id=entry.model_id,
            model=model(serves) if serves else None,
            actor=entry.actor,
            reason=entry.reason,
        )
    return training_events_pb2.ModelRolledBack(
        model_id=entry.model_id, replaced_model_id=replaced_model_id, actor=entry.actor, reason=entry.reason
    )
