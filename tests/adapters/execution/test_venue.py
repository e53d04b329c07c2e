"""The Venue port on the real exchange's sockets."""

import asyncio
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from perpmesh.execution.adapters.binance_venue import BinanceVenue
from perpmesh.execution.application.ports import VenueRefused, VenueSilent
from perpmesh.execution.application.submit import Request
from perpmesh.execution.domain.budget import Lane
from perpmesh.execution.domain.exposure import Exposure, Stake
from perpmesh.execution.domain.liquidation import liquidation_price
from perpmesh.execution.domain.remedies import UNREACHABLE, Remedy
from perpmesh.execution.domain.words import OrderStatus, Side
from perpmesh.kernel.errors import Refused
from perpmesh.platform.settings import MeshSettings
from perpmesh.platform.time import SystemClock
from perpmesh.testing.ports import free_port

D = Decimal
BTC = "BTCUSDT"


async def entry(house, client_id: str, *, side: Side = Side.BUY, stamp_ms: int = 0, window_ms: int = 1_000):
    signed = house.venue.sign_entry(
        symbol=BTC, side=side, quantity=D("0.002"), client_id=client_id, window_ms=window_ms,
        timestamp_ms=stamp_ms or house.cases.tools.desk.exchange_now_ms(),
    )  # fmt: skip
    return await house.venue.send_entry(signed)


async def test_an_entry_is_taken_with_the_timestamp_and_window_it_was_signed_with(house):
    report = await entry(house, "pm-e-1")
    assert (report.status, report.executed, report.average) == (OrderStatus.FILLED, D("0.002"), D(0))
    told = await house.venue.order(BTC, client_id="pm-e-1")
    assert told.average > 0


async def test_an_entry_outside_its_window_is_fenced_off_by_the_exchange(house):
    old = house.cases.tools.desk.exchange_now_ms() - 400
    with pytest.raises(VenueRefused) as refused:
        await entry(house, "pm-e-1", stamp_ms=old, window_ms=300)
    assert refused.value.code == -1021
    assert refused.value.remedy is Remedy.RESYNC_CLOCK
    assert await house.venue.positions() == []


async def test_a_stop_closes_the_position_on_the_mark_price_and_a_second_is_refused(house):
    await entry(house, "pm-e-1")
    mark = await house.refresh()
    trigger = (mark * D("0.98")).quantize(D("0.1"))
    placed = {"symbol": BTC, "side": Side.SELL, "kind": "STOP_MARKET", "trigger": trigger}
    stop = await house.venue.place_conditional(**placed, client_id="pm-s-1")
    assert (stop.close_position, stop.stands, stop.trigger_price) == (True, True, trigger)
    with pytest.raises(VenueRefused) as second:
        await house.venue.place_conditional(**placed, client_id="pm-s-2")
    assert second.value.code == -4130
    interim = await house.venue.place_conditional(**placed, client_id="pm-s-3", quantity=D("0.002"))
    assert (interim.close_position, interim.reduce_only) == (False, True)
    await house.venue.cancel_conditional("pm-s-3")
    assert [algo.client_id for algo in await house.venue.open_conditionals(BTC)] == ["pm-s-1"]
    assert (await house.venue.conditional("pm-s-3")).status == "CANCELED"


async def test_the_exchanges_own_countdown_cancels_a_resting_entry_and_leaves_the_stop(house):
    await entry(house, "pm-e-1")
    mark = await house.refresh()
    below = (mark * D("0.98")).quantize(D("0.1"))
    await house.venue.place_conditional(
        symbol=BTC, side=Side.SELL, kind="STOP_MARKET", trigger=below, client_id="pm-s-1"
    )
    await house.venue.client.futures_create_order(
        symbol=BTC, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.002", price=str(below),
        newClientOrderId="pm-e-2",
    )  # fmt: skip
    await house.venue.countdown(BTC, 300)
    assert [order.client_id for order in await house.venue.open_orders(BTC)] == ["pm-e-2"]
    async with asyncio.timeout(10):
        while await house.venue.open_orders(BTC):
            await asyncio.sleep(0.05)
    assert [algo.client_id for algo in await house.venue.open_conditionals(BTC)] == ["pm-s-1"]


