"""Each pre-trade limit by itself: what is at the limit passes, what is over it is refused with figures."""

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from perpmesh.execution.config import POLICY_KEYS
from perpmesh.execution.domain.admission import EntryWish, Limits, Market, Refusal, World, figures
from perpmesh.execution.domain.exposure import Exposure, Stake, read_groups
from perpmesh.execution.domain.facts import PriceFact
from perpmesh.execution.domain.gate import refusals
from perpmesh.execution.domain.lease import Lease
from perpmesh.execution.domain.liquidation import Bracket
from perpmesh.execution.domain.risk_limits import LIMITS, readings
from perpmesh.execution.domain.streaks import Streak, Streaks
from perpmesh.execution.domain.trade import Trade
from perpmesh.execution.domain.words import Side, Stage, TradeStatus
from perpmesh.kernel.instrument import Instrument
from perpmesh.risk_safety.domain.policy_catalogue import CATALOGUE

D = Decimal
BTC, ETH, SOL = "BTCUSDT", "ETHUSDT", "SOLUSDT"
FREE = (Bracket(D(10**9), D(0), D(0)),)  # no maintenance margin: round numbers
PRICE = PriceFact(
    symbol=BTC, last=D(60_000), mark=D(60_000), bid=D(60_000), ask=D(60_000), market_time_ms=1, heard_boot_ms=1_000,
)  # fmt: skip
WISH = EntryWish(  # 600 USDT, of which 5 at risk
    origin="d1", symbol=BTC, side=Side.BUY, quantity=D("0.01"), stop_price=D(59_500), strategy="trend"
)
WHOLE = replace(WISH, quantity=D(1))
LOOSE = Limits(
    max_slippage=D(9), max_book_slippage=D(9), max_stop_distance=D(9), price_stale_ms=2_000,
    clock_offset_block_ms=500, orders_per_minute=60, max_risk_per_trade=D(9), max_open_risk=D(9),
    max_gross_exposure=D(99), max_net_exposure=D(99), max_group_exposure=D(99),
    correlation_groups=read_groups("BTCUSDT,ETHUSDT"), max_position_exposure=D(99), max_leverage=125,
    min_liquidation_distance=D(0), cool_off_losses=100, cool_off_ms=1_000, max_funding_to_risk=D(100),
    funding_payments=3,
)  # fmt: skip


def stake(symbol: str, side: Side, notional: str, risk: str = "0") -> Stake:
    return Stake(symbol, side, D(notional) / 3_000, D(notional), D(risk))


def world(*stakes: Stake, equity: str = "10000", stage: Stage = Stage.FULL, **more: Any) -> World:
    limits = replace(LOOSE, **{name: more.pop(name) for name in list(more) if hasattr(LOOSE, name)})
    facts = {
        "lease": Lease(ends_boot_ms=3_000, epoch=1, stage=stage, policy_revision=1), "lease_reason": "",
        "boot_ms": 1_000, "now_ms": 50_000, "policy_revision": 1, "clock_known": True, "clock_offset_ms": 0,
        "reconciled": True, "store_failed": False, "account_trouble": "", "equity": D(equity),
        "budget_left": True, "entries_last_minute": 0, "exposure": Exposure(stakes), "leverages": {BTC: 5},
        "brackets": {BTC: FREE, ETH: FREE, SOL: FREE}, "streaks": (), "limits": limits,
    }  # fmt: skip
    return World(**{**facts, **more})


MARKET = Market(
    instrument=Instrument(
        symbol=BTC, tick=D("0.1"), step=D("0.001"), min_quantity=D("0.001"), max_quantity=D(1000),
        market_max_quantity=D(120), min_notional=D(50),
    ),
    price=PRICE, trade=None, symbol_unsettled=False, symbol_cooling=False, seen_before=False,
)  # fmt: skip


def asked(here: World, wish: EntryWish = WISH, **price: Any) -> dict[str, Refusal]:
    market = replace(MARKET, price=replace(PRICE, **price))
    return {refusal.word: refusal for refusal in refusals(here, market, wish)}


