"""What went wrong on the wire elsewhere: the exchange itself, its sockets, and its faults on demand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from perpmesh.execution.adapters.user_stream import UserStream
from perpmesh.execution.application.submit import Request
from perpmesh.execution.domain.words import OrderStatus, Side, TradeStatus
from perpmesh.kernel.errors import Refused
from perpmesh.platform.process import background

D = Decimal
BTC = "BTCUSDT"
ORDER, STOP = "POST /fapi/v1/order", "POST /fapi/v1/algoOrder"


def request(name: str, side: Side = Side.BUY, quantity: str = "0.002") -> Request:
    return Request(
        request_id=name, symbol=BTC, side=side, quantity=D(quantity), stop_price=D(0), take_profit_price=D(0),
        reason="", traceparent="",
    )  # fmt: skip


async def bought(house):
    """Return what became of the fills of every buying order, as the exchange has them: one row an order."""
    fills = await house.venue.fills(BTC)
    return {fill.order_id for fill in fills if fill.side is Side.BUY}


async def stops(house):
    return [algo for algo in await house.venue.open_conditionals(BTC) if algo.stands and algo.close_position]


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [("timeout_accepted", {}), ("server_error_after", {"status": 503}), ("server_error_after", {"status": 502})],
)
async def test_nautilus_4215_an_entry_accepted_and_answered_with_an_error_is_one_position(
    house, faults, kind, parameters
):
    """Also predecessor's incident 6."""
    fault = await faults.add(kind, {"endpoint": ORDER, "count": 1}, **parameters)
    outcome = await house.cases.submit.entry(request("r1"))
    assert await faults.fired(fault) == 1
    assert outcome.trade.status is TradeStatus.PROTECTED
    await house.cases.submit.entry(request("r1"))
    assert len(await bought(house)) == 1
    assert len(await stops(house)) == 1


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("server_error_before", {"status": 503}),
        ("server_error_before", {"status": 502}),
        ("server_error_after", {"status": 503}),
        ("timeout_accepted", {}),
        ("maintenance", {}),
        ("timestamp_refused", {}),
    ],
)
async def test_hummingbot_5801_a_closing_leg_answered_with_an_error_ends_flat(house, faults, kind, parameters):
    await house.cases.submit.entry(request("r1"))
    scope = {"count": 2} if kind == "maintenance" else {"count": 2, "endpoint": ORDER}
    fault = await faults.add(kind, scope, **parameters)
    done = await house.cases.flatten.flatten(BTC)
    assert await faults.fired(fault) >= 1
    assert done.remaining == []
    assert await house.venue.positions(BTC) == []


@pytest.mark.parametrize("kind", ["rate_limit", "ip_ban"])
async def test_t8_in_a_storm_of_429_and_418_nothing_is_asked_and_exits_go(house, faults, kind):
    """Predecessor's incident 39: after the first answer no question goes out any more; the exit does, and its order."""
    await house.cases.submit.entry(request("r1"))
    fault = await faults.add(kind, {"endpoint": "GET *"})
    assert not await house.cases.reconciler.everything()
    for _ in range(3):
        await house.cases.reconciler.everything()
    assert await faults.fired(fault) == 1
    assert "RATE_BUDGET" in house.cases.reporter.tradability().blockers
    with pytest.raises(Refused):
        await house.cases.submit.entry(request("r2"))
    done = await house.cases.flatten.flatten(BTC)
    assert [order.status for order in done.orders] == [OrderStatus.FILLED]
    await faults.remove(fault)
    rows = await house.venue.client.futures_position_information(symbol=BTC)
    assert all(D(row["positionAmt"]) == 0 for row in rows)


@pytest.mark.parametrize("offset_ms", [5_000, -5_000])
async def test_t9_an_exit_goes_out_though_the_exchanges_clock_has_jumped(house, faults, offset_ms):
    """Predecessor's incident 40."""
    await house.cases.submit.entry(request("r1"))
    await faults.add("clock_offset", offset_ms=offset_ms)
    done = await house.cases.flatten.flatten(BTC)
    assert done.remaining == []
    assert await house.venue.positions(BTC) == []


