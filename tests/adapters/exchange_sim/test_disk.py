"""What a disk can do to the exchange: be cut off in the middle of a snapshot, and be full."""

import asyncio
import multiprocessing
import os
import resource
import sys

import aiohttp
import pytest
from tests.adapters.exchange_sim.rest import Rest

from perpmesh.exchange_sim.adapters.journal import FileJournal
from perpmesh.exchange_sim.application.records import ApiKeyAdded, Ticked
from perpmesh.testing.exchange_process import exchange_process

FILE_OPERATIONS = ("open", "os.rename", "os.remove", "os.truncate")
LOGGED = [Ticked(1, 2), ApiKeyAdded("key", "secret", "alice")]
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.002"}


def written(folder):
    journal = FileJournal(folder)
    journal.open()
    journal.append(LOGGED)
    return journal


def snapshot_until(folder, last):
    """Take a snapshot, and die before file operation number `last`; exit with 0 when there are not so many."""
    journal, left = written(folder), iter(range(last))

    def die(event, _):
        if event in FILE_OPERATIONS and next(left, None) is None:
            os._exit(1)

    sys.addaudithook(die)
    journal.replace(b"{}")
    os._exit(0)


def test_a_crash_at_any_step_of_a_snapshot_leaves_the_state_before_or_after_it(tmp_path):
    seen = []
    for last in range(100):
        process = multiprocessing.get_context("fork").Process(target=snapshot_until, args=(tmp_path / str(last), last))
        process.start()
        process.join()
        journal = FileJournal(tmp_path / str(last))
        snapshot, records = journal.recover()
        seen.append((snapshot, list(records)))
        journal.open()
        journal.append(LOGGED)
        assert list(journal.recover()[1]) == [*seen[-1][1], *LOGGED]
        journal.close()
        if process.exitcode == 0:
            break
    before, after = (None, LOGGED), (b"{}", [])
    turned = seen.index(after)
    assert seen == [before] * turned + [after] * (len(seen) - turned)
    assert 0 < turned < len(seen) - 1


async def test_on_a_full_disk_an_order_is_refused_and_has_not_happened_and_the_exchange_ends(tmp_path):
    """A limit on the size of files takes the place of a disk that is full."""
    async with exchange_process(tmp_path, speed=1e-9) as running, Rest(running.host) as rest:
        await rest.signed("POST", "/fapi/v1/order", **ORDER)
        (log,) = tmp_path.glob("log-*.jsonl")
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (log.stat().st_size + 100, resource.RLIM_INFINITY))
        asked = (rest.signed("POST", "/fapi/v1/order", **ORDER) for _ in range(5))
        answers = await asyncio.gather(*asked, return_exceptions=True)
        told = [each for each in answers if not isinstance(each, aiohttp.ClientError)]  # the rest came too late
        assert {(status, body["code"]) for status, body, _ in told} == {(503, -1001)}
        async with asyncio.timeout(20):
            assert await running.process.wait() != 0
    async with exchange_process(tmp_path, speed=1e-9) as running, Rest(running.host) as rest:
        orders = (await rest.signed("GET", "/fapi/v1/allOrders", symbol="BTCUSDT"))[1]
        assert [order["orderId"] for order in orders] == [1]
        assert (await rest.signed("POST", "/fapi/v1/order", **ORDER))[1]["orderId"] == 2


def test_what_could_not_be_written_whole_is_not_there(tmp_path, monkeypatch):
    journal, write = written(tmp_path), os.write
    full = iter([True])

    def half_then_full(file, data):
        if next(full, False):
            return write(file, data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", half_then_full)
    with pytest.raises(OSError, match="No space"):
        journal.append([Ticked(3, 4), Ticked(5, 6)])
    assert list(journal.recover()[1]) == LOGGED
    journal.close()
