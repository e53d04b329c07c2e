"""T7, I6: over the exchange's own filters and over hostile ones, nothing is sent that a filter refuses, rounding never
raises a quantity and never worsens the risk at the stop. The exchange's filters themselves are the referee."""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from perpmesh.exchange import filters
from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange.symbols import SymbolSpec, default_symbols
from perpmesh.execution.domain.admission import EntryWish
from perpmesh.execution.domain.facts import PriceFact
from perpmesh.execution.domain.filter_rules import filter_refusals
from perpmesh.execution.domain.protection import default_stop
from perpmesh.execution.domain.stages import largest_quantity
from perpmesh.execution.domain.trade import risk_at
from perpmesh.execution.domain.words import Side, Stage
from perpmesh.kernel.instrument import Instrument
from perpmesh.kernel.instrument_filters import instrument_of

D = Decimal
CAPTURED = json.loads((Path(__file__).parent / "exchange_info.json").read_text())["symbols"]
TICKS = ("0.00001", "0.05", "0.1", "0.5", "1", "5", "10")
STEPS = ("0.00001", "0.001", "0.1", "0.25", "1", "10", "1000")


def row(tick: str, step: str, *, least_price: Decimal, least: Decimal, notional: str) -> dict[str, Any]:
    """One symbol of exchangeInfo with filters as one wishes."""
    lot = {"minQty": str(least), "maxQty": str(least + D(step) * 10_000), "stepSize": step}
    market = {**lot, "maxQty": str(least + D(step) * 2_500)}
    price = {"minPrice": str(least_price), "maxPrice": str(least_price + D(tick) * 10_000_000), "tickSize": tick}
    return {
        "symbol": "XUSDT",
        "filters": [
            {"filterType": "PRICE_FILTER", **price},
            {"filterType": "LOT_SIZE", **lot},
            {"filterType": "MARKET_LOT_SIZE", **market},
            {"filterType": "MIN_NOTIONAL", "notional": notional},
            {"filterType": "PERCENT_PRICE", "multiplierUp": "1.05", "multiplierDown": "0.95"},
        ],
    }


@st.composite
def hostile(draw: st.DrawFn) -> dict[str, Any]:
    """Ticks of .05, .5, 5 and 10, steps from 1e-5 to 1000, and least values that are no multiples of them."""
    tick, step = draw(st.sampled_from(TICKS)), draw(st.sampled_from(STEPS))
    off_price, off_lot = draw(st.sampled_from(["0", "0.2", "0.5"])), draw(st.sampled_from(["0", "0.2"]))
    return row(
        tick, step, least_price=D(tick) * (draw(st.integers(1, 50)) + D(off_price)),
        least=D(step) * (draw(st.integers(1, 5)) + D(off_lot)), notional=draw(st.sampled_from(["5", "20", "50", "100"])),
    )  # fmt: skip


rows = st.one_of(st.sampled_from(CAPTURED), hostile())
parts = st.decimals("0", "1.2", places=9)  # where between the least and the most, and beyond


def instrument(told: dict[str, Any]) -> Instrument:
    read = instrument_of(told)
    assert read is not None
    return read


def referee(told: dict[str, Any]) -> SymbolSpec:
    """Return the exchange's own idea of these filters."""
    one = instrument(told)
    grain = D("0.000001")
    return replace(
        default_symbols()[0], symbol=one.symbol, tick=one.tick, step=one.step, price_precision=6, quantity_precision=6,
        min_price=one.min_price, max_price=one.max_price, min_quantity=one.min_quantity, max_quantity=one.max_quantity,
        market_max_quantity=one.market_max_quantity, min_notional=one.min_notional, price_grain=grain,
        quantity_grain=grain,
    )  # fmt: skip


def taken(told: dict[str, Any], *, quantity: Decimal | None = None, price: Decimal | None = None) -> bool:
    """Whether the exchange's filters take a market order's quantity, or a trigger price."""
    spec = referee(told)
    try:
        if quantity is not None:
            filters.quantity_lots(spec, quantity, market=True)
        if price is not None:
            filters.price_ticks(spec, price, field="triggerPrice")
    except ExchangeError:
        return False
    return True