async def test_a_reduction_never_turns_a_position(house):
    await entry(house, "pm-e-1")
    await house.venue.reduce(symbol=BTC, side=Side.SELL, quantity=D("0.005"), client_id="pm-x-1")
    assert await house.venue.positions(BTC) == []
    with pytest.raises(VenueRefused) as nothing:
        await house.venue.reduce(symbol=BTC, side=Side.SELL, quantity=D("0.005"), client_id="pm-x-2")
    assert nothing.value.remedy is Remedy.GONE


async def test_what_the_exchange_does_not_know_is_none(house):
    assert await house.venue.order(BTC, client_id="pm-e-never") is None
    assert await house.venue.conditional("pm-s-never") is None


async def test_fills_and_income_tell_the_same_money(house):
    await entry(house, "pm-e-1")
    await house.venue.reduce(symbol=BTC, side=Side.SELL, quantity=D("0.002"), client_id="pm-x-1")
    fills = await house.venue.fills(BTC)
    income = await house.venue.income(BTC, fills[0].time_ms)
    paid = sum(row.amount for row in income if row.kind == "COMMISSION")
    assert paid == -sum(fill.commission for fill in fills)
    assert (await house.venue.account()).wallet == 10_000 + sum(row.amount for row in income)
    assert await house.venue.fills(BTC, from_id=fills[-1].trade_id) == fills[-1:]


async def test_the_account_is_checked_and_prepared(house):
    assert await house.venue.account_trouble() == ""
    await house.venue.client.futures_change_position_mode(dualSidePosition="true")
    assert await house.venue.account_trouble() == "HEDGE_MODE"
    config = await house.venue.client._request_futures_api("get", "symbolConfig", signed=True, data={})
    assert {row["leverage"] for row in config} == {5}


async def test_filters_and_limits_are_read_from_exchange_info(house):
    instrument = (await house.venue.instruments())[BTC]
    assert (instrument.tick, instrument.step, instrument.min_notional) == (D("0.10"), D("0.001"), D(50))
    assert house.venue.budget.limits.weight_per_minute == 2_400


async def test_the_budget_is_learnt_from_the_answers(house):
    await house.venue.account()
    house.venue.budget.limits.weight_per_minute = 5
    assert not house.venue.budget.allows(Lane.QUERY, house.cases.tools.desk.exchange_now_ms(), weight=1)
    with pytest.raises(VenueRefused) as kept:
        await house.venue.account()
    assert kept.value.code == -1003
    await entry(house, "pm-e-1")
    report = await house.venue.reduce(symbol=BTC, side=Side.SELL, quantity=D("0.002"), client_id="pm-x-1")
    assert report.status is OrderStatus.FILLED


async def test_booking_reads_on_where_other_questions_wait(house):
    """Many restarts in a minute use up what questions may use; a closed trade is booked all the same."""
    budget, now = house.venue.budget, house.cases.tools.desk.exchange_now_ms
    budget.heard(now(), weight=int(budget.limits.weight_per_minute * D("0.8")), minute=0, ten_seconds=0)
    with pytest.raises(VenueRefused):
        await house.venue.account_trouble()
    assert await house.venue.fills(BTC) == []
    house.venue._heard_headers(200, {"X-MBX-USED-WEIGHT-1M": "1900"})
    assert await house.venue.income(BTC, 0) is not None


async def test_both_legs_of_a_hedged_account_are_closed_by_their_own_side(house):
    client = house.venue.client
    await client.futures_change_position_mode(dualSidePosition="true")
    for side, leg in (("BUY", "LONG"), ("SELL", "SHORT")):
        await client.futures_create_order(symbol=BTC, side=side, type="MARKET", quantity="0.002", positionSide=leg)
    legs = {held.position_side: held.signed for held in await house.venue.positions(BTC)}
    assert legs == {"LONG": D("0.002"), "SHORT": D("-0.002")}
    done = await house.cases.flatten.flatten(BTC)
    assert [order.status for order in done.orders] == [OrderStatus.FILLED] * 2
    assert await house.venue.positions(BTC) == []


