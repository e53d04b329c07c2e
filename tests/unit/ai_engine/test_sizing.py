"""Sizes: never over the caps, never up by rounding, and what a trained policy may do."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ai_engine.builders import BTC, LIMITS, a_situation

from perpmesh.ai_engine.domain.proposal import Direction
from perpmesh.ai_engine.domain.sizing import SizeRequest, loss_per_unit, size

DIRECTIONS = st.sampled_from([Direction.LONG, Direction.SHORT])


def a_request(**changes) -> SizeRequest:
    plain = SizeRequest(
        direction=Direction.LONG, price=Decimal(100_000), stop_distance=Decimal(1_000), target_distance=Decimal(2_000),
        equity=Decimal(10_000), volatility=Decimal("0.6"),
    )  # fmt: skip
    return replace(plain, **changes)


def test_twice_the_volatility_is_half_the_position():
    sizes = [size(a_request(volatility=Decimal(v), equity=Decimal(100_000)), BTC, LIMITS).quantity for v in ("1", "2")]
    assert sizes == [Decimal("0.300"), Decimal("0.150")]


@given(
    direction=DIRECTIONS,
    price=st.decimals(1_000, 200_000, places=1),
    distance=st.decimals("0.001", "0.2", places=4),
    equity=st.decimals(100, 1_000_000, places=2),
    volatility=st.decimals("0.05", 3, places=3),
    multiplier=st.decimals(0, 1, places=3),
)
def test_a_size_is_within_every_cap_and_the_stop_on_the_right_side(
    direction, price, distance, equity, volatility, multiplier
):
    request = a_request(
        direction=direction, price=price, stop_distance=price * distance, target_distance=2 * price * distance,
        equity=equity, volatility=volatility, multiplier=multiplier,
    )  # fmt: skip
    found = size(request, BTC, LIMITS)
    assert (price - found.stop_price) * direction.value > 0 or distance * price < BTC.tick
    assert abs(price - found.stop_price) <= price * distance
    assert found.notional <= LIMITS.max_position_weight * multiplier * equity
    assert found.notional <= LIMITS.target_volatility / volatility * equity
    assert found.quantity * loss_per_unit(price, found.stop_price) <= LIMITS.max_risk_per_trade * equity
    assert found.quantity % BTC.step == 0
    assert found.quantity == 0 or found.notional >= BTC.min_notional


@given(direction=DIRECTIONS, multiplier=st.decimals(0, 1, places=3))
def test_a_multiplier_never_makes_it_larger(direction, multiplier):
    whole = size(a_request(direction=direction), BTC, LIMITS)
    assert size(a_request(direction=direction, multiplier=multiplier), BTC, LIMITS).quantity <= whole.quantity


def test_what_is_under_the_smallest_order_is_nothing_and_says_so():
    found = size(a_request(equity=Decimal(50)), BTC, LIMITS)
    assert found.quantity == 0
    assert any("smallest order" in reason for reason in found.reasons)


def test_long_and_short_are_sized_alike():
    long, short = (size(a_request(direction=d), BTC, LIMITS) for d in (Direction.LONG, Direction.SHORT))
    assert abs(long.quantity - short.quantity) <= BTC.step
    assert Decimal(100_000) - long.stop_price == short.stop_price - Decimal(100_000)


class Doubler:
    name = "mad-model"

    def multiplier(self, features):  # noqa: ARG002 - it does not look
        return 2.0


def test_a_model_cannot_scale_up_and_is_not_asked_without_its_features_or_when_switched_off():
    vector = object()
    assert a_situation(sizing=Doubler(), features=vector).multiplier == (Decimal("1.0"), "mad-model")
    assert a_situation(sizing=Doubler(), features=None).multiplier == (Decimal(1), "volatility-target")
    off = replace(LIMITS, use_model=False)
    assert a_situation(sizing=Doubler(), features=vector, limits=off).multiplier == (Decimal(1), "volatility-target")
