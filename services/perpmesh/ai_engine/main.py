"""The ai_engine process: everything it is made of, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from perpmesh.ai_engine.adapters import events_in, grpc_api
from perpmesh.ai_engine.adapters.chance import seeded
from perpmesh.ai_engine.adapters.neighbours import neighbours
from perpmesh.ai_engine.adapters.rounds import Rounds
from perpmesh.ai_engine.adapters.store import TABLES, SqlJournal, recall_selector
from perpmesh.ai_engine.application.learn import Learn
from perpmesh.ai_engine.application.make_decision import MakeDecision
from perpmesh.ai_engine.application.mind import Mind
from perpmesh.ai_engine.config import POLICY_KEYS, PolicyLimits
from perpmesh.ai_engine.domain.decision import Decision
from perpmesh.ai_engine.domain.strategies import all_strategies
from perpmesh.kernel.time import Clock
from perpmesh.platform import process, service
from perpmesh.platform.broadcast import Broadcast
from perpmesh.platform.service import Parts
from perpmesh.platform.settings import MeshSettings
from perpmesh.platform.time import SystemClock

NAME = "ai_engine"


@asynccontextmanager
async def engine(settings: MeshSettings, clock: Clock) -> AsyncIterator[Parts]:
    """Serve and decide while the block runs."""
    async with (
        service.parts(NAME, settings, clock, tables=TABLES, needs=POLICY_KEYS) as parts,
        neighbours(settings) as others,
    ):
        journal, made = SqlJournal(parts.database, parts.outbox), Broadcast[Decision]()
        mind = Mind(all_strategies(), await recall_selector(parts.database))
        gather = others.gather(journal, PolicyLimits(parts.policy))
        decide = MakeDecision(gather, mind, journal, clock=clock, chances=seeded, announce=made.send)
        api = grpc_api.DecisionApi(decide, gather, mind, parts.once, made)
        async with parts.running(
            grpc_services=[grpc_api.register(parts.serving.server, api)],
            publishes=events_in.PUBLISHES,
            handlers=events_in.handlers(Learn(mind), others.models.another),
            loops=[*others.loops, ("rounds", Rounds(decide, others.filters, others.market).go)],
        ):
            yield parts


async def run(settings: MeshSettings) -> None:
    """Serve until the process is told to stop."""
    async with engine(settings, SystemClock()):
        await process.until_stopped()


def main() -> None:
    settings = MeshSettings.load()
    process.run_service(NAME, settings, lambda: run(settings))


if __name__ == "__main__":
    main()
