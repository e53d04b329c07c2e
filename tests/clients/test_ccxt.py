"""ccxt and ccxt.pro from PyPI trade a whole session; nothing of it is changed but the hosts in its table of addresses."""

import asyncio
import time
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import ccxt.pro as ccxt
import pytest
from tests.clients.market import KEY, SECRET

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"


@asynccontextmanager
async def connected(host):
    made = ccxt.binanceusdm({"apiKey": KEY, "secret": SECRET, "enableRateLimit": False})
    point(made.urls["api"], host)
    try:
        yield made
    finally:
        await made.close()


def point(urls, host):
    """Replace the host of every address in ccxt's table."""
    for name, url in urls.items():
        if isinstance(url, dict):
            point(url, host)
        else:
            urls[name] = f"{'ws' if url.startswith('ws') else 'http'}://{host}{urlsplit(url).path}"


async def listening(market, exchange):
    """Return once the account's events reach the client, who holds a position."""
    told = asyncio.ensure_future(soon(exchange.watch_balance()))
    while not told.done():
        await market.settle_funding("BTCUSDT", "0.000001")
    told.result()


@pytest.fixture
async def exchange(market):
    async with connected(market.host) as made:
        yield made


async def soon(watching):
    return await asyncio.wait_for(watching, 20)


async def watched(watch, wanted):
    """Return the first row that is wanted of what a watch method tells."""
    async with asyncio.timeout(20):
        while True:
            for row in await watch():
                if wanted(row):
                    return row


async def test_the_markets_and_their_prices_are_described(exchange):
    markets = await exchange.load_markets()
    assert set(markets) == {BTC, ETH}
    assert (markets[BTC]["precision"]["price"], markets[BTC]["limits"]["amount"]["min"]) == (0.1, 0.001)
    assert abs(await exchange.fetch_time() - time.time() * 1_000) < 60_000
    assert (await exchange.fetch_ticker(BTC))["symbol"] == BTC
    assert set(await exchange.fetch_tickers()) == {BTC, ETH}
    assert (await exchange.fetch_bids_asks([BTC]))[BTC]["bid"] == 100_000
    assert (await exchange.fetch_last_prices())[BTC]["price"] == 100_000
    assert (await exchange.fetch_mark_price(BTC))["markPrice"] == 100_000
    book = await exchange.fetch_order_book(BTC, 20)
    assert (book["bids"][0], book["asks"][0]) == ([100_000, 10], [100_000.1, 10])
    candles = await exchange.fetch_ohlcv(BTC, "1m", limit=100)
    assert candles[-1][0] - candles[0][0] == 99 * 60_000
    assert (await exchange.fetch_mark_ohlcv(BTC, "1m", limit=5))[-1][0] == candles[-1][0]
    assert (await exchange.fetch_trades(BTC))[-1]["price"] == 100_000
    assert (await exchange.fetch_funding_rate(BTC))["fundingRate"] == 0.0001
    assert set(await exchange.fetch_funding_rates()) == {BTC, ETH}
    assert len(await exchange.fetch_funding_rate_history(BTC, limit=3)) == 3
    assert (await exchange.fetch_open_interest(BTC))["symbol"] == BTC
    assert (await exchange.fetch_leverage_tiers([BTC]))[BTC][0]["maxLeverage"] == 125
    assert (await exchange.fetch_status())["status"] == "ok"


async def test_the_account_is_set_up(exchange):
    balance = (await exchange.fetch_balance())["USDT"]
    assert (balance["free"], balance["used"], balance["total"]) == (10_000, 0, 10_000)
    assert int((await exchange.set_leverage(25, BTC))["leverage"]) == 25
    await exchange.set_margin_mode("isolated", BTC)
    await exchange.set_margin_mode("isolated", BTC)  # refused with -4046, which the library takes for done
    assert (await exchange.fetch_leverage(BTC))["longLeverage"] == 25
    assert (await exchange.fetch_margin_mode(BTC))["marginMode"] == "isolated"
    await exchange.set_position_mode(True)
    assert (await exchange.fetch_position_mode(BTC))["hedged"] is True
    await exchange.set_position_mode(False)
    assert (await exchange.fetch_trading_fee(BTC))["taker"] == 0.0005
    assert set(await exchange.fetch_trading_fees()) == {BTC, ETH}


