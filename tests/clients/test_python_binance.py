"""python-binance from PyPI trades a whole session; nothing of it is changed but the addresses that it calls."""

import asyncio
import itertools
import time
from contextlib import asynccontextmanager

import pytest
from binance import AsyncClient, BinanceSocketManager
from binance.exceptions import BinanceAPIException
from tests.clients.market import KEY, SECRET

BTC = {"symbol": "BTCUSDT"}
CONDITIONAL = [
    ("STOP", "BUY", {"stopPrice": "101000", "price": "101100", "quantity": "0.010"}),
    ("STOP_MARKET", "SELL", {"stopPrice": "99000", "quantity": "0.010", "reduceOnly": "true"}),
    ("TAKE_PROFIT", "SELL", {"stopPrice": "101000", "price": "100900", "quantity": "0.010"}),
    ("TAKE_PROFIT_MARKET", "SELL", {"stopPrice": "102000", "closePosition": "true"}),
    ("STOP_MARKET", "SELL", {"stopPrice": "98000", "closePosition": "true", "workingType": "MARK_PRICE"}),
    ("TRAILING_STOP_MARKET", "SELL", {"activatePrice": "100500", "callbackRate": "1", "quantity": "0.010"}),
]


@asynccontextmanager
async def connected(host):
    class Client(AsyncClient):
        API_URL = f"http://{host}/api"
        FUTURES_URL = f"http://{host}/fapi"
        FUTURES_DATA_URL = f"http://{host}/futures/data"
        WS_FUTURES_URL = f"ws://{host}/ws-fapi/v1"

    client = await Client.create(KEY, SECRET)
    try:
        yield client
    finally:
        await client.close_connection()


def sockets_of(host, client):
    class Sockets(BinanceSocketManager):
        STREAM_URL = FSTREAM_URL = f"ws://{host}/"

    return Sockets(client)


@asynccontextmanager
async def user_stream(host, client):
    """Hear the account's events. The library reads until its next message before it lets go, so it gets one."""
    stream = sockets_of(host, client).futures_user_socket()
    yield await stream.__aenter__()
    leverage = (await client.futures_symbol_config(symbol="ETHUSDT"))[0]["leverage"]
    await asyncio.gather(
        stream.__aexit__(None, None, None), client.futures_change_leverage(symbol="ETHUSDT", leverage=leverage + 1)
    )


@pytest.fixture
async def client(market):
    async with connected(market.host) as made:
        yield made


async def until(socket, wanted):
    """Return the first message that is wanted."""
    async with asyncio.timeout(20):
        while True:
            message = await socket.recv()
            assert message.get("e") != "error", message
            if wanted(message.get("data", message)):
                return message


async def past_errors(socket):
    """Return the first message after the library has told of its broken connection."""
    broken = False
    while True:
        message = await socket.recv()
        if broken and message.get("e") != "error":
            return message
        broken |= message.get("e") == "error"


def order_event(client_id, status):
    return lambda m: m.get("e") == "ORDER_TRADE_UPDATE" and (m["o"]["c"], m["o"]["X"]) == (client_id, status)


def algo_event(status):
    return lambda m: m.get("e") == "ALGO_UPDATE" and m["o"]["X"] == status


async def test_the_market_is_described(client):
    info = await client.futures_exchange_info()
    assert {row["symbol"] for row in info["symbols"]} == {"BTCUSDT", "ETHUSDT"}
    assert abs((await client.futures_time())["serverTime"] - time.time() * 1_000) < 60_000
    book = await client.futures_order_book(**BTC, limit=20)
    assert (book["bids"][0][0], book["asks"][0][0]) == ("100000.00", "100000.10")
    assert (await client.futures_orderbook_ticker(**BTC))["bidPrice"] == "100000.00"
    assert (await client.futures_symbol_ticker(**BTC))["price"] == "100000.00"
    assert (await client.futures_mark_price(**BTC))["markPrice"] == "100000.00000000"
    assert (await client.futures_recent_trades(**BTC))[-1]["price"] == "100000.00"
    assert (await client.futures_aggregate_trades(**BTC))[-1]["p"] == "100000.00"
    assert (await client.futures_ticker(**BTC))["symbol"] == "BTCUSDT"
    assert len(await client.futures_funding_rate(**BTC, limit=3)) == 3
    assert {row["symbol"] for row in await client.futures_v1_get_funding_info()} <= {"BTCUSDT", "ETHUSDT"}
    assert float((await client.futures_open_interest(**BTC))["openInterest"]) >= 0
    rows = await client.futures_klines(**BTC, interval="1m", limit=100)
    assert all(after[0] - before[0] == 60_000 for before, after in itertools.pairwise(rows))
    start, end = rows[0][0], rows[9][0]
    assert await client.futures_historical_klines("BTCUSDT", "1m", start, end) == rows[:10]
    assert len(await client.futures_mark_price_klines(**BTC, interval="1m", limit=5)) == 5
    assert len(await client.futures_index_price_klines(pair="BTCUSDT", interval="1m", limit=5)) == 5
    continuous = await client.futures_continuous_klines(pair="BTCUSDT", contractType="PERPETUAL", interval="1h")
    assert len(continuous) > 24


