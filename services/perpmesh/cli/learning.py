"""`perpmesh train` and `perpmesh models …`: training jobs and the registry."""

from typing import Annotated, Any

import typer

from perpmesh.cli.connect import DEADLINE_SECONDS, REFUSED, console, gateway, grid, show
from perpmesh_api.rl_training.v1 import model_registry_service_pb2 as models_pb
from perpmesh_api.rl_training.v1 import model_registry_service_pb2_grpc as models_rpc
from perpmesh_api.rl_training.v1 import training_service_pb2 as pb
from perpmesh_api.rl_training.v1 import training_service_pb2_grpc as rpc

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
models = typer.Typer(no_args_is_help=True, help="The registry of trained models.")


def train(
    steps: Annotated[int, typer.Option(help="Environment steps; 0 for policy's default.")] = 0,
    seed: int = 0,
    detach: Annotated[bool, typer.Option(help="Do not wait for the end.")] = False,
    as_json: Json = False,
) -> None:
    """Train a sizing policy and follow it to its end. Exit code 1 when the job does not succeed."""
    with gateway() as channel:
        stub: Any = rpc.TrainingServiceStub(channel)
        request = pb.StartTrainingRequest(total_steps=steps, seed=seed)
        job = stub.StartTraining(request, timeout=DEADLINE_SECONDS).job
        if not detach:
            for news in stub.WatchJob(pb.WatchJobRequest(job_id=job.job_id)):
                job = news.job
                if not as_json:
                    console.print(
                        f"{_status(job)} {job.completed_steps}/{job.total_steps} reward {job.mean_reward:+.6f}"
                    )
    show(pb.GetJobResponse(job=job), as_json_text=as_json, table=lambda found: _jobs([found.job]))
    raise typer.Exit(0 if detach or job.status == pb.JOB_STATUS_SUCCEEDED else REFUSED)


@models.command("list")
def models_list(limit: int = 20, as_json: Json = False) -> None:
    """Show models with their evaluation on data they have not seen."""
    with gateway() as channel:
        stub: Any = models_rpc.ModelRegistryServiceStub(channel)
        answer = stub.ListModels(models_pb.ListModelsRequest(limit=limit), timeout=DEADLINE_SECONDS)
    show(answer, as_json_text=as_json, table=lambda found: _models(found.models))


@models.command("promote")
def models_promote(model_id: str, reason: str = "", as_json: Json = False) -> None:
    """Make a model the one that serves."""
    with gateway() as channel:
        stub: Any = models_rpc.ModelRegistryServiceStub(channel)
        request = models_pb.PromoteModelRequest(model_id=model_id, reason=reason)
        answer = stub.PromoteModel(request, timeout=DEADLINE_SECONDS)
    show(answer, as_json_text=as_json, table=lambda found: _models([found.model]))


@models.command("rollback")
def models_rollback(reason: str = "", as_json: Json = False) -> None:
    """Make the model before serve again."""
    with gateway() as channel:
        stub: Any = models_rpc.ModelRegistryServiceStub(channel)
        answer = stub.RollBackModel(models_pb.RollBackModelRequest(reason=reason), timeout=DEADLINE_SECONDS)
    show(answer, as_json_text=as_json, table=lambda found: _models([found.model] if found.HasField("model") else []))


def _status(job: Any) -> str:
    return pb.JobStatus.Name(job.status).removeprefix("JOB_STATUS_")


def _jobs(jobs: Any) -> Any:
    rows = [[j.job_id, _status(j), f"{j.completed_steps}/{j.total_steps}", j.seed, j.model_id, j.error] for j in jobs]
    return grid("training", ["job", "status", "steps", "seed", "model", "error"], rows)


def _models(found: Any) -> Any:
    rows = [
        [
            "*" if m.promoted else "",
            m.model_id,
            m.total_steps,
            e.policy,
            f"{e.total_return:+.2%}",
            f"{e.sharpe:.2f}",
            f"{e.max_drawdown:.2%}",
            f"{e.turnover:.1f}",
        ]
        for m in found
        for e in m.evaluations
    ]
    columns = ["serves", "model", "steps", "on unseen bars", "return", "sharpe", "drawdown", "turnover"]
    return grid("models", columns, rows)
