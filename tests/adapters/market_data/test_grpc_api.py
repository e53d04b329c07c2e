"""MarketDataService as its callers meet it."""

import asyncio

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from tests.unit.market_data.kit import BTC, ETH, START, MemoryJournal, ToyVenue, minute
from tests.unit.market_data.test_prices import book, mark

from perpmesh.kernel.time import ManualClock
from perpmesh.market_data.adapters import grpc_api
from perpmesh.market_data.application.candles import Candles
from perpmesh.market_data.application.prices import Prices
from perpmesh.platform import grpc_client, grpc_server
from perpmesh.testing.ports import free_port
from perpmesh_api.market_data.v1 import market_data_service_pb2 as pb
from perpmesh_api.market_data.v1 import market_data_service_pb2_grpc as rpc


@pytest.fixture
async def world():
    """A served market of 4,000 minutes: (stub, prices, candles, clock)."""
    clock, venue = ManualClock(), ToyVenue(4_000, symbols=(BTC, ETH))
    prices = Prices([BTC, ETH], clock, lambda: 2_000)
    candles = Candles([BTC, ETH], venue, MemoryJournal(), prices.spread_fraction)
    await candles.catch_up()
    for message in (book("100.5"), mark("101"), minute(4_000, closed=False)):
        prices.receive(message)
    await candles.receive(minute(4_000, closed=False))
    address = f"127.0.0.1:{free_port()}"
    async with grpc_server.serving("market_data", address) as serving:
        grpc_api.register(serving.server, prices, candles)
        await serving.start([grpc_api.SERVICE])
        async with grpc_client.channel(address) as channel:
            yield rpc.MarketDataServiceStub(channel), prices, candles, clock


async def refusal(call):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    status = rpc_status.from_call(caught.value)
    info = error_details_pb2.ErrorInfo()
    for detail in status.details:
        if detail.Is(info.DESCRIPTOR):
            detail.Unpack(info)
    return caught.value.code(), info.reason


async def test_a_price_has_every_field(world):
    stub, _, _, clock = world
    price = (await stub.GetPrice(pb.GetPriceRequest(symbol=BTC))).price
    assert (price.bid_price, price.ask_price, price.mark_price, price.index_price) == ("100.5", "101.5", "101", "101")
    assert (price.funding_rate, price.next_funding_time_ms) == ("0.0001", 9)
    assert price.received_at_ms == clock.now_ms()
    assert price.last_price
    assert not price.stale
    clock.advance(2_001)
    assert (await stub.GetPrice(pb.GetPriceRequest(symbol=BTC))).price.stale


async def test_unknown_symbols_are_not_found_by_any_call(world):
    stub = world[0]
    for call in (
        stub.GetPrice(pb.GetPriceRequest(symbol="DOGEUSDT")),
        stub.ListCandles(pb.ListCandlesRequest(symbol="DOGEUSDT")),
        stub.GetConditions(pb.GetConditionsRequest(symbol="DOGEUSDT")),
        stub.WatchPrices(pb.WatchPricesRequest(symbols=["DOGEUSDT"])).read(),
        stub.WatchCandles(pb.WatchCandlesRequest(symbols=["DOGEUSDT"])).read(),
    ):
        assert await refusal(call) == (grpc.StatusCode.NOT_FOUND, "UNKNOWN_SYMBOL")


async def test_a_price_that_has_not_come_is_unavailable(world):
    assert (await refusal(world[0].GetPrice(pb.GetPriceRequest(symbol=ETH))))[0] is grpc.StatusCode.UNAVAILABLE


async def test_candles_are_quarters_unless_asked_otherwise_and_the_open_one_comes_last(world):
    stub = world[0]
    found = (await stub.ListCandles(pb.ListCandlesRequest(symbol=BTC))).candles
    assert len(found) == 4_000 // 15
    assert {each.interval for each in found} == {"15m"}
    assert all(each.closed for each in found)
    request = pb.ListCandlesRequest(symbol=BTC, interval="1m", limit=3, include_open=True)
    found = (await stub.ListCandles(request)).candles
    assert [(each.open_time_ms - START) // 60_000 for each in found] == [3_997, 3_998, 3_999, 4_000]
    assert [each.closed for each in found] == [True, True, True, False]
    assert found[0].close_time_ms == found[1].open_time_ms - 1


async def test_conditions_carry_labels_and_finite_measures(world):
    found = (await world[0].GetConditions(pb.GetConditionsRequest(symbol=BTC))).conditions
    assert found.trend in {"TREND_UP", "TREND_DOWN", "RANGE"}
    assert found.volatility in {"LOW", "NORMAL", "HIGH", "EXTREME"}
    assert found.adx > 0
    assert found.atr_fraction > 0
    assert found.market_time_ms == START + 4_000 // 15 * 900_000


async def test_a_watcher_of_candles_gets_history_and_then_what_closes(world):
    stub, _, candles, _ = world
    call = stub.WatchCandles(pb.WatchCandlesRequest(symbols=[BTC], intervals=["1m"], history=2))
    async with asyncio.timeout(10):
        first = [(await call.read()).candle for _ in range(2)]
        await candles.receive(minute(4_000))
        last = (await call.read()).candle
    assert [(each.open_time_ms - START) // 60_000 for each in [*first, last]] == [3_998, 3_999, 4_000]
    call.cancel()


async def test_a_watcher_of_prices_gets_the_newest_now_and_when_it_changes(world):
    stub, prices, _, _ = world
    call = stub.WatchPrices(pb.WatchPricesRequest())
    async with asyncio.timeout(10):
        assert (await call.read()).price.bid_price == "100.5"
        for bid in range(200, 300):
            prices.receive(book(bid))
        assert (await call.read()).price.bid_price == "299"
    call.cancel()