@given(rows, parts)
def test_t7_a_rounded_quantity_is_taken_is_never_more_and_wastes_less_than_a_step(told, part):
    one = instrument(told)
    wanted = one.market_max_quantity * part
    assume(wanted <= one.market_max_quantity)
    rounded = one.round_quantity_down(wanted)
    assert 0 <= rounded <= wanted
    assert (rounded > 0) is (wanted >= one.min_quantity)
    if rounded:
        assert taken(told, quantity=rounded)
        assert wanted - rounded < one.step


@given(rows, st.integers(1, 60))
def test_t7_not_even_a_hundred_digits_round_a_quantity_up(told, digits):
    one = instrument(told)
    just_under = one.min_quantity + one.step - D(1).scaleb(-digits - 6)
    assert one.round_quantity_down(just_under) <= just_under
    assert one.round_quantity_down(D("1e-90")) == 0


@given(rows, parts, st.booleans())
def test_t7_a_rounded_stop_is_taken_and_never_loses_more(told, part, long):
    one = instrument(told)
    wished = one.min_price + (one.max_price - one.min_price) * part
    stop = one.round_stop_tighter(wished, long=long)
    assert stop >= wished if long else stop <= wished
    assert abs(stop - wished) < one.tick
    assert taken(told, price=stop) is (one.min_price <= stop <= one.max_price)


@given(rows, parts, st.integers(-3, 3))
def test_t7_the_filters_here_say_what_the_exchanges_say(told, part, off):
    """A price or quantity on the increment, or next to it, passes here if and only if it passes there."""
    one = instrument(told)
    price = one.round_price_down(one.min_price + (one.max_price - one.min_price) * part) + one.tick * off / 4
    assume(price == round(price, 6) and price > 0)
    assert one.takes_price(price) is taken(told, price=price)
    quantity = one.round_quantity_down(one.market_max_quantity * part) + one.step * off / 4
    assume(quantity == round(quantity, 6))
    try:
        one.check_quantity(quantity)
        passes = True
    except Exception:  # noqa: BLE001 - whatever the reason
        passes = False
    assert passes is taken(told, quantity=quantity)


@given(rows, parts, st.decimals("0.01", "0.9", places=4), st.sampled_from(list(Side)), st.sampled_from(list(Stage)))
def test_i6_what_rounding_leaves_of_a_decision_never_risks_more_at_its_stop(told, part, where, side, stage):
    one = instrument(told)
    entry = one.round_price_down(one.min_price + (one.max_price - one.min_price) * where)
    wanted, wished = one.market_max_quantity * part, entry * (1 - D("0.013") * side.sign)
    quantity = largest_quantity(stage, one.round_quantity_down(wanted), one, entry)
    stop = one.round_stop_tighter(wished, long=side is Side.BUY)
    assert quantity <= wanted
    assert risk_at(entry, stop, quantity, side) <= risk_at(entry, wished, wanted, side)
    if 0 < quantity <= one.market_max_quantity:
        assert taken(told, quantity=quantity)
    default = default_stop(one, entry, side, D("0.013"))
    assert risk_at(entry, default, quantity, side) <= risk_at(entry, wished, quantity, side)


@given(
    rows, parts, st.decimals("0", "0.3", places=6), st.decimals("0.05", "0.9", places=3),
    st.lists(st.booleans(), min_size=3, max_size=3),
)  # fmt: skip
def test_t7_what_the_gate_lets_through_no_filter_refuses(told, part, distance, where, on):
    """Any quantity, stop and take-profit, off the increments too: either the gate says no, or the exchange says yes."""
    one = instrument(told)
    mark = one.round_price_down(one.min_price + (one.max_price - one.min_price) * where)
    wish = EntryWish(
        origin="o", symbol=one.symbol, side=Side.BUY,
        quantity=_either(one.market_max_quantity * part, one.round_quantity_down, on[0]),
        stop_price=_either(mark * (1 - distance), one.round_price_up, on[1]),
        take_profit_price=_either(mark * (1 + distance), one.round_price_down, on[2]),
    )  # fmt: skip
    words = _filter_words(one, mark, wish)
    if not words:
        assert taken(told, quantity=wish.quantity)
        assert taken(told, price=wish.stop_price)
        assert not wish.take_profit_price or taken(told, price=wish.take_profit_price)
        assert wish.quantity * mark >= one.min_notional


