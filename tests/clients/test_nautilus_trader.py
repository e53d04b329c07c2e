"""A node of nautilus_trader finds what there is, trades, and is closed by its stop."""

import asyncio
import json
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from tests.adapters.exchange_sim.rest import Rest
from tests.clients.market import KEY, SECRET

NEWEST = Path(__file__).parents[2] / ".venv-clients" / "bin" / "python"
SESSION = Path(__file__).with_name("nautilus_session.py")


class Told:
    """What the session has told so far."""

    def __init__(self, lines):
        self._lines = lines
        self.all = []

    async def until(self, *whats):
        async with asyncio.timeout(60):
            while True:
                line = (await self._lines.readline()).decode()
                assert line, f"the session ended after {self.all}"
                if line.startswith('{"what"'):
                    self.all.append(json.loads(line))
                    if self.all[-1]["what"] in whats:
                        return self.all[-1]

    def facts(self, what):
        return next(each for each in self.all if each["what"] == what)


@pytest.mark.parametrize("python", [Path(sys.executable), NEWEST], ids=["1.221", "newest"])
async def test_a_node_reconciles_trades_and_ends_flat(market, python):
    if not python.exists():
        pytest.skip("the newest nautilus_trader needs Python 3.12: `make test-clients` installs it")
    async with Rest(market.host) as rest:
        eth = {"symbol": "ETHUSDT", "side": "BUY", "quantity": "0.5"}
        await rest.signed("POST", "/fapi/v1/order", type="MARKET", **eth)
        resting = {"type": "LIMIT", "timeInForce": "GTC", "price": "3900", "newClientOrderId": "there-before"}
        await rest.signed("POST", "/fapi/v1/order", **resting, **eth)
        told = await session(python, market)
        positions = (await rest.signed("GET", "/fapi/v3/positionRisk", symbol="BTCUSDT"))[1]
        trades = (await rest.signed("GET", "/fapi/v1/userTrades", symbol="BTCUSDT"))[1]
    started, amended, closed = told.facts("started"), told.facts("amended"), told.facts("closed")
    assert started["positions"] == [["ETHUSDT-PERP.BINANCE", "0.500"]]
    assert started["orders"] == ["there-before"]
    assert started["balance"] == "9998.99999750 USDT"
    assert (amended["quantity"], amended["price"]) == ("0.020", "99100.00")
    assert {each["kind"] for each in told.all if each["what"] == "heard"} == {"quotes", "trades", "book", "bars"}
    assert positions == []
    earned = sum(Decimal(row["realizedPnl"]) - Decimal(row["commission"]) for row in trades)
    assert closed["profit"] == f"{earned:.8f} USDT"


async def session(python, market):
    """Run the node and move the market when it says that its position is protected; return what it told."""
    process = await asyncio.create_subprocess_exec(
        python, SESSION, market.host, KEY, SECRET, stdout=asyncio.subprocess.PIPE
    )
    told = Told(process.stdout)
    try:
        reached = await told.until("protected", "rejected")
        if reached["what"] == "protected":
            await market.move("BTCUSDT", 98_900)
        else:  # a node from before December 2025 sends its stop where Binance no longer takes one
            assert "-4120" in reached["reason"]
        await told.until("closed")
        await asyncio.wait_for(process.wait(), 30)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return told
