"""SafeOrderExecutor: every answer of the exchange, and every way to have none, asks for one thing; and it is done."""

import json
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import aiohttp
import pytest
from binance.exceptions import BinanceRequestException

from perpmesh.exchange_sim.domain.refusals import TEXTS
from perpmesh.execution.adapters import binance_venue
from perpmesh.execution.domain import remedies
from perpmesh.execution.domain.remedies import FAULTS, REASONS, REMEDIES, Fault, Remedy, pause_seconds, remedy_of
from perpmesh.execution.domain.words import OrderStatus, TradeStatus
from perpmesh.kernel.errors import Refused

from .bench import BTC, ETH, Bench

D = Decimal
R = Remedy
HERE = Path(__file__).parent
LISTED = {
    int(code)
    for line in (HERE / "exchange_codes.txt").read_text().splitlines()
    if not line.startswith("#")
    for code in line.split()
}
SPECIFIED = {
    int(code) for code in json.loads((HERE.parents[1] / "adapters/exchange_sim/spec/error_codes.json").read_text())
}

# What the predecessor met (its report, section 12), and what each of these must be taken for.
MET = {
    -1000: R.QUERY, -1001: R.QUERY, -1003: R.RETRY, -1007: R.QUERY, -1015: R.RETRY, -1021: R.RESYNC_CLOCK,
    -1102: R.REFUSED, -1106: R.REFUSED, -1117: R.REFUSED, -1111: R.REFRESH_FILTERS, -4014: R.REFRESH_FILTERS,
    -2010: R.COOL_OFF, -2018: R.COOL_OFF, -2019: R.COOL_OFF, -2011: R.GONE, -2013: R.GONE, -2015: R.STOP_ENTERING,
    -2021: R.FLATTEN, -2022: R.GONE, -2027: R.COOL_OFF, -4005: R.REFRESH_FILTERS, -4028: R.STOP_ENTERING,
    -4045: R.FLATTEN, -4061: R.STOP_ENTERING, -4120: R.STOP_ENTERING, -4131: R.RETRY, -4164: R.REFRESH_FILTERS,
}  # fmt: skip


# The table.


@pytest.mark.parametrize("codes", [LISTED, SPECIFIED, set(TEXTS), set(MET)], ids=["listed", "spec", "exchange", "met"])
def test_every_code_has_a_row_and_a_reason(codes: set[int]):
    assert len(codes) > 20
    assert codes - set(REMEDIES) == set()
    assert codes - set(REASONS) == set()


def test_no_code_stands_in_two_rows():
    every = Counter(code for _, _, codes in remedies._ROWS for code in codes)
    assert [code for code, rows in every.items() if rows > 1] == []


@pytest.mark.parametrize(("code", "remedy"), MET.items())
def test_what_the_predecessor_met_is_taken_for_what_it_is(code: int, remedy: Remedy):
    assert remedy_of(code) is remedy


def test_nothing_whose_outcome_is_unknown_is_called_not_done():
    assert {code for code, remedy in REMEDIES.items() if remedy is R.QUERY} == {
        -1000, -1001, -1006, -1007, -1010, -4116,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(status, R.QUERY) for status in (408, 500, 502, 503, 504, 520)]
    + [(status, R.RETRY) for status in (403, 418, 429)]
    + [(400, R.REFUSED), (404, R.REFUSED)],
)
def test_a_code_nobody_knows_is_judged_by_its_status(status: int, remedy: Remedy):
    assert remedy_of(-99_999, status) is remedy


