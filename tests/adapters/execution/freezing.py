"""Execution as a process of its own that stops itself (SIGSTOP) exactly between the check of the lease and the send."""

import asyncio
import json
import os
import signal
import sys
from decimal import Decimal

from perpmesh.execution.adapters.binance_venue import BinanceVenue
from perpmesh.execution.adapters.prices import PriceBoard
from perpmesh.execution.application.assembly import assemble
from perpmesh.execution.application.desk import Desk
from perpmesh.execution.application.entry_lease import Grant
from perpmesh.execution.application.ledger import Ledger
from perpmesh.execution.application.submit import Request
from perpmesh.execution.application.tools import Tools
from perpmesh.execution.domain.lease import Lease
from perpmesh.execution.domain.words import Side, Stage
from perpmesh.platform import telemetry
from perpmesh.platform.settings import MeshSettings
from perpmesh.platform.time import SystemClock
from perpmesh.testing.memory_log import MemoryLog
from perpmesh.testing.policies import DefaultPolicies
from perpmesh_api.market_data.v1 import market_data_service_pb2 as market

REQUEST = Request(
    request_id="r1", symbol="BTCUSDT", side=Side.BUY, quantity=Decimal("0.002"), stop_price=Decimal(0),
    take_profit_price=Decimal(0), reason="", traceparent="",
)  # fmt: skip


async def enter(url: str, key: str, secret: str) -> None:
    """Enter at the exchange, stopping in between; print what became of it as JSON."""
    clock = SystemClock()
    settings = MeshSettings(exchange_url=url, api_key=key, api_secret=secret)
    board = PriceBoard(settings, clock)
    desk = Desk(clock, board)
    venue = BinanceVenue(settings, clock, desk.exchange_now_ms)
    tools = Tools(
        venue=venue, ledger=Ledger(MemoryLog()), desk=desk, policies=DefaultPolicies(), sleep=asyncio.sleep,
        diary=telemetry.log("frozen"),
    )  # fmt: skip
    cases = assemble(tools, settings.symbol_list)
    await cases.upkeep.once()
    await cases.reconciler.everything()
    quote = await venue.client.futures_mark_price(symbol="BTCUSDT")
    book = await venue.client.futures_orderbook_ticker(symbol="BTCUSDT")
    cases.lease.asked(1)
    cases.lease.granted(Grant(sequence=1, valid_for_ms=2_000, epoch=1, stage=Stage.FULL, policy_revision=1))
    board.heard(
        market.PriceTick(
            symbol="BTCUSDT", last_price=quote["markPrice"], mark_price=quote["markPrice"], bid_price=book["bidPrice"],
            ask_price=book["askPrice"], market_time_ms=quote["time"],
        )
    )  # fmt: skip
    look = cases.lease.still_holds

    def stop(lease: Lease) -> bool:
        holds = look(lease)
        os.kill(os.getpid(), signal.SIGSTOP)
        return holds

    cases.lease.still_holds = stop  # type: ignore[method-assign]
    outcome = await cases.submit.entry(REQUEST)
    await venue.close()
    print(json.dumps({"status": outcome.order.status.name, "code": outcome.order.error_code}), flush=True)


if __name__ == "__main__":
    asyncio.run(enter(*sys.argv[1:]))
