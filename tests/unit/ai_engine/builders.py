"""Markets, limits and holdings to decide on, each with sensible defaults."""

from dataclasses import replace
from decimal import Decimal

import numpy as np

from perpmesh.ai_engine.domain.limits import Limits
from perpmesh.ai_engine.domain.market import MarketView, view
from perpmesh.ai_engine.domain.proposal import Direction
from perpmesh.ai_engine.domain.situation import Situation
from perpmesh.ai_engine.domain.sizing import FullSize
from perpmesh.ai_engine.domain.standing import Holding, Quote, Standing
from perpmesh.features import INTERVAL_MS, Bars, Regime, Trend, Volatility
from perpmesh.kernel.instrument import Instrument

LIMITS = Limits(
    revision=7, decision_ttl_ms=5000, target_volatility=Decimal("0.30"), max_position_weight=Decimal("0.5"),
    max_risk_per_trade=Decimal("0.005"), max_stop_distance=Decimal("0.10"), min_confidence=Decimal("0.55"),
    stop_atr_multiple=Decimal("2.0"), take_profit_atr_multiple=Decimal("4.0"), min_hold_bars=4,
    min_edge_cost_ratio=Decimal("1.5"), amplification_enabled=True, use_model=True,
)  # fmt: skip
BTC = Instrument(
    symbol="BTCUSDT", tick=Decimal("0.10"), step=Decimal("0.001"), min_quantity=Decimal("0.001"),
    max_quantity=Decimal(1000), market_max_quantity=Decimal(120), min_notional=Decimal(50),
)  # fmt: skip
START_MS = 1_746_400_500_000 // INTERVAL_MS * INTERVAL_MS


def bars_of(closes, wiggle=0.001) -> Bars:
    """Bars that close at `closes`, each opening where the one before closed, with a little air around."""
    closes = np.asarray(closes, dtype=np.float64)
    opens = np.concatenate([closes[:1], closes[:-1]])
    air = wiggle * closes[0]
    times = START_MS + INTERVAL_MS * np.arange(len(closes))
    top, bottom = np.maximum(opens, closes) + air, np.minimum(opens, closes) - air
    return Bars(times, opens, top, bottom, closes, np.full(len(closes), 50.0))


def rising(count=300, slope=0.001, start=100_000.0):
    return start * (1.0 + slope * np.arange(count))


def mirrored(bars: Bars, axis: float) -> Bars:
    """The same market turned upside down around `axis`."""
    return Bars(
        bars.open_time_ms, 2 * axis - bars.open, 2 * axis - bars.low, 2 * axis - bars.high, 2 * axis - bars.close,
        bars.volume,
    )  # fmt: skip


def a_view(**changes) -> MarketView:
    """A strong rise."""
    plain = MarketView(
        symbol="BTCUSDT", bar_open_ms=START_MS, bar_close_ms=START_MS + INTERVAL_MS, close=100_000.0, atr=300.0,
        trend=2.0, strength=35.0, direction=20.0, zscore=1.5, stretch=3.0, oscillator=0.4, volatility=0.4,
        regime=Regime(Trend.UP, Volatility.NORMAL),
    )  # fmt: skip
    return replace(plain, **changes)


def in_range(**changes) -> MarketView:
    """A range, the price well under its mean."""
    quiet = {"trend": -0.3, "strength": 15.0, "direction": -5.0, "regime": Regime(Trend.RANGE, Volatility.NORMAL)}
    return a_view(**{**quiet, "zscore": -1.8, "stretch": -4.0, "oscillator": -0.3, **changes})


def a_holding(**changes) -> Holding:
    """A long of one R = 240 USDT, protected."""
    plain = Holding(
        trade_id="trade-1", strategy="trend_following", direction=Direction.LONG, quantity=Decimal("0.100"),
        entry_price=Decimal(97_000), stop_price=Decimal(94_600), initial_risk=Decimal(240),
        opened_at_ms=START_MS - 20 * INTERVAL_MS, protected=True, settled=True,
    )  # fmt: skip
    return replace(plain, **changes)


def a_situation(view=None, holding=None, equity=Decimal(10_000), **changes) -> Situation:
    plain = Situation(
        instrument=BTC, limits=LIMITS, sizing=FullSize(), view=view or a_view(), features=None,
        quote=Quote(bid=Decimal("99999.9"), ask=Decimal("100000.0"), stale=False),
        standing=Standing(equity=equity, holding=holding),
    )  # fmt: skip
    return replace(plain, **changes)


def view_of(closes) -> MarketView:
    found = view("BTCUSDT", bars_of(closes))
    assert found is not None
    return found
