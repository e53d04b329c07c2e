"""The risk_safety process: the emergency stop, the entry lease, and the PolicyStore."""

from perpmesh.platform import process, service
from perpmesh.platform.settings import MeshSettings
from perpmesh.platform.time import SystemClock
from perpmesh.risk_safety.adapters import events_in, policy_api
from perpmesh.risk_safety.adapters.policy_store import SqlPolicyStore
from perpmesh.risk_safety.adapters.tables import TABLES
from perpmesh.risk_safety.application.policies import PolicyBook

NAME = "risk_safety"


async def run(settings: MeshSettings) -> None:
    """Serve until the process is told to stop."""
    clock = SystemClock()
    async with service.parts(NAME, settings, clock, tables=TABLES, needs=()) as parts:
        policies = PolicyBook(SqlPolicyStore(parts.database, parts.outbox), clock)
        await policies.open()
        services = [policy_api.register(parts.serving.server, policies, parts.once)]
        async with parts.running(grpc_services=services, publishes=events_in.PUBLISHES, handlers=events_in.handlers()):
            await process.until_stopped()


def main() -> None:
    """Run the process."""
    settings = MeshSettings.load()
    process.run_service(NAME, settings, lambda: run(settings))


if __name__ == "__main__":
    main()