def test_every_transport_fault_has_a_row_and_only_a_missing_connection_means_that_nothing_was_done():
    assert set(FAULTS) == set(Fault)
    assert [fault for fault, remedy in FAULTS.items() if remedy is not R.QUERY] == [Fault.NO_CONNECTION]
    assert {fault for _, fault in binance_venue.TRANSPORT_FAULTS} == set(Fault)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (aiohttp.ServerTimeoutError(), Fault.TIMEOUT),
        (TimeoutError(), Fault.TIMEOUT),
        (aiohttp.ServerDisconnectedError(), Fault.CUT_OFF),
        (aiohttp.ClientPayloadError(), Fault.CUT_OFF),
        (ConnectionResetError(), Fault.CUT_OFF),
        (BinanceRequestException("not JSON"), Fault.UNREADABLE),
        (aiohttp.ClientConnectorError(None, OSError()), Fault.NO_CONNECTION),  # type: ignore[arg-type]
    ],
)
async def test_what_the_line_does_is_one_of_these_faults(error: Exception, fault: Fault):
    async def asked() -> None:
        raise error

    with pytest.raises(binance_venue.VenueRefused if fault is Fault.NO_CONNECTION else binance_venue.VenueSilent) as it:
        await binance_venue._told(asked())
    assert (fault is Fault.NO_CONNECTION) or str(it.value).startswith(fault.value)


def test_pauses_double_up_to_a_bound():
    assert [pause_seconds(tries) for tries in (1, 2, 3, 4, 5, 6, 50)] == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


# It is done.


@pytest.mark.parametrize("code", [code for code, remedy in REMEDIES.items() if remedy is not R.QUERY])
async def test_an_entry_that_was_refused_is_never_sent_again(bench: Bench, code: int):
    bench.venue.fault("send_entry", code)
    outcome = await bench.buy()
    assert outcome.order.status is OrderStatus.REJECTED
    assert (bench.venue.asked["send_entry"], bench.amount()) == (1, 0)


@pytest.mark.parametrize("code", REMEDIES)
async def test_t4_whatever_a_stop_is_answered_the_position_ends_protected_or_flat(bench: Bench, code: int):
    bench.venue.fault("place_conditional", code)
    began = bench.clock.boot_ms()
    await bench.buy()
    await bench.cases.reconciler.everything()
    assert bench.covered() or bench.amount() == 0
    assert bench.clock.boot_ms() - began < 5_000
    passing = REMEDIES[code] in remedies.PASSING or code == -4130
    assert (bench.amount() != 0) is passing  # what another try can cure costs no position


@pytest.mark.parametrize("code", REMEDIES)
async def test_whatever_an_exit_is_answered_it_is_sent_again_until_flat(bench: Bench, code: int):
    await bench.buy()
    bench.venue.fault("reduce", code, code)
    await bench.cases.flatten.flatten()
    assert bench.amount() == 0


@pytest.mark.parametrize("code", [-2019, -2027])
async def test_no_margin_rests_the_symbol_and_no_other(bench: Bench, code: int):
    bench.venue.fault("send_entry", code)
    await bench.buy("r1")
    with pytest.raises(Refused) as refused:
        await bench.buy("r2")
    assert refused.value.reason == "COOLING_OFF"
    await bench.buy("r3", "0.1", symbol=ETH)
    assert bench.amount(ETH) == D("0.1")
    bench.clock.advance(30_000)
    bench.lend()
    await bench.cases.reconciler.everything()
    await bench.buy("r4")
    assert bench.amount() == D("0.01")


async def test_what_a_look_at_the_account_cannot_explain_stops_entries_for_a_minute(bench: Bench):
    bench.venue.fault("send_entry", -4400)
    await bench.buy("r1")
    await bench.cases.upkeep.once()
    bench.lend()
    with pytest.raises(Refused) as refused:
        await bench.buy("r2", "0.1", symbol=ETH)
    assert refused.value.reason == "EXCHANGE_4400"
    bench.clock.advance(60_000)
    await bench.cases.upkeep.once()
    await bench.cases.reconciler.everything()
    bench.lend()
    await bench.buy("r3", "0.1", symbol=ETH)
    assert bench.amount(ETH) == D("0.1")


async def test_a_key_refused_on_a_question_stops_entries_too(bench: Bench):
    bench.venue.fault("positions", -2015)
    await bench.cases.reconciler.everything()
    assert "EXCHANGE_2015" in bench.cases.reporter.tradability().blockers


