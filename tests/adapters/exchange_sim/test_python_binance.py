"""An unmodified python-binance trades on the exchange as it would on Binance."""

import asyncio
import itertools

import pytest
from binance.exceptions import BinanceAPIException
from tests.adapters.exchange_sim.conftest import client_of, serving, sockets_of


async def until(socket, wanted, seconds=10.0):
    """Return the first message that is wanted."""
    async with asyncio.timeout(seconds):
        while True:
            message = await socket.recv()
            if wanted(message):
                return message


async def test_a_session_trades_is_protected_and_closes(host, client):
    sockets = sockets_of(host, client)
    info = await client.futures_exchange_info()
    assert {row["symbol"] for row in info["symbols"]} == {"BTCUSDT", "ETHUSDT"}
    assert (await client.futures_change_leverage(symbol="BTCUSDT", leverage=7))["leverage"] == 7
    async with sockets.futures_user_socket() as user:
        placed = await client.futures_create_order(
            symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.010", newClientOrderId="entry-1"
        )
        assert placed["status"] == "NEW"
        assert "avgPrice" not in placed
        filled = await until(user, lambda m: m.get("e") == "ORDER_TRADE_UPDATE" and m["o"]["x"] == "TRADE")
        assert (filled["o"]["c"], filled["o"]["X"], filled["o"]["z"]) == ("entry-1", "FILLED", "0.010")
        position = (await client.futures_position_information(symbol="BTCUSDT"))[0]
        assert position["positionAmt"] == "0.010"

        trigger = f"{float(position['markPrice']) * 0.9:.1f}"
        stop = await client.futures_create_order(
            symbol="BTCUSDT", side="SELL", type="STOP_MARKET", stopPrice=trigger, closePosition=True
        )
        assert stop["algoStatus"] == "NEW"
        seen = await until(user, lambda m: m.get("e") == "ALGO_UPDATE")
        assert seen["o"]["aid"] == stop["algoId"]
        assert len(await client.futures_get_open_algo_orders()) == 1
        gone = await client.futures_cancel_order(symbol="BTCUSDT", algoId=stop["algoId"])
        assert gone["code"] == "200"
        assert await client.futures_get_open_algo_orders() == []

        await client.futures_create_order(
            symbol="BTCUSDT", side="SELL", type="MARKET", quantity="0.010", reduceOnly=True
        )
        account = await until(user, lambda m: m.get("e") == "ACCOUNT_UPDATE" and m["a"]["P"][0]["pa"] == "0.000")
    assert await client.futures_position_information(symbol="BTCUSDT") == []
    fills = await client.futures_account_trades(symbol="BTCUSDT")
    income = await client.futures_income_history()
    assert {row["incomeType"] for row in income} == {"TRANSFER", "COMMISSION", "REALIZED_PNL"}
    balance = (await client.futures_account_balance())[0]["balance"]
    assert balance == account["a"]["B"][0]["wb"]
    assert sum(round(float(row["income"]) * 10**8) for row in income) == round(float(balance) * 10**8)
    assert sum(round(float(row["realizedPnl"]) * 10**8) for row in fills) == sum(
        round(float(row["income"]) * 10**8) for row in income if row["incomeType"] == "REALIZED_PNL"
    )


async def test_a_resting_order_is_listed_and_cancelled(client):
    price = float((await client.futures_mark_price(symbol="ETHUSDT"))["markPrice"])
    order = await client.futures_create_order(
        symbol="ETHUSDT", side="BUY", type="LIMIT", timeInForce="GTX", quantity="0.100", price=f"{price * 0.97:.2f}"
    )
    assert [row["orderId"] for row in await client.futures_get_open_orders()] == [order["orderId"]]
    canceled = await client.futures_cancel_order(symbol="ETHUSDT", orderId=order["orderId"])
    assert canceled["status"] == "CANCELED"
    assert (await client.futures_get_order(symbol="ETHUSDT", orderId=order["orderId"]))["status"] == "CANCELED"
    with pytest.raises(BinanceAPIException) as refused:
        await client.futures_cancel_order(symbol="ETHUSDT", orderId=order["orderId"])
    assert refused.value.code == -2011


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


async def test_the_mark_price_and_the_tape_are_streamed(host, client):
    sockets = sockets_of(host, client)
    async with sockets.futures_multiplex_socket(["btcusdt@aggTrade", "ethusdt@markPrice@1s"]) as stream:
        tape = await until(stream, lambda m: m["stream"] == "btcusdt@aggTrade")
        mark = await until(stream, lambda m: m["stream"] == "ethusdt@markPrice@1s")
    assert tape["data"]["s"] == "BTCUSDT"
    assert mark["data"]["T"] % (8 * 3_600_000) == 0


async def test_a_stop_or_a_profit_taker_triggers_and_closes_the_position_under_its_own_id():
    async with serving(speed=600.0) as host:
        client = client_of(host)
        try:
            async with sockets_of(host, client).futures_user_socket() as user:
                await client.futures_create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.010")
                price = float((await client.futures_mark_price(symbol="BTCUSDT"))["markPrice"])
                for kind, trigger in (("STOP_MARKET", price * 0.9985), ("TAKE_PROFIT_MARKET", price * 1.0015)):
                    await client.futures_create_order(
                        symbol="BTCUSDT", side="SELL", type=kind, stopPrice=f"{trigger:.1f}", closePosition=True
                    )
                steps = []
                while not steps or steps[-1]["X"] != "FINISHED":
                    step = (await until(user, lambda m: m.get("e") == "ALGO_UPDATE", 30.0))["o"]
                    if step["X"] != "NEW":
                        steps.append(step)
            assert [step["X"] for step in steps] == ["TRIGGERING", "TRIGGERED", "FINISHED"]
            order = await client.futures_get_order(symbol="BTCUSDT", orderId=int(steps[-1]["ai"]))
            assert (order["status"], order["executedQty"]) == ("FILLED", "0.010")
            assert order["clientOrderId"] == steps[0]["caid"]
            assert await client.futures_position_information(symbol="BTCUSDT") == []
        finally:
            await client.close_connection()