@pytest.mark.parametrize("code", [-2021, -4045, -4120, -4014])
async def test_freqtrade_12598_a_stop_the_exchange_refuses_leaves_no_position(house, faults, code):
    await faults.add("refuse_conditional", code=code)
    outcome = await house.cases.submit.entry(request("r1"))
    assert outcome.trade.status is TradeStatus.CLOSED
    assert await house.venue.positions(BTC) == []


async def test_freqtrade_12598_filters_that_changed_under_us_cost_no_position(house, faults):
    """Predecessor's incident 12: the tick grows, and we hear of it by a refusal."""
    await faults.add("change_filters", {"symbol": BTC}, tick_size="10")
    outcome = await house.cases.submit.entry(request("r1"))
    assert outcome.trade.status is TradeStatus.PROTECTED
    [stop] = await stops(house)
    tick = house.cases.tools.desk.instruments[BTC].tick
    assert (tick, house.cases.tools.desk.instruments[BTC].takes_price(stop.trigger_price)) == (10, True)


async def test_freqtrade_11570_a_liquidation_closes_the_trade_in_the_books(house, faults, settings):
    outcome = await house.cases.submit.entry(request("r1"))
    await faults.add("liquidate", {"account": settings.api_key.get_secret_value()})
    await house.cases.reconciler.everything()
    trade = await house.log.trade(outcome.trade.trade_id)
    assert (trade.status, trade.close_reason) == (TradeStatus.CLOSED, "LIQUIDATION")
    assert await house.venue.open_conditionals(BTC) == []


async def test_ccxt_18028_events_told_five_times_are_one_trade_to_the_cent(house, faults, settings):
    await faults.add("duplicate_events", {"event": "*"}, copies=4)
    async with _listening(house, settings) as heard:
        assert await heard.get() == []
        outcome = await house.cases.submit.entry(request("r1"))
        for _ in range(5):
            for symbol in await heard.get():
                await house.cases.attendant.attend(symbol)
        await house.cases.submit.exit(request("x1", Side.SELL))
        trade = await house.log.trade(outcome.trade.trade_id)
    assert (trade.status, trade.quantity) == (TradeStatus.CLOSED, D("0.002"))
    assert (await house.venue.account()).wallet == 10_000 + trade.net_pnl


async def test_hummingbot_7590_the_user_stream_comes_back_after_its_key_has_expired(house, faults, settings):
    async with _listening(house, settings) as heard:
        assert await heard.get() == []
        await faults.add("expire_listen_key")
        await _hears_again(house, heard)


@pytest.mark.parametrize("code", [0, 1001, 1008])
async def test_nautilus_3861_the_user_stream_comes_back_after_its_connection_was_cut(house, faults, settings, code):
    async with _listening(house, settings) as heard:
        assert await heard.get() == []
        await faults.add("close_connection", {"stream": "user", "count": 1}, **({"code": code} if code else {}))
        await _hears_again(house, heard)


@asynccontextmanager
async def _listening(house, settings) -> AsyncIterator[asyncio.Queue[list[str]]]:
    """The user stream as the process runs it, for ever; what it names comes out of a queue."""
    heard: asyncio.Queue[list[str]] = asyncio.Queue()
    stream = UserStream(settings, house.venue.client, heard.put_nowait, house.venue.may_care)
    async with background(("user-stream", stream.listen)):
        yield heard


async def _hears_again(house, heard) -> None:
    """It opens anew, asks for a look at everything, and names what moves from then on."""
    async with asyncio.timeout(20):
        assert await heard.get() == []
        await house.venue.client.futures_create_order(symbol="ETHUSDT", side="BUY", type="MARKET", quantity="0.02")
        while await heard.get() != ["ETHUSDT"]:
            continue
