"""What was acknowledged is there after `kill -9`, and the market goes on where it stood."""

import pytest
from tests.adapters.exchange_sim.conftest import serving
from tests.adapters.exchange_sim.rest import Rest

from perpmesh.exchange_sim.adapters.codec import decode, encode
from perpmesh.exchange_sim.adapters.journal import FileJournal
from perpmesh.exchange_sim.application.records import ApiKeyAdded, ClockSet, Ticked
from perpmesh.kernel.errors import Refused
from perpmesh.testing.exchange_process import exchange_process


async def story(rest):
    """Everything an account can ask about itself, less what moves with the market."""
    paths = ("userTrades?symbol=BTCUSDT", "allOrders", "openAlgoOrders", "income", "openOrders")
    answers = []
    for path in paths:
        name, _, query = path.partition("?")
        params = dict([query.split("=")]) if query else {}
        answers.append((await rest.signed("GET", f"/fapi/v1/{name}", **params))[1])
    return answers


async def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path):
    async with exchange_process(tmp_path) as running, Rest(running.host) as rest:
        for _ in range(5):
            await rest.signed("POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.002")
        stop = {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "triggerPrice": "60000.0"}
        status, _, _ = await rest.signed(
            "POST", "/fapi/v1/algoOrder", algoType="CONDITIONAL", closePosition="true", **stop
        )
        assert status == 200
        key = (await rest.signed("POST", "/fapi/v1/listenKey"))[1]["listenKey"]
        before = await story(rest)
        market_before = (await rest.public("/fapi/v1/premiumIndex", symbol="BTCUSDT"))[1]["time"]
        await running.kill()
    async with exchange_process(tmp_path) as running, Rest(running.host) as rest:
        assert await story(rest) == before
        assert (await rest.signed("PUT", "/fapi/v1/listenKey"))[1]["listenKey"] == key
        market_after = (await rest.public("/fapi/v1/premiumIndex", symbol="BTCUSDT"))[1]["time"]
        assert 0 <= market_after - market_before < 5 * 60_000


async def test_a_venue_stopped_and_started_goes_on_and_its_book_ids_only_rise(tmp_path):
    async with serving(state_dir=tmp_path) as host, Rest(host) as rest:
        await rest.signed("POST", "/fapi/v1/order", symbol="ETHUSDT", side="SELL", type="MARKET", quantity="0.050")
        first = (await rest.public("/fapi/v1/depth", symbol="ETHUSDT", limit=5))[1]["lastUpdateId"]
    async with serving(state_dir=tmp_path) as host, Rest(host) as rest:
        held = (await rest.signed("GET", "/fapi/v3/positionRisk"))[1]
        assert [each["positionAmt"] for each in held] == ["-0.050"]
        assert (await rest.public("/fapi/v1/depth", symbol="ETHUSDT", limit=5))[1]["lastUpdateId"] > first


async def test_two_exchanges_cannot_share_a_folder(tmp_path):
    async with serving(state_dir=tmp_path):
        with pytest.raises(Refused, match="another exchange"):
            async with serving(state_dir=tmp_path):
                pass


def test_a_line_torn_by_a_crash_is_dropped_and_the_log_goes_on_after_it(tmp_path):
    journal = FileJournal(tmp_path)
    journal.open()
    journal.append([Ticked(1, 2), ApiKeyAdded("key", "secret", "alice")])
    journal.close()
    log = tmp_path / "log-0.jsonl"
    log.write_bytes(log.read_bytes() + b'["Ticked",3')
    journal = FileJournal(tmp_path)
    assert list(journal.recover()[1]) == [Ticked(1, 2), ApiKeyAdded("key", "secret", "alice")]
    journal.open()
    journal.append([ClockSet(60.0, paused=False)])
    assert len(list(journal.recover()[1])) == 3
    journal.close()


def test_a_snapshot_takes_the_place_of_the_log_before_it(tmp_path):
    journal = FileJournal(tmp_path)
    journal.open()
    journal.append([Ticked(1, 2)])
    journal.replace(b"{}")
    journal.append([Ticked(2, 3)])
    journal.close()
    journal = FileJournal(tmp_path)
    snapshot, records = journal.recover()
    assert (snapshot, list(records)) == (b"{}", [Ticked(2, 3)])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "log-1.jsonl", "snapshot-1.json"]
    journal.close()


def test_the_state_is_for_its_owner_only(tmp_path):
    folder = tmp_path / "exchange"
    journal = FileJournal(folder)
    journal.open()
    journal.replace(b"{}")
    journal.close()
    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


def test_every_record_can_be_read_back():
    records = [Ticked(1, 2), ClockSet(1.5, paused=True), ApiKeyAdded("k", "s", "a")]
    assert [decode(encode(record)) for record in records] == records
