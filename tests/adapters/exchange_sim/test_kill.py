"""`kill -9` in the middle of orders from several connections, again and again: the exchange is as if nothing had been."""

import asyncio
import itertools
import shutil
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp
from tests.adapters.exchange_sim.rest import Rest

from perpmesh.exchange_sim.adapters import opening
from perpmesh.exchange_sim.adapters.journal import FileJournal
from perpmesh.exchange_sim.config import Config
from perpmesh.platform.time import SystemClock
from perpmesh.testing.exchange_process import exchange_process

KILLS, CONNECTIONS, ACKNOWLEDGED_BEFORE_A_KILL = 3, 4, 40
NAMES = itertools.count()
ORDER = {"symbol": "BTCUSDT", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.002"}
ASKED = (
    {**ORDER, "side": "BUY", "price": "{low}"},  # rests
    {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.002"},
    {**ORDER, "side": "SELL", "price": "{low}"},  # takes
    {**ORDER, "side": "BUY", "price": "{low}", "quantity": "0"},  # refused
    {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.002"},
    {**ORDER, "side": "BUY", "price": "0.07"},  # refused
)


@dataclass
class Memory:
    """What clients were told: the order ids of names, and the names that were refused."""

    acknowledged: dict = field(default_factory=dict)
    refused: set = field(default_factory=set)
    canceled: set = field(default_factory=set)


async def trade(host, memory, low, enough):
    """Send one order after the other, and cancel one in three, until the connection breaks."""
    with suppress(aiohttp.ClientError, ConnectionError):
        async with Rest(host) as rest:
            for asked in itertools.cycle(ASKED):
                name = f"n{next(NAMES)}"
                params = {key: value.format(low=low) for key, value in asked.items()}
                status, body, _ = await rest.signed("POST", "/fapi/v1/order", newClientOrderId=name, **params)
                if status != 200:
                    memory.refused.add(name)
                    continue
                memory.acknowledged[name] = body["orderId"]
                if asked is ASKED[0] and len(memory.acknowledged) % 3 == 0:
                    status, _, _ = await rest.signed(
                        "DELETE", "/fapi/v1/order", symbol="BTCUSDT", origClientOrderId=name
                    )
                    if status == 200:
                        memory.canceled.add(name)
                if len(memory.acknowledged) >= enough:
                    return


async def low_price(rest):
    return f"{float((await rest.public('/fapi/v1/premiumIndex', symbol='BTCUSDT'))[1]['markPrice']) * 0.97:.0f}.0"


async def everything_told_is_so(rest, memory):
    orders = (await rest.signed("GET", "/fapi/v1/allOrders", symbol="BTCUSDT", limit=1_000))[1]
    held = {order["clientOrderId"]: order for order in orders}
    assert len({order["orderId"] for order in orders}) == len(orders)
    assert {name: held[name]["orderId"] for name in memory.acknowledged} == memory.acknowledged
    assert {held[name]["status"] for name in memory.canceled} <= {"CANCELED"}
    assert not memory.refused & set(held)


def undisturbed(folders):
    """Return a venue that lived through all that was recorded, in one life, from the first snapshot on."""
    venue = recovered(folders[0])
    for folder in folders[1:]:
        journal = FileJournal(folder)
        for record in journal.recover()[1]:
            venue.redo(record)
        journal.close()
    return venue


def recovered(folder):
    venue, journal, *_ = opening.open_venue(Config(state_dir=folder, speed=60.0), SystemClock())
    journal.close()
    return venue


async def test_a_life_with_kills_in_it_ends_where_the_same_life_without_them_ends(tmp_path):
    state, memory, kept = tmp_path / "state", Memory(), []
    for number in range(KILLS):
        async with exchange_process(state) as running, Rest(running.host) as rest:
            await everything_told_is_so(rest, memory)
            before, low = max(memory.acknowledged.values(), default=0), await low_price(rest)
            enough = len(memory.acknowledged) + ACKNOWLEDGED_BEFORE_A_KILL
            tasks = [asyncio.create_task(trade(running.host, memory, low, enough)) for _ in range(CONNECTIONS)]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            await running.kill()
            await asyncio.gather(*tasks)
        newest = sorted(memory.acknowledged.values())[-ACKNOWLEDGED_BEFORE_A_KILL:]
        assert newest[0] > before, "an order id was given again"
        kept.append(tmp_path / f"life-{number}")
        shutil.copytree(state, kept[-1])
        with (state / newest_log(state)).open("ab") as log:
            log.write(b'["Commanded",["PlaceOrder"')  # the crash came in the middle of a record
    assert memory.canceled
    assert memory.refused
    assert recovered(state).engine.state_hash() == undisturbed(kept).engine.state_hash()


def newest_log(folder):
    return max(folder.glob("log-*.jsonl"), key=lambda path: int(path.stem.split("-")[1])).name
