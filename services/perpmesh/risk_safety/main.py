"""The risk_safety process: the emergency stop, the entry lease, and the PolicyStore."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from perpmesh.kernel.time import Clock
from perpmesh.platform import process, service
from perpmesh.platform.identity import Keyring
from perpmesh.platform.settings import MeshSettings
from perpmesh.platform.time import SystemClock
from perpmesh.risk_safety.adapters import attempts_wire, ess_api, events_in, policy_api, risk_api
from perpmesh.risk_safety.adapters.ess_store import SqlEssStore
from perpmesh.risk_safety.adapters.loss_store import SqlLossStore
from perpmesh.risk_safety.adapters.policy_store import SqlPolicyStore, upgrade
from perpmesh.risk_safety.adapters.status_board import StatusBoard
from perpmesh.risk_safety.adapters.system import KeyringSignatures, LoopAlarm
from perpmesh.risk_safety.adapters.tables import TABLES
from perpmesh.risk_safety.application.core import SafetyCore
from perpmesh.risk_safety.config import fresh_latch, gates

NAME = "risk_safety"


@asynccontextmanager
async def serving(settings: MeshSettings, clock: Clock) -> AsyncIterator[tuple[SafetyCore, service.Parts]]:
    """Serve for the length of the block."""
    async with service.parts(NAME, settings, clock, tables=TABLES, needs=()) as parts:
        await upgrade(parts.database)
        core = SafetyCore(
            policy_store=SqlPolicyStore(parts.database, parts.outbox),
            ess_store=SqlEssStore(parts.database, parts.outbox), loss_store=SqlLossStore(parts.database),
            signatures=KeyringSignatures(Keyring(settings.state_dir / "keys")), clock=clock, alarm=LoopAlarm(),
            **gates(settings.environment.value),
        )  # fmt: skip
        await core.open(fresh_latch(settings.environment.value))
        board = StatusBoard(core, settings.environment.value)
        parts.serving.witnessed_by(attempts_wire.witness(core.operators))
        server = parts.serving.server
        services = [
            policy_api.register(server, core.policies, parts.once),
            ess_api.register(server, ess_api.EssApi(core=core, board=board, once=parts.once)),
            risk_api.register(server, risk_api.RiskApi(core=core, board=board)),
        ]
        loops = [("watch", core.watch.keep), ("stages", core.stages.keep), ("status", board.keep)]
        published, handled = events_in.PUBLISHES, events_in.handlers(core)
        async with parts.running(grpc_services=services, publishes=published, handlers=handled, loops=loops):
            yield core, parts


async def run(settings: MeshSettings) -> None:
    """Serve until the process is told to stop."""
    async with serving(settings, SystemClock()):
        await process.until_stopped()


def main() -> None:
    """Run the process."""
    settings = MeshSettings.load()
    process.run_service(NAME, settings, lambda: run(settings))


if __name__ == "__main__":
    main()