async def test_an_exchange_that_is_not_there_has_done_nothing():
    clock = SystemClock()
    venue = BinanceVenue(MeshSettings(exchange_url=f"http://127.0.0.1:{free_port()}"), clock, clock.now_ms)
    try:
        with pytest.raises(VenueRefused) as away:
            await venue.account()
        assert away.value.code == UNREACHABLE
    finally:
        await venue.close()


async def test_an_exchange_that_falls_silent_may_have_done_anything():
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    clock = SystemClock()
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    venue = BinanceVenue(MeshSettings(exchange_url=url), clock, clock.now_ms)
    try:
        with pytest.raises(VenueSilent):
            await venue.reduce(symbol=BTC, side=Side.SELL, quantity=D("0.002"), client_id="pm-x-1")
    finally:
        await venue.close()
        server.close()


async def test_t6_a_mode_changed_under_us_stops_entries_with_the_first_refusal_and_goes_when_it_is_set_back(house):
    await house.refresh()
    await house.venue.client.futures_change_position_mode(dualSidePosition="true")
    rejected = await house.cases.submit.entry(request("r1"))
    assert rejected.order.error_code == -4061
    with pytest.raises(Refused) as refused:
        await house.cases.submit.entry(request("r2"))
    assert refused.value.metadata["reasons"] == "EXCHANGE_4061"
    await house.cases.upkeep.once()
    assert house.cases.reporter.tradability().blockers == ["HEDGE_MODE"]
    await house.venue.client.futures_change_position_mode(dualSidePosition="false")
    assert await house.venue.account_trouble() == ""


@pytest.mark.parametrize(("switch", "word"), [("multiAssetsMargin", "MULTI_ASSETS_MODE"), ("feeBurn", "BNB_FEE_BURN")])
async def test_modes_that_break_the_books_are_refused_with_the_mode_as_reason(
    house, monkeypatch, switch: str, word: str
):
    ask = house.venue.client._request_futures_api

    async def switched_on(method: str, asked: str, **more: Any) -> Any:  # the simulated exchange has no such mode
        answer = await ask(method, asked, **more)
        return {**answer, switch: True} if isinstance(answer, dict) and switch in answer else answer

    monkeypatch.setattr(house.venue.client, "_request_futures_api", switched_on)
    house.cases.tools.desk.look_at_account()
    await house.cases.upkeep.once()
    await house.refresh()
    with pytest.raises(Refused) as refused:
        await house.cases.submit.entry(request("r1"))
    assert refused.value.reason == word
    assert await house.venue.positions() == []


async def test_a_leverage_set_by_hand_is_set_back(house):
    await house.venue.client.futures_change_leverage(symbol=BTC, leverage=20)
    house.cases.tools.desk.look_at_account()
    await house.cases.upkeep.once()
    assert house.cases.tools.desk.leverages[BTC] == 5
    config = await house.venue.client._request_futures_api("get", "symbolConfig", signed=True, data={})
    assert {row["leverage"] for row in config} == {5}


async def test_the_margin_tiers_are_the_exchanges(house):
    tiers = (await house.venue.brackets())[BTC]
    assert [tier.cap for tier in tiers] == sorted(tier.cap for tier in tiers)
    assert (tiers[0].rate, tiers[0].amount) == (D("0.004"), 0)
    for lower, upper in pairwise(tiers):  # what is asked grows without a jump
        assert lower.cap * lower.rate - lower.amount == lower.cap * upper.rate - upper.amount


async def test_a_position_is_liquidated_where_the_gate_expects_it(house):
    mark = await house.refresh()
    await entry(house, "pm-e-1")
    [held] = await house.venue.positions(BTC)
    account = await house.venue.account()
    exposure = Exposure((Stake(BTC, Side.BUY, held.size, held.size * held.mark, D(0)),))
    found = liquidation_price(
        exposure, BTC, mark=held.mark, equity=account.equity, brackets=house.cases.tools.desk.brackets
    )
    assert found is not None
    assert mark > max(found, D(0)) == held.liquidation == 0  # so little cannot be liquidated


def request(name: str) -> Request:
    return Request(
        request_id=name, symbol=BTC, side=Side.BUY, quantity=D("0.002"), stop_price=D(0), take_profit_price=D(0),
        reason="", traceparent="",
    )  # fmt: skip