async def test_each_time_in_force_does_what_it_says(market, exchange):
    async def place(name, price, **params):
        return await exchange.create_order(BTC, "limit", "buy", 0.01, price, {"clientOrderId": name, **params})

    assert (await place("gtc", 99_000))["status"] == "open"
    assert (await place("ioc", 100_000.1, timeInForce="IOC"))["status"] == "closed"
    assert (await place("nothing", 99_999, timeInForce="IOC"))["status"] == "expired"
    assert (await place("fok", 100_000.1, timeInForce="FOK"))["filled"] == 0.01
    with pytest.raises(ccxt.ExchangeError, match="-5022"):
        await place("refused", 100_001, postOnly=True)
    with pytest.raises(ccxt.ExchangeError, match="-5021"):
        await place("refused", 99_999, timeInForce="FOK")
    made = await place("gtx", 99_500, postOnly=True)
    await place("gtd", 99_400, timeInForce="GTD", goodTillDate=(int(time.time()) + 3_600) * 1_000)
    sold = await exchange.create_order(BTC, "market", "sell", 0.02, params={"reduceOnly": True})
    assert (sold["status"], sold["filled"], sold["reduceOnly"]) == ("closed", 0.02, True)
    with pytest.raises(ccxt.ExchangeError, match="-2022"):
        await exchange.create_order(BTC, "market", "sell", 0.02, params={"reduceOnly": True})
    assert {row["clientOrderId"] for row in await exchange.fetch_open_orders(BTC)} == {"gtc", "gtx", "gtd"}
    await market.move("BTCUSDT", 99_450)
    filled = await exchange.fetch_order(made["id"], BTC)
    assert (filled["status"], filled["average"], filled["postOnly"]) == ("closed", 99_500, True)
    assert made["id"] in [row["id"] for row in await exchange.fetch_closed_orders(BTC)]


async def test_orders_are_batched_amended_and_cancelled(market, exchange):
    rows = [
        {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.01, "price": price}
        for price in (99_000, 98_000, 97_000)
    ]
    placed = await exchange.create_orders(rows)
    assert [each["status"] for each in placed] == ["open"] * 3
    edited = await exchange.edit_order(placed[2]["id"], BTC, "limit", "buy", 0.02, 97_100)
    assert (edited["id"], edited["price"], edited["amount"]) == (placed[2]["id"], 97_100, 0.02)
    gone = await exchange.cancel_orders([placed[0]["id"]], BTC)
    assert [each["status"] for each in gone] == ["canceled"]
    assert (await exchange.cancel_order(placed[1]["id"], BTC))["status"] == "canceled"
    with pytest.raises(ccxt.OrderNotFound):
        await exchange.cancel_order(placed[1]["id"], BTC)
    await exchange.cancel_all_orders(BTC)
    assert await exchange.fetch_open_orders(BTC) == []
    assert len(await exchange.fetch_canceled_orders(BTC)) == 3
    await exchange.create_order(BTC, "limit", "buy", 0.01, 99_000)
    await exchange.fapiPrivatePostCountdownCancelAll({"symbol": "BTCUSDT", "countdownTime": 1})
    async with asyncio.timeout(20):
        while await exchange.fetch_open_orders(BTC):
            await market.pass_time()
    with pytest.raises(ccxt.ExchangeError, match="-2019"):  # the class of an error goes by the host in ccxt
        await exchange.create_order(BTC, "limit", "buy", 50, 99_000)


@pytest.mark.parametrize(
    ("kind", "side", "price", "params", "path", "left"),
    [
        ("limit", "buy", 101_100, {"triggerPrice": 101_000}, [101_000], 0.02),
        ("market", "sell", None, {"stopLossPrice": 99_000, "reduceOnly": True}, [98_900], 0),
        ("limit", "sell", 100_900, {"takeProfitPrice": 101_000}, [101_000], 0),
        ("market", "sell", None, {"takeProfitPrice": 102_000, "closePosition": True}, [102_000], 0),
        (
            "market",
            "sell",
            None,
            {"trailingPercent": 1, "trailingTriggerPrice": 101_000, "reduceOnly": True},
            [101_000, 102_000, 101_500, 100_900],
            0,
        ),
    ],
)
async def test_a_conditional_order_triggers_and_fills(market, exchange, kind, side, price, params, path, left):
    trigger = {"trigger": True}
    await exchange.create_order(BTC, "market", "buy", 0.01)
    placed = await exchange.create_order(BTC, kind, side, 0.01, price, params)
    spare = await exchange.create_order(BTC, "market", "sell", 0.01, None, {"stopLossPrice": 90_000})
    listed = await exchange.fetch_open_orders(BTC, params=trigger)
    assert {row["id"] for row in listed} == {placed["id"], spare["id"]}
    await exchange.cancel_order(spare["id"], BTC, trigger)

    def mine(order):
        return order["clientOrderId"] == placed["clientOrderId"] and order["filled"]

    orders = asyncio.ensure_future(watched(exchange.watch_orders, mine))
    await listening(market, exchange)
    for at in path:
        assert len(await exchange.fetch_open_orders(BTC, params=trigger)) == 1
        await market.move("BTCUSDT", at)
    filled = await orders
    assert (filled["status"], filled["filled"], filled["symbol"]) == ("closed", 0.01, BTC)
    assert await exchange.fetch_open_orders(BTC, params=trigger) == []
    assert sum(row["contracts"] for row in await exchange.fetch_positions([BTC])) == left
    await exchange.cancel_all_orders(BTC, trigger)


