"""What docs/EXCHANGE.md tells a user to write is run as it stands there."""

import asyncio
import re
import sys
from decimal import Decimal
from pathlib import Path

from tests.clients.market import serving

from perpmesh.exchange_sim.config import AccountConfig

DOCUMENT = Path(__file__).parents[2] / "docs" / "EXCHANGE.md"
PROGRAM = re.compile(r"^### ([^\n]+)\n(?:(?!^##).)*?^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
PRINTED = {
    "python-binance": ("'status': 'FILLED'", "'e': 'aggTrade'"),
    "ccxt": ("'status': 'closed'", '"code":-2019'),
    "Binance's own SDK": ("markPriceUpdate",),
    "nautilus_trader": ("BTCUSDT-PERP.BINANCE,",),
}


async def output_of(program, host):
    """Run a program of the document against `host` and return what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program.replace("localhost:8010", host),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        printed, _ = await asyncio.wait_for(process.communicate(), 90)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, printed.decode()
    return printed.decode()


async def test_every_program_of_the_document_runs():
    programs = dict(PROGRAM.findall(DOCUMENT.read_text()))
    assert set(programs) == set(PRINTED)
    account = AccountConfig("mykey", "mysecret", Decimal(10_000))
    async with serving(accounts=(account,)) as market:
        outputs = await asyncio.gather(*(output_of(program, market.host) for program in programs.values()))
    for name, printed in zip(programs, outputs, strict=True):
        assert all(each in printed for each in PRINTED[name]), (name, printed)
