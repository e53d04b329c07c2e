import numpy as np
import pytest
from tests.unit.features.random_markets import random_bars

from perpmesh.features import Bars, adx, atr, ema, realised_volatility, rsi


def recursive(values, alpha):
    average, out = None, []
    for value in values:
        if np.isnan(value):
            out.append(np.nan)
            continue
        average = value if average is None else average + alpha * (value - average)
        out.append(average)
    return np.asarray(out)


def test_the_windowed_average_is_close_to_the_textbook_one():
    bars = random_bars(4, 2_000)
    assert np.allclose(ema(bars.close, 48)[-1], recursive(bars.close, 2 / 49)[-1], rtol=2e-3)
    ranges = np.maximum(bars.high[1:], bars.close[:-1]) - np.minimum(bars.low[1:], bars.close[:-1])
    assert np.allclose(atr(bars)[-1], recursive(ranges, 1 / 14)[-1], rtol=1e-3)


def test_realised_volatility_finds_the_volatility_that_was_put_in():
    bars = random_bars(4, 20_000, sigma=0.002)
    expected = 0.002 * np.sqrt(365 * 96)
    assert np.nanmean(realised_volatility(bars, 96)) == pytest.approx(expected, rel=0.03)


def test_a_straight_line_up_has_full_rsi_and_adx():
    line = 100.0 + np.arange(400.0)
    bars = Bars(900_000 * np.arange(400), line, line + 0.5, line - 0.5, line + 0.25, np.ones(400))
    assert rsi(bars)[-1] == pytest.approx(100.0)
    assert adx(bars)[-1] == pytest.approx(100.0)


def test_values_before_the_window_is_full_are_nan():
    bars = random_bars(4, 300)
    assert np.isnan(atr(bars)[:112]).all()
    assert np.isfinite(atr(bars)[112:]).all()
    assert np.isnan(ema(bars.close, 12)[:23]).all()