async def test_the_account_is_set_up(client):
    assert (await client.futures_account_balance())[0]["balance"] == "10000.00000000"
    assert (await client.futures_account())["canTrade"] is True
    assert (await client.futures_change_leverage(**BTC, leverage=25))["leverage"] == 25
    assert (await client.futures_change_margin_type(**BTC, marginType="ISOLATED"))["code"] == 200
    with pytest.raises(BinanceAPIException) as refused:
        await client.futures_change_margin_type(**BTC, marginType="ISOLATED")
    assert refused.value.code == -4046
    config = (await client.futures_symbol_config(**BTC))[0]
    assert (config["leverage"], config["marginType"]) == (25, "ISOLATED")
    await client.futures_change_position_mode(dualSidePosition=True)
    assert (await client.futures_get_position_mode())["dualSidePosition"] is True
    await client.futures_change_position_mode(dualSidePosition=False)
    assert (await client.futures_account_config())["dualSidePosition"] is False
    assert (await client.futures_get_multi_assets_mode())["multiAssetsMargin"] is False
    assert (await client.futures_leverage_bracket(**BTC))[0]["brackets"][0]["initialLeverage"] == 125
    assert (await client.futures_commission_rate(**BTC))["takerCommissionRate"] == "0.000500"


async def test_each_time_in_force_does_what_it_says(market, client):
    async def place(name, side="BUY", **params):
        return await client.futures_create_order(**BTC, side=side, quantity="0.010", newClientOrderId=name, **params)

    async def status(name):
        return (await client.futures_get_order(**BTC, origClientOrderId=name))["status"]

    async with user_stream(market.host, client) as user:
        await place("gtc", type="LIMIT", timeInForce="GTC", price="99000")
        await until(user, order_event("gtc", "NEW"))
        await place("ioc", type="LIMIT", timeInForce="IOC", price="100000.1")
        await until(user, order_event("ioc", "FILLED"))
        await place("nothing", type="LIMIT", timeInForce="IOC", price="99999")
        await until(user, order_event("nothing", "EXPIRED"))
        await place("fok", type="LIMIT", timeInForce="FOK", price="100000.1")
        await until(user, order_event("fok", "FILLED"))
        for kind, price, code in (("FOK", "99999", -5021), ("GTX", "100001", -5022)):
            with pytest.raises(BinanceAPIException) as refused:
                await place("refused", type="LIMIT", timeInForce=kind, price=price)
            assert refused.value.code == code
        await place("gtx", type="LIMIT", timeInForce="GTX", price="99500")
        until_ms = (int(time.time()) + 3_600) * 1_000
        await place("gtd", type="LIMIT", timeInForce="GTD", price="99400", goodTillDate=until_ms)
        assert (await client.futures_get_order(**BTC, origClientOrderId="gtd"))["goodTillDate"] == until_ms
        answer = await place("market", side="SELL", type="MARKET", newOrderRespType="RESULT")
        assert (answer["status"], answer["executedQty"]) == ("FILLED", "0.010")
        assert "avgPrice" not in answer
        await place("reduce", side="SELL", type="MARKET", reduceOnly="true")
        await until(user, order_event("reduce", "FILLED"))
        with pytest.raises(BinanceAPIException) as refused:
            await place("more", side="SELL", type="MARKET", reduceOnly="true")
        assert refused.value.code == -2022
        assert {row["clientOrderId"] for row in await client.futures_get_open_orders(**BTC)} == {"gtc", "gtx", "gtd"}
        await market.move("BTCUSDT", 99_450)
        filled = await until(user, order_event("gtx", "FILLED"))
        assert (filled["o"]["m"], filled["o"]["L"]) == (True, "99500.00")
        assert [await status(name) for name in ("gtc", "gtx", "gtd")] == ["NEW", "FILLED", "NEW"]