async def test_the_books_agree_after_a_round_trip_with_funding(market, exchange):
    bought = await exchange.create_order(BTC, "market", "buy", 0.1)
    held = (await exchange.fetch_positions([BTC]))[0]
    assert (held["side"], held["contracts"], held["entryPrice"], held["notional"]) == ("long", 0.1, 100_000.1, 10_000)
    await market.settle_funding("BTCUSDT")
    await market.move("BTCUSDT", 101_000)
    await exchange.create_order(BTC, "market", "sell", 0.1, None, {"reduceOnly": True})
    trades = await exchange.fetch_my_trades(BTC)
    assert [(row["side"], row["price"], row["fee"]["cost"]) for row in trades] == [
        ("buy", 100_000.1, 5.000005),
        ("sell", 101_000, 5.05),
    ]
    assert trades[0]["order"] == bought["id"]
    assert [row["amount"] for row in await exchange.fetch_funding_history(BTC)] == [-1]
    ledger = await exchange.fetch_ledger("USDT")
    signed = sum(row["amount"] if row["direction"] == "in" else -row["amount"] for row in ledger)
    assert (await exchange.fetch_balance())["USDT"]["total"] == pytest.approx(signed) == pytest.approx(10_088.939995)
    assert await exchange.fetch_positions() == []


async def test_the_account_is_watched(market, exchange):
    def start(*watching):
        return [asyncio.ensure_future(soon(each)) for each in watching]

    orders, balance = start(exchange.watch_orders(), exchange.watch_balance())
    trades, positions = start(exchange.watch_my_trades(), exchange.watch_positions())
    placed = set()
    async with asyncio.timeout(20):
        while not all(each.done() for each in (orders, balance, trades, positions)):
            made = await exchange.create_order(BTC, "market", "buy", 0.001)
            placed.add(made["id"])
    assert {row["id"] for row in orders.result()} <= placed
    assert {row["order"] for row in trades.result()} <= placed
    assert positions.result()[0]["side"] == "long"
    assert balance.result()["USDT"]["total"] < 10_000


async def test_margin_is_added_to_an_isolated_position_and_taken_back(exchange):
    await exchange.set_margin_mode("isolated", BTC)
    await exchange.create_order(BTC, "market", "buy", 0.01)
    before = (await exchange.fetch_positions([BTC]))[0]["collateral"]
    assert (await exchange.add_margin(BTC, 100))["status"] == "ok"
    assert (await exchange.fetch_positions([BTC]))[0]["collateral"] == pytest.approx(before + 100)
    await exchange.reduce_margin(BTC, 50)
    changes = await exchange.fetch_margin_adjustment_history(BTC)
    assert [(row["type"], row["amount"]) for row in changes] == [("add", 100), ("reduce", 50)]


async def test_orders_are_placed_over_its_socket(exchange):
    placed = await soon(exchange.create_order_ws(BTC, "limit", "buy", 0.01, 99_000))
    edited = await soon(exchange.edit_order_ws(placed["id"], BTC, "limit", "buy", 0.02, 99_100))
    assert (edited["id"], edited["amount"]) == (placed["id"], 0.02)
    assert (await soon(exchange.cancel_order_ws(placed["id"], BTC)))["status"] == "canceled"
    assert (await soon(exchange.fetch_balance_ws()))["USDT"]["total"] == 10_000
    await exchange.create_order(BTC, "market", "buy", 0.01)
    assert (await soon(exchange.fetch_positions_ws()))[0]["contracts"] == 0.01


async def test_every_market_stream_is_watched(running):
    async with connected(running.host) as exchange:
        await exchange.load_markets()
        watching = {
            "book": exchange.watch_order_book(BTC),
            "ticker": exchange.watch_ticker(BTC),
            "tickers": exchange.watch_tickers([BTC, ETH]),
            "candles": exchange.watch_ohlcv(BTC, "1m"),
            "trades": exchange.watch_trades(BTC),
            "bids_asks": exchange.watch_bids_asks([BTC]),
            "mark": exchange.watch_mark_price(BTC),
        }
        heard = dict(zip(watching, await soon(asyncio.gather(*watching.values())), strict=True))
        assert heard["book"]["bids"][0][0] < heard["book"]["asks"][0][0]
        assert heard["ticker"]["symbol"] == heard["mark"]["symbol"] == heard["trades"][0]["symbol"] == BTC
        assert len(heard["candles"][0]) == 6
        assert heard["bids_asks"][BTC]["bid"] < heard["bids_asks"][BTC]["ask"]


async def test_its_local_book_is_the_venues(market, exchange):
    await soon(exchange.watch_order_book(BTC))
    for price in (100_200, 99_700, 100_500):
        await market.move("BTCUSDT", price)
        async with asyncio.timeout(20):
            while (book := await exchange.watch_order_book(BTC))["bids"][0][0] != price:
                pass
    theirs = await exchange.fetch_order_book(BTC, 1_000)
    assert (len(theirs["bids"]), len(theirs["asks"])) == (20, 20)
    assert ([*map(list, book["bids"])], [*map(list, book["asks"])]) == (theirs["bids"], theirs["asks"])


async def test_a_socket_that_breaks_is_opened_again(running):
    async with connected(running.host) as exchange:
        await soon(exchange.watch_trades(BTC))
        for each in exchange.clients.values():
            each.connection._conn.transport.abort()
        with pytest.raises(ccxt.NetworkError):
            await watched(lambda: exchange.watch_trades(BTC), lambda _: False)
        assert (await soon(exchange.watch_trades(BTC)))[0]["symbol"] == BTC
