"""What python-binance reads of the market agrees with itself; tests/clients has its whole session."""

import asyncio
import itertools

from tests.adapters.exchange_sim.conftest import sockets_of


async def until(socket, wanted, seconds=10.0):
    """Return the first message that is wanted."""
    async with asyncio.timeout(seconds):
        while True:
            message = await socket.recv()
            if wanted(message):
                return message


async def test_a_finished_orders_client_id_is_accepted_again(client):
    for _ in range(2):
        await client.futures_create_order(
            symbol="ETHUSDT", side="BUY", type="MARKET", quantity="0.050", newClientOrderId="again"
        )
    assert (await client.futures_position_information(symbol="ETHUSDT"))[0]["positionAmt"] == "0.100"


async def test_history_can_be_paged_and_ends_with_the_forming_candle(client):
    rows = await client.futures_klines(symbol="BTCUSDT", interval="1m", limit=1_000)
    assert len(rows) == 1_000
    assert all(after[0] - before[0] == 60_000 for before, after in itertools.pairwise(rows))
    page = await client.futures_klines(symbol="BTCUSDT", interval="1m", startTime=rows[10][0] + 1, limit=5)
    assert [row[0] for row in page] == [row[0] for row in rows[11:16]]
    assert page == rows[11:16]


async def test_the_earliest_candle_is_found_from_any_moment_before_it(client):
    earliest = await client.futures_klines(symbol="BTCUSDT", interval="1h", limit=1, startTime=0)
    everything = await client.futures_klines(symbol="BTCUSDT", interval="1h", limit=1_500)
    assert earliest == everything[:1]


async def test_a_kline_stream_tells_of_each_close_and_agrees_with_history(host, client):
    sockets = sockets_of(host, client)
    async with sockets.kline_futures_socket(symbol="BTCUSDT", interval="1m") as stream:
        closed = (await until(stream, lambda m: m.get("k", {}).get("x")))["k"]
    row = (await client.futures_klines(symbol="BTCUSDT", interval="1m", startTime=closed["t"], limit=1))[0]
    assert [closed[name] for name in "tohlcvTqnVQ"] == row[:11]