@given(rows, parts, st.decimals("0.05", "0.9", places=3))
def test_t7_what_was_rounded_passes_the_gates_filters(told, part, where):
    """The other way round: a gate that refused everything would pass the test above."""
    one = instrument(told)
    mark = one.round_price_down(one.min_price + (one.max_price - one.min_price) * where)
    quantity = one.round_quantity_down(one.market_max_quantity * min(part, D(1)))
    stop = one.round_stop_tighter(mark * D("0.97"), long=True)
    assume(quantity * mark >= one.min_notional and one.min_price < stop < mark)
    wish = EntryWish(origin="o", symbol=one.symbol, side=Side.BUY, quantity=quantity, stop_price=stop)
    assert _filter_words(one, mark, wish) == []


def _either(value: Decimal, rounded: Callable[[Decimal], Decimal], on_increment: bool) -> Decimal:
    """On the increment, or as a request may write it: six places, which may lie between."""
    return rounded(value) if on_increment else round(value, 6)


def _filter_words(one: Instrument, mark: Decimal, wish: EntryWish) -> list[str]:
    price = PriceFact(
        symbol=one.symbol, last=mark, mark=mark, bid=mark, ask=mark, market_time_ms=0, heard_boot_ms=0
    )  # fmt: skip
    return [refusal.word for refusal in filter_refusals(one, price, wish)]


# What does not fit together is not traded.


@pytest.mark.parametrize("told", CAPTURED, ids=lambda told: told["symbol"])
def test_the_captured_symbols_are_read_as_they_are(told):
    one, by_type = instrument(told), {each["filterType"]: each for each in told["filters"]}
    assert one.tick == D(by_type["PRICE_FILTER"]["tickSize"])
    assert (one.step, one.min_quantity) == (D(by_type["LOT_SIZE"]["stepSize"]), D(by_type["LOT_SIZE"]["minQty"]))
    assert one.market_max_quantity == D(by_type["MARKET_LOT_SIZE"]["maxQty"])


def changed(kind: str, **values: str) -> Instrument | None:
    told = row("0.1", "0.001", least_price=D(1), least=D("0.001"), notional="5")
    return instrument_of(
        {**told, "filters": [{**f, **values} if f["filterType"] == kind else f for f in told["filters"]]}
    )


@pytest.mark.parametrize("kind", ["PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE", "MIN_NOTIONAL", "PERCENT_PRICE"])
def test_a_symbol_that_lacks_a_filter_is_not_traded(kind):
    told = row("0.1", "0.001", least_price=D(1), least=D("0.001"), notional="5")
    assert instrument_of({**told, "filters": [f for f in told["filters"] if f["filterType"] != kind]}) is None


def test_increments_that_are_zero_or_do_not_divide_each_other_are_not_traded():
    assert changed("PRICE_FILTER", tickSize="0") is None
    assert changed("LOT_SIZE", stepSize="0") is None
    assert changed("MARKET_LOT_SIZE", stepSize="0.0015") is None
    assert changed("MARKET_LOT_SIZE", minQty="0.0015") is None


def test_what_both_lot_filters_take_is_what_is_sent():
    coarse = changed("MARKET_LOT_SIZE", stepSize="0.01", minQty="0.021")
    assert coarse is not None
    assert (coarse.step, coarse.min_quantity) == (D("0.01"), D("0.021"))
    assert coarse.round_quantity_down(D("0.0409")) == D("0.031")
    free = changed("MARKET_LOT_SIZE", stepSize="0")
    assert free is not None
    assert free.step == D("0.001")
