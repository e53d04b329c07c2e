"""Loss limits: by market time, on equity with unrealised PnL, and on the run of losing trades."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpmesh.kernel.time import MS_PER_DAY
from perpmesh.risk_safety.domain.ess import Trigger
from perpmesh.risk_safety.domain.losses import EquityFigures, Limits, TradeFigures

D = Decimal
LIMITS = Limits(daily_loss=D("0.03"), weekly_loss=D("0.06"), drawdown=D("0.10"), consecutive_losses=3)
MONDAY = (1_700_000_000_000 // MS_PER_DAY + 6) // 7 * 7 * MS_PER_DAY + 4 * MS_PER_DAY  # 1970-01-01 was a Thursday


def story(*reports: tuple[int, str]) -> EquityFigures:
    figures = EquityFigures()
    for day_offset_ms, equity in reports:
        figures = figures.reported(D(equity), MONDAY + day_offset_ms)
    return figures


def test_a_fall_to_the_daily_limit_trips_and_one_short_of_it_does_not():
    assert story((0, "10000"), (1, "9700.01")).breach(LIMITS) is None
    breach = story((0, "10000"), (1, "9700")).breach(LIMITS)
    assert breach is not None
    assert breach.trigger is Trigger.DAILY_LOSS
    assert breach.evidence == {
        "measured": "0.03", "limit": "0.03", "window": "the market day (UTC)", "market_time_ms": str(MONDAY + 1),
        "loss": "0.03", "from": "10000", "equity": "9700",
    }  # fmt: skip


def test_a_new_market_day_starts_from_the_old_ones_last_equity():
    figures = story((0, "10000"), (1, "9800"), (MS_PER_DAY, "9700"))
    assert figures.day_start == D(9800)
    assert figures.week_start == D(10000)
    assert figures.breach(LIMITS) is None


def test_a_loss_while_nobody_looked_counts_into_the_day_it_is_seen_in():
    breach = story((0, "10000"), (2 * MS_PER_DAY, "9600")).breach(LIMITS)
    assert breach is not None
    assert breach.trigger is Trigger.DAILY_LOSS


def test_losses_of_several_days_reach_the_weekly_limit():
    figures = story((0, "10000"), (1, "9800"), (MS_PER_DAY, "9600"), (2 * MS_PER_DAY, "9400"))
    breach = figures.breach(LIMITS)
    assert breach is not None
    assert breach.trigger is Trigger.WEEKLY_LOSS
    assert story((0, "10000"), (7 * MS_PER_DAY - 1, "9800"), (7 * MS_PER_DAY, "9750")).week_start == D(9800)


def test_a_fall_from_the_highest_equity_is_a_drawdown_however_long_it_takes():
    days = [(n * MS_PER_DAY, str(10_000 - n * 100)) for n in range(11)]
    breach = story(*days).breach(LIMITS)
    assert breach is not None
    assert breach.trigger is Trigger.DRAWDOWN


@given(st.lists(st.tuples(st.integers(0, 20 * MS_PER_DAY), st.integers(1, 20_000)), min_size=1))
def test_no_order_of_reports_raises_equity_above_its_peak_or_makes_a_loss_negative(reports):
    figures = EquityFigures()
    for offset, equity in reports:
        figures = figures.reported(D(equity), MONDAY + offset)
        assert figures.peak >= figures.equity
        assert min(figures.daily_loss, figures.weekly_loss, figures.drawdown) >= 0
        assert figures.drawdown <= 1


def test_a_win_ends_a_run_of_losses_and_a_trade_that_ends_even_does_not():
    figures = TradeFigures()
    for sequence, pnl in enumerate(("-1", "-1", "0", "5", "-1", "0", "-1"), 1):
        figures = figures.closed(D(pnl), sequence)
    assert figures.consecutive_losses == 2
    assert figures.breach(LIMITS) is None
    figures = figures.closed(D("-0.01"), 8)
    breach = figures.breach(LIMITS)
    assert breach is not None
    assert breach.trigger is Trigger.CONSECUTIVE_LOSSES


def test_a_trade_whose_result_cannot_be_read_counts_as_a_loss_and_is_counted():
    figures = TradeFigures(sequence=4).closed(None, 5)
    assert (figures.consecutive_losses, figures.sequence) == (1, 5)


def test_a_reset_forgives_what_tripped_and_nothing_else():
    figures = story((0, "10000"), (1, "9690"))
    forgiven = figures.forgiven(LIMITS)
    assert forgiven.breach(LIMITS) is None
    assert (forgiven.day_start, forgiven.week_start, forgiven.peak) == (D(9690), D(10000), D(10000))
    assert TradeFigures(consecutive_losses=2).forgiven(LIMITS).consecutive_losses == 2
    assert TradeFigures(consecutive_losses=3).forgiven(LIMITS).consecutive_losses == 0


@pytest.mark.parametrize("equity", ["0", "-5"])
def test_an_account_that_is_gone_is_a_drawdown(equity):
    breach = story((0, "10000"), (1, equity)).breach(LIMITS)
    assert breach is not None
    assert breach.trigger is Trigger.DRAWDOWN