async def test_leverage_that_the_exchange_refuses_keeps_entries_out(bench: Bench):
    async def refuse(symbol: str, leverage: int) -> None:
        raise binance_venue.VenueRefused(-4028, "Leverage 5 is not valid")

    fresh = Bench()
    fresh.venue.prepare_symbol = refuse  # type: ignore[method-assign]
    await fresh.start()
    with pytest.raises(Refused) as refused:
        await fresh.buy()
    assert refused.value.reason == "EXCHANGE_4028"


@pytest.mark.parametrize("skew_ms", [5_000, -5_000])
async def test_t9_a_clock_that_jumped_is_sampled_before_the_next_try_of_an_exit(bench: Bench, skew_ms: int):
    await bench.buy()
    bench.venue.skew_ms = skew_ms
    bench.venue.fault("reduce", -1021)
    await bench.exit("x1", "SELL", "1")
    desk = bench.cases.tools.desk
    assert bench.amount() == 0
    assert abs(desk.exchange_now_ms() - bench.venue.now_ms()) <= 2


async def test_a_stop_is_priced_on_the_tick_that_the_exchange_has_by_now(bench: Bench):
    """The tick grows while the entry is under way: the first stop is refused, the second fits, and is no wider."""
    await _with_coarser_tick(bench)
    outcome = await bench.buy(stop="59500.1")
    assert outcome.trade.status is TradeStatus.PROTECTED
    assert [stop.trigger_price for stop in bench.stops()] == [D(59501)]
    await bench.cases.reconciler.everything()
    assert [stop.trigger_price for stop in bench.stops()] == [D(59501)]
    assert bench.venue.asked["place_conditional"] == 2


async def _with_coarser_tick(bench: Bench) -> None:
    place, instruments = bench.venue.place_conditional, bench.venue.instruments

    async def with_tick_of_one(**fields):
        if fields["trigger"] % 1:
            bench.venue.fault("place_conditional", -4014)
        return await place(**fields)

    async def coarser():
        return {name: replace(one, tick=D(1), min_price=D(1)) for name, one in (await instruments()).items()}

    bench.venue.place_conditional = with_tick_of_one  # type: ignore[method-assign]
    bench.venue.instruments = coarser  # type: ignore[method-assign]


async def test_an_exit_fits_the_step_that_the_exchange_has_by_now(bench: Bench):
    await bench.buy(quantity="0.013")
    instruments, market = bench.venue.instruments, bench.venue._market
    sizes = []

    async def coarser():
        return {
            name: replace(one, step=D("0.01"), min_quantity=D("0.01")) for name, one in (await instruments()).items()
        }

    def picky(fields, *, reduce_only):
        sizes.append(fields["quantity"])
        if fields["quantity"] % D("0.01") and len(sizes) == 1:
            raise binance_venue.VenueRefused(-1111, "Precision is over the maximum defined for this asset.")
        return market(fields, reduce_only=reduce_only)

    bench.venue.instruments, bench.venue._market = coarser, picky  # type: ignore[method-assign]
    await bench.exit("x1", "SELL", "1")
    assert sizes == [D("0.013"), D("0.01"), D("0.003")]
    assert bench.amount(BTC) == 0


QUESTIONS = ("positions", "open_conditionals", "open_orders", "order", "conditional", "fills", "income", "account")


async def test_t8_under_a_ban_of_questions_a_naked_position_is_closed_unseen(bench: Bench):
    await bench.buy()
    for stop in bench.stops():
        await bench.venue.cancel_conditional(stop.client_algo_id)
    for method in ("place_conditional", "reduce"):
        bench.venue.fault(method, *[-1003] * 500)
    await bench.cases.reconciler.everything()
    assert bench.amount() != 0
    for method in QUESTIONS:
        bench.venue.fault(method, *[-1003] * 500)
    bench.venue.faults.pop("reduce")
    await bench.cases.reconciler.everything()
    assert bench.amount() == 0