SHORT_ETH, LONG_ETH = stake(ETH, Side.SELL, "9400", "95"), stake(ETH, Side.BUY, "9400", "95")
LOST_THREE = (Streak(BTC, "trend", 3, 49_500),)
# word: (the world and price, the limit that is just met, the limit that is just passed, the wish)
TABLE: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], EntryWish]] = {
    "RISK_PER_TRADE": ({}, {"max_risk_per_trade": D("0.0005")}, {"max_risk_per_trade": D("0.000499")}, WISH),
    "OPEN_RISK": ({"at_stake": SHORT_ETH}, {"max_open_risk": D("0.01")}, {"max_open_risk": D("0.00999")}, WISH),
    "GROSS_EXPOSURE": ({"at_stake": SHORT_ETH}, {"max_gross_exposure": D(1)}, {"max_gross_exposure": D("0.99")}, WISH),
    "NET_EXPOSURE": (
        {"at_stake": SHORT_ETH}, {"max_net_exposure": D("0.88")}, {"max_net_exposure": D("0.879")}, WISH,
    ),
    "GROUP_EXPOSURE": ({"at_stake": LONG_ETH}, {"max_group_exposure": D(1)}, {"max_group_exposure": D("0.99")}, WISH),
    "POSITION_EXPOSURE": (
        {}, {"max_position_exposure": D("0.06")}, {"max_position_exposure": D("0.0599")}, WISH,
    ),
    "LEVERAGE": ({}, {"max_leverage": 5}, {"max_leverage": 4}, WISH),
    "LIQUIDATION_DISTANCE": (  # liquidated at 45,000
        {"equity": "15000"}, {"min_liquidation_distance": D("0.25")}, {"min_liquidation_distance": D("0.2501")}, WHOLE,
    ),
    "STOP_TOO_FAR": (
        {}, {"max_stop_distance": D("0.01")}, {"max_stop_distance": D("0.0099")}, replace(WISH, stop_price=D(59_400)),
    ),
    "SLIPPAGE": (
        {}, {"max_slippage": D("0.25")}, {"max_slippage": D("0.2499")}, replace(WISH, reference_price=D(48_000)),
    ),
    "BOOK_SLIPPAGE": (
        {"price": {"ask": D(60_600)}}, {"max_book_slippage": D("0.01")}, {"max_book_slippage": D("0.0099")}, WISH,
    ),
    "FUNDING_COST": (  # three payments of 0.30 against 5
        {"price": {"funding_rate": D("0.0005")}}, {"max_funding_to_risk": D("0.18")},
        {"max_funding_to_risk": D("0.1799")}, WISH,
    ),
    "LOSS_STREAK": ({"streaks": LOST_THREE}, {"cool_off_losses": 4}, {"cool_off_losses": 3}, WISH),
    "ORDERS_PER_MINUTE": ({"entries_last_minute": 59}, {"orders_per_minute": 60}, {"orders_per_minute": 59}, WISH),
}  # fmt: skip


def case(word: str, limit: int) -> dict[str, Refusal]:
    facts = dict(TABLE[word][0])
    at_stake, price = facts.pop("at_stake", None), facts.pop("price", {})
    here = world(*([at_stake] if at_stake else []), **facts, **TABLE[word][limit])
    return asked(here, TABLE[word][3], **price)


def test_an_entry_with_nothing_against_it_passes():
    assert asked(world()) == {}


@pytest.mark.parametrize("word", TABLE)
def test_what_is_at_a_limit_passes_and_what_is_over_it_is_refused_with_both_figures(word: str):
    assert word not in case(word, 1)
    over = case(word, 2)
    assert set(over) == {word}
    policy = CATALOGUE[over[word].policy]
    assert policy.key in POLICY_KEYS
    [bound] = TABLE[word][2].values()
    assert D(over[word].limit) == bound
    measured = D(over[word].measured)
    assert measured < bound if word == "LIQUIDATION_DISTANCE" else measured >= bound


def test_every_limit_is_in_the_table_and_each_has_a_reason_of_its_own():
    assert {row.word for row in LIMITS} == set(TABLE) - {"ORDERS_PER_MINUTE"} | {"STOP_BEYOND_LIQUIDATION"}
    assert len({row.word for row in LIMITS}) == len(LIMITS)


def test_the_defaults_let_through_what_went_through_before_they_were_there():
    loose = ("risk.max_net_exposure", "risk.max_group_exposure", "risk.max_leverage")
    widest = (
        CATALOGUE["risk.max_gross_exposure"],
        CATALOGUE["risk.max_gross_exposure"],
        CATALOGUE["execution.leverage"],
    )
    assert [CATALOGUE[key].default for key in loose] == [spec.maximum for spec in widest]
    assert CATALOGUE["risk.max_risk_per_trade_pct"].default == D("0.005")
    assert CATALOGUE["risk.max_open_risk_pct"].default == D("0.02")
    assert CATALOGUE["risk.max_gross_exposure"].default == D(2)
    assert CATALOGUE["execution.leverage"].default == 5


def test_a_stop_that_the_liquidation_would_come_before_is_refused():
    safe = world(equity="15000")  # one bitcoin on 15,000: liquidated at 45,000
    assert "STOP_BEYOND_LIQUIDATION" not in asked(safe, replace(WHOLE, stop_price=D("45000.1")))
    refused = asked(safe, replace(WHOLE, stop_price=D(45_000)))["STOP_BEYOND_LIQUIDATION"]
    assert (refused.field, refused.measured, refused.limit) == ("stop_price", "0", "0")