async def test_an_order_is_amended_and_its_amendments_are_told(market, client):
    placed = await client.futures_create_order(
        **BTC, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.010", price="99000", newClientOrderId="amended"
    )
    async with user_stream(market.host, client) as user:
        changed = await client.futures_modify_order(
            **BTC, orderId=placed["orderId"], side="BUY", quantity="0.020", price="99100"
        )
        assert (changed["orderId"], changed["price"], changed["origQty"]) == (placed["orderId"], "99100.00", "0.020")
        told = await until(user, lambda m: m.get("e") == "ORDER_TRADE_UPDATE" and m["o"]["x"] == "AMENDMENT")
        assert (told["o"]["p"], told["o"]["q"]) == ("99100.00", "0.020")
    with pytest.raises(BinanceAPIException) as refused:
        await client.futures_modify_order(**BTC, orderId=placed["orderId"], side="BUY", quantity="0.020", price="99100")
    assert refused.value.code == -5027
    history = await client.futures_v1_get_order_amendment(**BTC, orderId=placed["orderId"])
    assert history[0]["amendment"]["price"] == {"before": "99000.00", "after": "99100.00"}


async def test_orders_are_placed_and_cancelled_by_the_batch(market, client):
    def row(name, price):
        return {
            **BTC,
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "GTC",
            "quantity": "0.010",
            "price": price,
            "newClientOrderId": name,
        }

    rows = [row("one", "99000"), row("two", "99000.01"), row("three", "98000"), row("four", "97000")]
    placed = await client.futures_place_batch_order(batchOrders=rows)
    assert [each.get("code") or each["status"] for each in placed] == ["NEW", -4014, "NEW", "NEW"]
    gone = await client.futures_cancel_orders(**BTC, orderidlist=[placed[0]["orderId"], 1])
    assert [each.get("code") or each["status"] for each in gone] == ["CANCELED", -2011]
    gone = await client.futures_cancel_orders(**BTC, origclientorderidlist=["three"])
    assert [each["clientOrderId"] for each in gone] == ["three"]
    assert (await client.futures_cancel_all_open_orders(**BTC))["code"] == 200
    assert await client.futures_get_open_orders() == []
    await client.futures_create_order(**row("five", "99000"))
    await client.futures_countdown_cancel_all(**BTC, countdownTime=1)
    async with user_stream(market.host, client) as user:
        await market.pass_time()
        while await client.futures_get_open_orders():
            await market.pass_time()
        await until(user, order_event("five", "CANCELED"))
    names = [each["clientOrderId"] for each in await client.futures_get_all_orders(**BTC)]
    assert names == ["one", "three", "four", "five"]


async def test_every_conditional_order_is_taken_listed_and_cancelled(client):
    await client.futures_create_order(**BTC, side="BUY", type="MARKET", quantity="0.010")
    for kind, side, params in CONDITIONAL:
        placed = await client.futures_create_order(**BTC, side=side, type=kind, **params)
        assert (placed["orderType"], placed["algoStatus"]) == (kind, "NEW")
    listed = await client.futures_get_open_orders(**BTC, conditional=True)
    assert sorted(row["orderType"] for row in listed) == sorted(kind for kind, _, _ in CONDITIONAL)
    one = listed[0]["algoId"]
    assert (await client.futures_get_order(algoId=one))["algoId"] == one
    assert (await client.futures_cancel_order(algoId=one))["code"] == "200"
    await client.futures_cancel_all_algo_open_orders(**BTC)
    assert await client.futures_get_open_algo_orders() == []
    states = {row["algoStatus"] for row in await client.futures_get_all_algo_orders(**BTC)}
    assert states == {"CANCELED"}


@pytest.mark.parametrize(
    ("kind", "side", "params", "path", "filled"),
    [
        ("STOP", "BUY", {"stopPrice": "101000", "price": "101100", "quantity": "0.010"}, [101_000], "0.020"),
        ("STOP_MARKET", "SELL", {"stopPrice": "99000", "closePosition": "true"}, [98_900], "0.000"),
        ("TAKE_PROFIT", "SELL", {"stopPrice": "101000", "price": "100900", "quantity": "0.010"}, [101_000], "0.000"),
        ("TAKE_PROFIT_MARKET", "SELL", {"stopPrice": "102000", "closePosition": "true"}, [102_000], "0.000"),
        (
            "TRAILING_STOP_MARKET",
            "SELL",
            {"activatePrice": "101000", "callbackRate": "1", "quantity": "0.010", "reduceOnly": "true"},
            [101_000, 102_000, 101_500, 100_900],
            "0.000",
        ),
    ],
)
async def test_a_conditional_order_triggers_and_fills_under_its_own_id(
    market, client, kind, side, params, path, filled
):
    await client.futures_create_order(**BTC, side="BUY", type="MARKET", quantity="0.010")
    async with user_stream(market.host, client) as user:
        placed = await client.futures_create_order(**BTC, side=side, type=kind, **params)
        await until(user, algo_event("NEW"))
        for price in path:
            assert (await client.futures_get_algo_order(algoId=placed["algoId"]))["algoStatus"] == "NEW"
            await market.move("BTCUSDT", price)
        assert (await until(user, algo_event("TRIGGERING")))["o"]["tt"] > 0
        triggered = await until(user, algo_event("TRIGGERED"))
        order = await until(user, order_event(placed["clientAlgoId"], "FILLED"))
        finished = await until(user, algo_event("FINISHED"))
    assert str(order["o"]["i"]) == triggered["o"]["ai"] == finished["o"]["ai"]
    assert (finished["o"]["aq"], order["o"]["ot"]) == ("0.010", kind)
    positions = await client.futures_position_information(**BTC)
    assert (positions[0]["positionAmt"] if positions else "0.000") == filled


