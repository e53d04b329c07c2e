"""Histories and derived figures agree with each other and with what happened."""

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.adapters.exchange_sim.laboratory import laboratory
from tests.adapters.exchange_sim.life import BTC, ETH, lived_in, ok

from perpmesh.exchange.words import OrderStatus
from perpmesh.exchange_sim.adapters.rest_orders import is_forgotten

DAY = 86_400_000


@pytest.fixture
async def lab(monkeypatch):
    async with laboratory(monkeypatch) as made:
        yield made


async def test_an_account_can_read_its_whole_life(lab):
    known = await lived_in(lab)
    forced = await ok(lab.rest.signed("GET", "/fapi/v1/forceOrders", autoCloseType="LIQUIDATION"))
    assert [(row["symbol"], row["side"], row["status"]) for row in forced] == [(ETH, "SELL", "FILLED")]
    assert forced[0]["clientOrderId"].startswith("autoclose-")
    assert await ok(lab.rest.signed("GET", "/fapi/v1/forceOrders", autoCloseType="ADL")) == []
    assert await ok(lab.rest.signed("GET", "/fapi/v1/forceOrders", symbol=BTC)) == []
    moves = await ok(lab.rest.signed("GET", "/fapi/v1/positionMargin/history", symbol=ETH, type=1))
    assert [(row["amount"], row["type"]) for row in moves] == [("5.00000000", 1)]
    assert await ok(lab.rest.signed("GET", "/fapi/v1/positionMargin/history", symbol=ETH, type=2)) == []
    changes = await ok(lab.rest.signed("GET", "/fapi/v1/orderAmendment", symbol=BTC, orderId=known["orderId"]))
    assert changes[0]["amendment"]["origQty"] == {"before": "0.010", "after": "0.009"}
    assert (changes[0]["amendment"]["count"], changes[0]["amendment"]["modifyId"]) == (1, 7)


async def test_orders_are_listed_by_span_by_number_and_from_the_newest(lab):
    await lived_in(lab)
    orders = await ok(lab.rest.signed("GET", "/fapi/v1/allOrders"))
    ids = [row["orderId"] for row in orders]
    assert ids == sorted(ids)
    newest = await ok(lab.rest.signed("GET", "/fapi/v1/allOrders", limit=2))
    assert [row["orderId"] for row in newest] == ids[-2:]
    oldest = await ok(lab.rest.signed("GET", "/fapi/v1/allOrders", limit=2, startTime=orders[0]["time"]))
    assert [row["orderId"] for row in oldest] == ids[:2]
    later = await ok(lab.rest.signed("GET", "/fapi/v1/allOrders", orderId=ids[2]))
    assert [row["orderId"] for row in later] == ids[2:]
    btc = await ok(lab.rest.signed("GET", "/fapi/v1/allOrders", symbol=BTC))
    assert {row["symbol"] for row in btc} == {BTC}


async def test_an_order_is_forgotten_three_days_after_it_ended_empty_and_ninety_after_it_was_placed(lab):
    known = await lived_in(lab)
    order = lab.venue.engine.order(lab.account, BTC, order_id=known["orderId"])
    empty = replace(order, status=OrderStatus.CANCELED)
    partly = replace(empty, executed=Decimal("0.001"))
    for each, days in ((order, 90), (empty, 3), (partly, 90)):
        assert not is_forgotten(each, each.time + days * DAY)
        assert is_forgotten(each, each.time + days * DAY + 1)


async def test_statistics_are_those_of_the_candles(lab):
    candles = await ok(lab.rest.public("/fapi/v1/klines", symbol=BTC, interval="1h", limit=6))
    takers = await ok(lab.rest.public("/futures/data/takerlongshortRatio", symbol=BTC, period="1h", limit=5))
    assert [row["timestamp"] for row in takers] == [candle[6] + 1 for candle in candles[:-1]]
    for row, candle in zip(takers, candles, strict=False):
        assert Decimal(row["buyVol"]) + Decimal(row["sellVol"]) == Decimal(candle[5])
        assert row["buyVol"] == candle[9]
    basis = await ok(lab.rest.public("/futures/data/basis", pair=BTC, contractType="PERPETUAL", period="1h", limit=5))
    index = await ok(lab.rest.public("/fapi/v1/indexPriceKlines", pair=BTC, interval="1h", limit=6))
    for row, candle, reference in zip(basis, candles, index, strict=False):
        assert (row["futuresPrice"], row["indexPrice"]) == (candle[4], reference[4])


async def test_the_newest_candles_end_at_the_present_prices(lab):
    now = await ok(lab.rest.public("/fapi/v1/premiumIndex", symbol=BTC))
    mark, index, premium = [
        (await ok(lab.rest.public(f"/fapi/v1/{name}Klines", interval="1h", limit=1, **named)))[0]
        for name, named in (
            ("markPrice", {"symbol": BTC}),
            ("indexPrice", {"pair": BTC}),
            ("premiumIndex", {"symbol": BTC}),
        )
    ]
    assert float(mark[4]) == pytest.approx(float(now["markPrice"]), rel=2e-3)
    assert float(index[4]) == pytest.approx(float(now["indexPrice"]), rel=2e-3)
    assert float(premium[4]) == pytest.approx(float(now["markPrice"]) / float(now["indexPrice"]) - 1, abs=1e-5)


async def test_open_interest_grows_by_what_an_account_holds(lab):
    before = await ok(lab.rest.public("/fapi/v1/openInterest", symbol=BTC))
    history = await ok(lab.rest.public("/futures/data/openInterestHist", symbol=BTC, period="5m", limit=1))
    assert float(before["openInterest"]) == pytest.approx(float(history[0]["sumOpenInterest"]), rel=0.05)
    await ok(lab.rest.signed("POST", "/fapi/v1/order", symbol=BTC, side="BUY", type="MARKET", quantity="0.010"))
    after = await ok(lab.rest.public("/fapi/v1/openInterest", symbol=BTC))
    assert Decimal(after["openInterest"]) - Decimal(before["openInterest"]) == Decimal("0.010")


async def test_old_trades_are_read_on_from_an_id(lab):
    for _ in range(5):
        await ok(lab.rest.signed("POST", "/fapi/v1/order", symbol=BTC, side="BUY", type="MARKET", quantity="0.010"))
    tape = await ok(lab.rest.public("/fapi/v1/trades", symbol=BTC, limit=5))
    older = await ok(lab.rest.signed("GET", "/fapi/v1/historicalTrades", symbol=BTC, fromId=tape[1]["id"], limit=3))
    assert older == tape[1:4]