def test_i3_what_cannot_be_told_is_refused():
    assert set(asked(world(leverages={}))) == {"LEVERAGE"}
    assert set(asked(world(brackets={}))) == {"LIQUIDATION_DISTANCE", "STOP_BEYOND_LIQUIDATION"}
    assert "PRICE_STALE" in asked(world(), mark=D(0), last=D(0))


def test_only_symbols_of_one_group_and_one_direction_add_up():
    tight = {"max_group_exposure": D("0.06")}
    assert asked(world(stake(SOL, Side.BUY, "9400"), **tight)) == {}
    assert asked(world(SHORT_ETH, **tight)) == {}
    assert asked(world(LONG_ETH, correlation_groups=(), **tight)) == {}
    assert set(asked(world(LONG_ETH, **tight))) == {"GROUP_EXPOSURE"}


def test_a_hedge_lowers_the_net_and_raises_the_gross():
    exposure = Exposure((stake(BTC, Side.BUY, "600"), SHORT_ETH))
    assert (exposure.gross, exposure.net) == (D(10_000), D(-8_800))


def test_funding_that_is_received_costs_nothing():
    tight = world(max_funding_to_risk=D(0))
    short = replace(WISH, side=Side.SELL, stop_price=D(60_500))
    assert asked(tight, short, funding_rate=D("0.01")) == {}
    assert set(asked(tight, short, funding_rate=D("-0.01"))) == {"FUNDING_COST"}


def test_the_stage_takes_its_share_of_the_risk_limits_only():
    quarter = world(stage=Stage.QUARTER, max_risk_per_trade=D("0.002"), max_position_exposure=D("0.06"))
    assert asked(quarter) == {}
    assert set(asked(world(stage=Stage.QUARTER, max_risk_per_trade=D("0.0019")))) == {"RISK_PER_TRADE"}


# Cooling off.


def closed(name: str, net: str, at_ms: int, strategy: str = "trend") -> Trade:
    return Trade(
        trade_id=name, symbol=BTC, side=Side.BUY, status=TradeStatus.CLOSED, realized=D(net), strategy=strategy,
        updated_ms=at_ms,
    )  # fmt: skip


def test_a_streak_is_of_one_strategy_on_one_symbol_and_ends_with_a_gain_or_the_cool_off():
    tight = {"cool_off_losses": 3}
    assert "LOSS_STREAK" in asked(world(streaks=LOST_THREE, **tight))
    assert asked(world(streaks=LOST_THREE, **tight), replace(WISH, strategy="carry")) == {}
    assert asked(world(streaks=(Streak(ETH, "trend", 9, 49_500),), **tight)) == {}
    assert asked(world(streaks=LOST_THREE, now_ms=50_500, **tight)) == {}


def test_streaks_count_losses_net_of_costs_in_the_order_in_which_they_were_booked():
    streaks = Streaks([closed("c", "-1", 3), closed("a", "-1", 1), closed("b", "5", 2), closed("d", "-1", 4)])
    streaks.note(closed("e", "0", 5))
    streaks.note(closed("f", "-1", 6, "carry"))
    assert streaks.all() == (Streak(BTC, "carry", 1, 6), Streak(BTC, "trend", 2, 4))
    paid = replace(closed("g", "1", 7), commission=D(-2))
    streaks.note(paid)
    assert streaks.all()[1].losses == 3


# What others see of it.


def test_the_figures_of_every_refusal_are_keys_that_an_error_info_takes():
    every = [refusal for word in TABLE for refusal in case(word, 2).values()]
    told = figures(every)
    assert told["risk_per_trade_measured"] == "0.0005"
    assert told["risk_per_trade_limit"] == "0.000499"
    assert told["risk_per_trade_policy"] == "risk.max_risk_per_trade_pct"
    assert len(told) == 3 * len(TABLE)
    assert all(re.fullmatch(r"[a-z][a-zA-Z0-9-_]{0,63}", key) for key in told)


def test_every_limit_can_be_read_with_what_is_used_up_of_it():
    seen = list(readings(world(LONG_ETH, streaks=LOST_THREE, entries_last_minute=7)))
    assert {reading.word for reading in seen} == set(TABLE)
    used = {(reading.word, reading.scope): reading.measured for reading in seen}
    assert used["OPEN_RISK", ""] == "0.0095"
    assert used["NET_EXPOSURE", ""] == "0.94"
    assert used["GROUP_EXPOSURE", "BTCUSDT,ETHUSDT"] == "0.94"
    assert used["POSITION_EXPOSURE", ETH] == "0.94"
    assert used["LEVERAGE", BTC] == "5"
    assert used["LOSS_STREAK", "BTCUSDT trend"] == "3"
    assert used["ORDERS_PER_MINUTE", ""] == "7"
    assert used["SLIPPAGE", ""] == ""


def test_without_equity_no_share_of_it_is_told():
    seen = {reading.word: reading.measured for reading in readings(world(LONG_ETH, equity="0"))}
    assert seen["GROSS_EXPOSURE"] == ""
