"""The execution process."""

import asyncio

from perpmesh.execution.adapters import events_in, grpc_api, store
from perpmesh.execution.adapters.binance_venue import BinanceVenue
from perpmesh.execution.adapters.lease_client import LeaseClient
from perpmesh.execution.adapters.prices import PriceBoard
from perpmesh.execution.adapters.user_stream import UserStream
from perpmesh.execution.application.assembly import assemble
from perpmesh.execution.application.desk import Desk
from perpmesh.execution.application.ledger import Ledger
from perpmesh.execution.application.tools import Tools
from perpmesh.execution.config import FETCH_WAIT_MS, POLICY_KEYS
from perpmesh.platform import process, service, telemetry
from perpmesh.platform.settings import MeshSettings
from perpmesh.platform.time import SystemClock

NAME = "execution"


async def run(settings: MeshSettings) -> None:
    """Compose the service and let it live until it is told to stop."""
    clock = SystemClock()
    async with service.parts(NAME, settings, clock, tables=store.TABLES, needs=POLICY_KEYS) as parts:
        log = store.SqlLog(parts.database, parts.outbox, clock)
        prices, ledger = PriceBoard(settings, clock), Ledger(log)
        desk = Desk(clock, prices)
        venue = BinanceVenue(settings, clock, desk.exchange_now_ms)
        tools = Tools(
            venue=venue, ledger=ledger, desk=desk, policies=parts.policy, sleep=asyncio.sleep, diary=telemetry.log(NAME)
        )
        cases = assemble(tools, settings.symbol_list)
        worker = events_in.DecisionWorker(log, cases.decide)
        stream = UserStream(settings, venue.client, cases.reconciler.moved, venue.may_care, desk)
        lease = LeaseClient(settings, parts.outbox, cases)
        parts.policy.on_change(lambda: venue.keep_reserve(parts.policy.decimal("execution.exit_reserve_pct")))
        await ledger.load()
        grpc_api.register(parts.serving.server, cases, log, parts.once, settings, accepted=parts.policy.accepted)
        async with parts.running(
            grpc_services=[grpc_api.SERVICE],
            publishes=events_in.PUBLISHES,
            handlers=worker.handlers(),
            fetch_wait_ms=FETCH_WAIT_MS,
        ):
            loops = [
                ("upkeep", cases.upkeep.run), ("reconcile", cases.reconciler.run), ("user-stream", stream.listen),
                ("prices", prices.watch), ("lease", lease.hold), ("decisions", worker.run),
                ("follow", cases.reconciler.follow), ("countdown", cases.countdown.run),
            ]  # fmt: skip
            async with process.background(*loops):
                await process.until_stopped()
                cases.lease.close("the process is stopping")
        await venue.close()


def main() -> None:
    settings = MeshSettings.load()
    process.run_service(NAME, settings, lambda: run(settings))


if __name__ == "__main__":
    main()