async def test_the_books_agree_after_a_round_trip_with_funding(market, client):
    async with user_stream(market.host, client) as user:
        await client.futures_create_order(**BTC, side="BUY", type="MARKET", quantity="0.100")
        await until(user, lambda m: m.get("e") == "ACCOUNT_UPDATE" and m["a"]["P"][0]["pa"] == "0.100")
        held = (await client.futures_position_information(**BTC))[0]
        assert (held["entryPrice"], held["positionAmt"], held["notional"]) == ("100000.1", "0.100", "10000.00000000")
        await market.settle_funding("BTCUSDT")
        paid = await until(user, lambda m: m.get("e") == "ACCOUNT_UPDATE" and m["a"]["m"] == "FUNDING_FEE")
        assert paid["a"]["B"][0]["bc"] == "-1.00000000"
        await market.move("BTCUSDT", 101_000)
        await client.futures_create_order(**BTC, side="SELL", type="MARKET", quantity="0.100", reduceOnly="true")
        flat = await until(
            user, lambda m: m.get("e") == "ACCOUNT_UPDATE" and m["a"]["P"][:1] and m["a"]["P"][0]["pa"] == "0.000"
        )
    fills = await client.futures_account_trades(**BTC)
    assert [fill["realizedPnl"] for fill in fills] == ["0.00000000", "99.99000000"]
    income = {
        row["incomeType"]: row["income"]
        for row in await client.futures_income_history()
        if row["incomeType"] != "COMMISSION"
    }
    assert income == {"TRANSFER": "10000.00000000", "FUNDING_FEE": "-1.00000000", "REALIZED_PNL": "99.99000000"}
    balance = (await client.futures_account_balance())[0]["balance"]
    assert balance == flat["a"]["B"][0]["wb"] == "10088.93999500"
    assert await client.futures_position_information(**BTC) == []


async def test_every_stream_that_it_has_a_method_for_is_heard(running):
    async with connected(running.host) as client:
        sockets = sockets_of(running.host, client)
        heard = {
            "continuous_kline": sockets.kline_futures_socket("BTCUSDT"),
            "aggTrade": sockets.aggtrade_futures_socket("BTCUSDT"),
            "markPriceUpdate": sockets.symbol_mark_price_socket("BTCUSDT"),
            "24hrTicker": sockets.individual_symbol_ticker_futures_socket("BTCUSDT"),
            "depthUpdate": sockets.futures_depth_socket("BTCUSDT"),
            "bookTicker": sockets.symbol_ticker_futures_socket("BTCUSDT"),
            "trade": sockets.futures_multiplex_socket(["btcusdt@trade", "ethusdt@trade"], category="public"),
        }

        async def one(kind, socket):
            async with socket as stream:
                return await until(stream, lambda m: isinstance(m, list) or m.get("e") == kind)

        heard["markPrices"] = sockets.all_mark_price_socket()
        found = dict(zip(heard, await asyncio.gather(*map(one, heard, heard.values())), strict=True))
    assert {row["s"] for row in found["markPrices"]["data"]} == {"BTCUSDT", "ETHUSDT"}
    assert found["continuous_kline"]["k"]["i"] == "1m"
    assert {found[kind]["data"]["s"] for kind in ("aggTrade", "24hrTicker", "depthUpdate", "bookTicker")} == {"BTCUSDT"}


async def test_a_user_stream_that_breaks_is_opened_again(market, client):
    async with user_stream(market.host, client) as user, asyncio.timeout(20):
        await client.futures_change_leverage(**BTC, leverage=9)
        await until(user, lambda m: m.get("e") == "ACCOUNT_CONFIG_UPDATE")
        user.ws.transport.abort()
        heard = asyncio.ensure_future(past_errors(user))
        while not heard.done():  # what happens in the gap is lost, as on Binance
            await client.futures_change_leverage(**BTC, leverage=11)
            await asyncio.wait([heard], timeout=0.1)  # not as fast as it can: the request weight would be used up
        assert heard.result()["ac"] == {"s": "BTCUSDT", "l": 11}
