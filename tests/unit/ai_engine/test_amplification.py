"""PAL: only a protected winner, only once, and never more at stake than at first."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ai_engine.builders import BTC, LIMITS, a_holding, a_view

from perpmesh.ai_engine.domain.amplification import SHARE, Amplification, amplify
from perpmesh.ai_engine.domain.limits import TAKER_FEE
from perpmesh.ai_engine.domain.proposal import Direction

EQUITY = Decimal(40_000)


def test_a_protected_winner_in_a_trend_is_added_to():
    found = amplify(a_holding(), a_view(), EQUITY, BTC, LIMITS)
    assert isinstance(found, Amplification)
    assert found.quantity == Decimal("0.030")
    assert found.stop_price > Decimal(97_000)


@pytest.mark.parametrize(
    ("holding", "view"),
    [
        ({"amplified": True}, {}),
        ({"protected": False}, {}),
        ({"settled": False}, {}),
        ({"stop_price": None}, {}),
        ({"entry_price": Decimal(98_000)}, {}),  # 0.83 R ahead
        ({"entry_price": Decimal(101_000)}, {}),
        ({"initial_risk": Decimal(0)}, {}),
        ({"quantity": Decimal("0.003"), "initial_risk": Decimal(7)}, {}),  # the addition is under the smallest order
        ({}, {"trend": 0.5}),
        ({}, {"trend": -2.0}),
        ({}, {"strength": 20.0}),
        ({}, {"direction": -5.0}),
    ],
)
def test_anything_less_is_left_alone_and_says_why(holding, view):
    assert isinstance(amplify(a_holding(**holding), a_view(**view), EQUITY, BTC, LIMITS), str)


def test_policy_switches_it_off():
    off = replace(LIMITS, amplification_enabled=False)
    assert amplify(a_holding(), a_view(), EQUITY, BTC, off) == "amplification is switched off"


@given(
    direction=st.sampled_from([Direction.LONG, Direction.SHORT]),
    entry=st.integers(60_000, 140_000),
    stop_distance=st.integers(100, 8_000),
    trailed=st.integers(-1, 12_000),
    quantity=st.integers(1, 500),
)
def test_the_whole_never_loses_more_than_one_r_at_its_new_stop_and_no_stop_gets_worse(
    direction, entry, stop_distance, trailed, quantity
):
    towards, size, price = direction.value, Decimal(quantity) / 1000, Decimal(100_000)
    stop = Decimal(entry - towards * stop_distance + towards * max(trailed, 0))
    holding = a_holding(
        direction=direction, entry_price=Decimal(entry), stop_price=stop, quantity=size,
        initial_risk=stop_distance * size,
    )  # fmt: skip
    found = amplify(holding, a_view(trend=2.0 * towards, direction=20.0 * towards), EQUITY, BTC, LIMITS)
    if isinstance(found, str):
        return
    lost_on_old = (holding.entry_price - found.stop_price) * towards * size
    lost_on_new = (price - found.stop_price) * towards * found.quantity
    fees = (size * (holding.entry_price + found.stop_price) + found.quantity * (price + found.stop_price)) * TAKER_FEE
    assert lost_on_old + lost_on_new + fees <= holding.initial_risk
    assert (found.stop_price - stop) * towards >= 0
    assert lost_on_old <= 0
    assert found.quantity <= SHARE * size
