"""Wire: what the engine means survives its way into protobuf and back."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpmesh.ai_engine.adapters import wire
from perpmesh.ai_engine.domain.decision import Action, Decision, Verdict
from perpmesh.ai_engine.domain.proposal import Direction
from perpmesh_api.common.v1 import trading_pb2
from perpmesh_api.execution.v1 import order_service_pb2 as orders

PRICES = st.decimals(0, 1_000_000, places=4).map(lambda value: value.normalize() + 0)
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
TIMES = st.integers(0, 2**52)


@given(
    verdict=st.builds(
        Verdict, action=st.sampled_from(Action), reasons=st.lists(WORDS, max_size=4).map(tuple), strategy=WORDS,
        confidence=NUMBERS, propensity=NUMBERS, quantity=PRICES, stop_price=PRICES, take_profit_price=PRICES,
        amplification=st.booleans(), sizing=st.just(""),
    ),
    reference=PRICES, regime=WORDS, features=st.dictionaries(WORDS, NUMBERS, max_size=5),
    times=st.tuples(TIMES, TIMES, TIMES), revision=st.integers(0, 10_000), executed=st.booleans(),
)  # fmt: skip
def test_a_decision_survives_the_round_trip(verdict, reference, regime, features, times, revision, executed):
    decision = Decision(
        decision_id="d", symbol="BTCUSDT", verdict=verdict, reference_price=reference, regime=regime,
        features=features, feature_hash="h", versions={"selector": "1"}, market_time_ms=times[0],
        decided_at_ms=times[1], expires_at_ms=times[2], policy_revision=revision, executed=executed, trade_id="t",
    )  # fmt: skip
    assert wire.decision_from(wire.decision_to(decision), trade_id="t") == decision


def standing(trades=(), positions=(), equity="100"):
    return wire.standing_of("BTCUSDT", equity=equity, trades=trades, positions=positions)


def test_a_trade_is_held_with_what_the_exchange_says_of_its_size():
    trade = orders.Trade(
        trade_id="t", symbol="BTCUSDT", side=trading_pb2.SIDE_SELL, status=orders.TRADE_STATUS_PROTECTED,
        quantity="0.5", entry_price="100", stop_price="110", initial_risk="5", strategy="trend_following",
        opened_at_ms=7,
    )  # fmt: skip
    position = orders.Position(symbol="BTCUSDT", signed_quantity="-0.4", entry_price="101")
    holding = standing([trade], [position]).holding
    assert (holding.direction, holding.quantity, holding.entry_price) == (Direction.SHORT, Decimal("0.4"), Decimal(101))
    assert (holding.protected, holding.settled, holding.stop_price) == (True, True, Decimal(110))


@pytest.mark.parametrize("status", [orders.TRADE_STATUS_OPENING, orders.TRADE_STATUS_CLOSING])
def test_a_trade_on_its_way_is_not_settled(status):
    trade = orders.Trade(trade_id="t", symbol="BTCUSDT", side=trading_pb2.SIDE_BUY, status=status)
    assert not standing([trade]).holding.settled


def test_a_position_without_a_trade_belongs_to_nobody_here():
    position = orders.Position(symbol="BTCUSDT", signed_quantity="-0.4", entry_price="101")
    assert standing([], [position]).holding.strategy == ""


def test_other_symbols_and_empty_positions_are_not_ours():
    others = [orders.Position(symbol="ETHUSDT", signed_quantity="1"), orders.Position(symbol="BTCUSDT")]
    assert standing([orders.Trade(symbol="ETHUSDT")], others).holding is None


def test_equity_that_is_not_told_is_not_known():
    assert standing(equity="").equity is None
    assert standing(equity="0").equity == 0
