"""A process frozen exactly between the check of the lease and the send: the exchange's own door is the fence."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from perpmesh.execution.application.entry_lease import Grant
from perpmesh.execution.application.submit import Request
from perpmesh.execution.domain.lease import Lease
from perpmesh.execution.domain.words import OrderStatus, Side, Stage
from perpmesh.platform.time import SystemClock
from perpmesh.testing.exchange_process import KEY, SECRET, exchange_process

FROZEN_MS = 30_000
CHILD = Path(__file__).with_name("freezing.py")


@pytest.fixture
def skip(monkeypatch: pytest.MonkeyPatch):
    """Let every clock of the machine skip ahead, as they do for a process that is stopped meanwhile."""
    skipped = [0]
    for name in ("now_ms", "boot_ms"):
        real = getattr(SystemClock, name)
        monkeypatch.setattr(SystemClock, name, lambda self, real=real: real(self) + sum(skipped))
    return skipped.append


async def test_thirty_seconds_between_check_and_send_end_in_minus_1021(house, skip):
    lease, frozen = house.cases.lease, []
    lease.lease = None
    lease.asked(1_000)
    lease.granted(Grant(sequence=1_000, valid_for_ms=2_000, epoch=1, stage=Stage.FULL, policy_revision=1))
    look = lease.still_holds

    def freeze(held: Lease) -> bool:
        frozen.append(look(held))
        skip(FROZEN_MS)
        return frozen[-1]

    lease.still_holds = freeze
    request = Request(
        request_id="r1", symbol="BTCUSDT", side=Side.BUY, quantity=Decimal("0.002"), stop_price=Decimal(0),
        take_profit_price=Decimal(0), reason="", traceparent="",
    )  # fmt: skip
    outcome = await house.cases.submit.entry(request)
    assert frozen == [True]
    assert (outcome.order.status, outcome.order.error_code) == (OrderStatus.REJECTED, -1021)
    assert await house.venue.positions() == []
    assert await house.venue.client.futures_get_all_orders(symbol="BTCUSDT") == []


@pytest.mark.skipif("FROZEN_SECONDS" not in os.environ, reason="as long as it says: make frozen")
@pytest.mark.timeout(0)
async def test_a_real_process_that_is_stopped_between_check_and_send_enters_nothing():
    async with exchange_process(None, speed=1.0) as running:
        child = subprocess.Popen(
            [sys.executable, str(CHILD), f"http://{running.host}", KEY, SECRET], stdout=subprocess.PIPE
        )
        try:
            await asyncio.to_thread(os.waitid, os.P_PID, child.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            await asyncio.sleep(float(os.environ["FROZEN_SECONDS"]))
            child.send_signal(signal.SIGCONT)
            said, _ = await asyncio.to_thread(child.communicate)
        finally:
            child.kill()
        assert json.loads(said.splitlines()[-1]) == {"status": "REJECTED", "code": -1021}
