"""Rounding never raises quantity or risk, over ticks and steps as the exchange has them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpmesh.kernel.errors import Refused
from perpmesh.kernel.instrument import Instrument
from perpmesh.kernel.money import text

INCREMENTS = [Decimal(one) for one in ("0.00001", "0.001", "0.05", "0.1", "0.5", "1", "5", "10", "1000")]
VALUES = st.decimals(min_value=Decimal("0.00001"), max_value=Decimal(10_000_000), places=5)


def instrument(tick: Decimal, step: Decimal) -> Instrument:
    return Instrument(
        symbol="XUSDT", tick=tick, step=step, min_quantity=step, max_quantity=Decimal(10**9),
        market_max_quantity=Decimal(10**9), min_notional=Decimal(5),
    )  # fmt: skip


@given(value=VALUES, step=st.sampled_from(INCREMENTS))
def test_rounding_never_raises_quantity(value: Decimal, step: Decimal) -> None:
    rounded = instrument(Decimal(1), step).round_quantity_down(value)
    assert rounded <= value
    assert value - rounded < step
    assert rounded % step == 0


@given(value=VALUES, tick=st.sampled_from(INCREMENTS), long=st.booleans())
def test_rounding_a_stop_never_widens_the_loss(value: Decimal, tick: Decimal, long: bool) -> None:
    stop = instrument(tick, Decimal(1)).round_stop_tighter(value, long=long)
    assert stop >= value if long else stop <= value
    assert stop % tick == 0


@given(value=VALUES, tick=st.sampled_from(INCREMENTS))
def test_ticks_and_back_is_exact(value: Decimal, tick: Decimal) -> None:
    one = instrument(tick, Decimal(1))
    price = one.round_price_down(value)
    assert one.from_ticks(one.to_ticks(price)) == price


def test_a_price_between_ticks_has_no_ticks() -> None:
    with pytest.raises(ValueError, match="whole number"):
        instrument(Decimal("0.5"), Decimal(1)).to_ticks(Decimal("0.7"))


@pytest.mark.parametrize(
    ("quantity", "reason"), [("0.0015", "QUANTITY_STEP"), ("0", "QUANTITY_TOO_SMALL"), ("1e10", "QUANTITY_TOO_LARGE")]
)
def test_a_quantity_the_filters_would_refuse_is_refused(quantity: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        instrument(Decimal(1), Decimal("0.001")).check_quantity(Decimal(quantity))
    assert refused.value.reason == reason
    assert refused.value.field == "quantity"


@given(value=st.decimals(allow_nan=False, allow_infinity=False, places=8))
def test_text_is_plain_and_exact(value: Decimal) -> None:
    written = text(value)
    assert "E" not in written
    assert Decimal(written) == value
