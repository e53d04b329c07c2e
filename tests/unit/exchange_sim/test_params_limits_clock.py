"""Parameters, rate limits, stream names and the replay's clock."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange.words import Side
from perpmesh.exchange_sim.domain.limits import FUNDING, Banned, Limits, Meter, TooMany
from perpmesh.exchange_sim.domain.params import parse_parameters
from perpmesh.exchange_sim.domain.replay_clock import ReplayClock, first_position
from perpmesh.exchange_sim.domain.streams import EVERY_SYMBOL, Kind, parse_stream

DAY = 86_400_000


def test_the_query_wins_over_the_body():
    params = parse_parameters("a=1", "a=2&c=x%2Fy")
    assert (params.integer("a"), params.text("b"), params.text("c")) == (1, None, "x/y")


def test_a_parameter_named_twice_in_one_part_is_refused():
    with pytest.raises(ExchangeError) as refused:
        parse_parameters("a=1&a=1", "")
    assert refused.value.code == -1101


@pytest.mark.parametrize(("text", "value"), [("true", True), ("True", True), ("False", False), ('"true"', True)])
def test_booleans_are_read_however_they_are_spelled(text, value):
    assert parse_parameters(f"flag={text}", "").boolean("flag") is value


@pytest.mark.parametrize(
    ("read", "code"),
    [
        (lambda p: p.needed("gone"), -1102),
        (lambda p: p.integer("word"), -1102),
        (lambda p: p.decimal("word"), -1102),
        (lambda p: p.integer("under"), -1102),
        (lambda p: p.decimal("under"), -1102),
        (lambda p: p.needed("empty"), -1102),
        (lambda p: p.text("empty"), -1105),
        (lambda p: p.symbol("strange"), -1100),
        (lambda p: p.decimal("nan"), -1102),
        (lambda p: p.boolean("word"), -1130),
        (lambda p: p.one_of("word", Side), -1130),
        (lambda p: p.limit(5, 10), -1130),
    ],
)
def test_a_malformed_parameter_is_refused_with_its_code(read, code):
    with pytest.raises(ExchangeError) as refused:
        read(parse_parameters("word=abc&nan=NaN&limit=0&under=1_0&empty=&strange=a%20b", ""))
    assert refused.value.code == code


def test_numbers_are_exact():
    assert parse_parameters("q=0.10", "").decimal("q") == Decimal("0.10")


def test_weight_is_counted_by_the_minute_and_refused_beyond_the_limit():
    meter = Meter(Limits(weight_per_minute=10))
    assert meter.weigh("a", 6, 60_000) == 6
    with pytest.raises(TooMany) as refused:
        meter.weigh("a", 5, 90_000)
    assert (refused.value.code, refused.value.retry_after_s) == (-1003, 30)
    assert meter.weigh("b", 5, 90_000) == 5
    assert meter.weigh("a", 1, 120_000) == 1


def test_orders_are_counted_in_ten_seconds_and_in_a_minute():
    meter = Meter(Limits(orders_per_minute=4, orders_per_ten_seconds=3))
    assert meter.count_orders("x", (3, 3), 60_000) == (3, 3)
    for at in (65_000, 75_000):
        with pytest.raises(TooMany) as refused:
            meter.count_orders("x", (1, 1) if at < 70_000 else (2, 2), at)
        assert refused.value.code == -1015


def test_a_stream_name_says_what_it_carries():
    assert parse_stream("btcusdt@kline_15m").minutes == 15
    assert parse_stream("btcusdt_perpetual@continuousKline_1h").symbol == "BTCUSDT"
    assert [parse_stream(f"btcusdt@depth{tail}").cadence_ms for tail in ("", "@0ms", "@100ms", "@500ms")] == [
        250,
        0,
        100,
        500,
    ]
    assert parse_stream("ethusdt@depth20@100ms").levels == 20
    assert parse_stream("!markPrice@arr@1s").symbol == EVERY_SYMBOL
    assert parse_stream("ethusdt@miniTicker").kind is Kind.MINI_TICKER


@pytest.mark.parametrize("name", ["", "btcusdt", "@trade", "btcusdt@nonsense", "btcusdt@kline_7m", "btcusdt@depth7"])
def test_a_name_that_is_no_stream_is_none(name):
    assert parse_stream(name) is None


@given(st.integers(10 * DAY, 10**13), st.integers(0, 10 * DAY), st.integers(0, 3 * DAY))
def test_a_replay_begins_now_at_the_same_time_of_day_in_the_data(now, data_start, lead):
    position, shift = first_position(now, data_start, lead)
    assert position + shift == now
    assert shift % DAY == 0
    assert data_start + lead <= position < data_start + lead + DAY


def test_market_time_runs_at_its_speed_stands_while_paused_and_never_jumps_when_changed():
    clock = ReplayClock(1_000, 50_000, 60.0)
    assert clock.market_ms(2_000) == 110_000
    assert clock.real_ms(110_000) == 2_000
    slower = clock.at_speed(1.0, 2_000)
    assert [slower.market_ms(at) for at in (2_000, 3_000)] == [110_000, 111_000]
    paused = slower.pause(3_000)
    assert paused.market_ms(9_000) == 111_000
    assert paused.step(500).market_ms(9_000) == 111_500
    resumed = paused.resume(9_000)
    assert [resumed.market_ms(at) for at in (9_000, 10_000)] == [111_000, 112_000]


def test_market_time_does_not_run_backwards_when_the_real_clock_does():
    assert ReplayClock(1_000, 50_000, 60.0).market_ms(500) == 50_000


def test_who_goes_on_after_429_is_banned_for_twice_as_long_each_time_up_to_three_days():
    meter, now, spans = Meter(Limits(weight_per_minute=1, refusals_before_ban=2)), 0, []
    for _ in range(13):
        now += 60_000 - now % 60_000
        meter.weigh("a", 1, now)
        refusals = []
        for _ in range(3):
            with pytest.raises(TooMany) as refused:
                meter.weigh("a", 1, now)
            refusals.append(type(refused.value))
        assert refusals == [TooMany, TooMany, Banned]
        assert meter.weigh("b", 1, now) == 1, "another address is not banned"
        with pytest.raises(Banned) as refused:
            meter.connect("a", now)
        spans.append(refused.value.retry_after_s)
        until = now + refused.value.retry_after_s * 1_000
        assert refused.value.message == (
            f"Way too many requests; IP(a) banned until {until}. Please use the websocket for live updates to avoid bans."
        )
        now = until
    assert spans == [min(120 * 2**number, 3 * 86_400) for number in range(13)]
    now += 4 * DAY
    meter.weigh("a", 1, now)
    for _ in range(3):
        with pytest.raises(TooMany) as refused:
            meter.weigh("a", 1, now)
    assert refused.value.retry_after_s == 120, "forgiven"


def test_funding_history_has_a_pool_of_its_own():
    meter = Meter(Limits(funding_per_five_minutes=2))
    assert [meter.weigh("a", 1, 0, FUNDING) for _ in range(2)] == [0, 0]
    with pytest.raises(TooMany) as refused:
        meter.weigh("a", 1, 60_000, FUNDING)
    assert (refused.value.code, refused.value.retry_after_s) == (-1003, 240)
    assert "current limit of IP(a) is 2 requests per 5 minutes" in refused.value.message
    assert meter.weigh("a", 1, 60_000) == 1
    assert meter.weigh("a", 1, 300_000, FUNDING) == 0
