"""The training service, put together."""

from pathlib import Path

from perpmesh.platform import process, service
from perpmesh.platform.settings import MeshSettings
from perpmesh.platform.time import SystemClock
from perpmesh.rl_training.adapters import grpc_api
from perpmesh.rl_training.adapters.child import ChildTrainer
from perpmesh.rl_training.adapters.disk import DiskArtifacts
from perpmesh.rl_training.adapters.spec import Spec
from perpmesh.rl_training.adapters.store import TABLES, JobStore, ModelStore
from perpmesh.rl_training.application.cancel_job import CancelJob
from perpmesh.rl_training.application.change_serving import PromoteModel, RollBackModel
from perpmesh.rl_training.application.fetch_model import FetchModel
from perpmesh.rl_training.application.run_jobs import RunJobs
from perpmesh.rl_training.application.start_training import StartTraining
from perpmesh.rl_training.config import POLICY_KEYS, Config
from perpmesh.rl_training.domain.job import Job

NAME = "rl_training"


async def run(settings: MeshSettings) -> None:
    """Serve until told to stop."""
    config, clock = Config.of(settings.state_dir), SystemClock()
    async with service.parts(NAME, settings, clock, tables=TABLES, needs=POLICY_KEYS) as parts:
        policy = parts.policy

        def spec(job: Job, output: Path) -> Spec:
            return Spec(
                symbols=config.symbols, total_steps=job.total_steps, seed=job.seed, output=str(output),
                target_volatility=float(policy.decimal("ai.target_volatility")),
                max_weight=float(policy.decimal("ai.max_position_weight")),
            )  # fmt: skip

        jobs, models = JobStore(parts.database, parts.outbox), ModelStore(parts.database, parts.outbox)
        artifacts, trainer = DiskArtifacts(config.models_dir), ChildTrainer(config.scratch_dir, spec)
        runner = RunJobs(jobs, artifacts, trainer, clock, code_version=config.code_version)
        start = StartTraining(
            jobs, clock, waiting_max=config.waiting_jobs_max,
            default_steps=lambda: policy.integer("training.default_steps"),
        )  # fmt: skip
        promote = PromoteModel(models, artifacts, clock, schema_hash=config.schema_hash)
        training = grpc_api.TrainingApi(parts, jobs, start, CancelJob(jobs, runner, clock), runner)
        roll_back, fetch = RollBackModel(models, clock), FetchModel(models, artifacts)
        registry = grpc_api.ModelRegistryApi(parts, models, promote, roll_back, fetch)
        grpc_api.register(parts.serving.server, training, registry)
        loops = [("jobs", runner.forever)]
        async with parts.running(grpc_services=grpc_api.SERVICES, publishes=grpc_api.PUBLISHES, loops=loops):
            await process.until_stopped()


def main() -> None:
    settings = MeshSettings.load()
    process.run_service(NAME, settings, lambda: run(settings))


if __name__ == "__main__":
    main()
