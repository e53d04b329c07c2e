"""Bars in, numbers out: the one implementation of features for serving, backtest and training."""

from perpmesh.features.bars import Bars, resample
from perpmesh.features.indicators import adx, atr, ema, realised_volatility, rsi
from perpmesh.features.regime import UNKNOWN, Liquidity, Measures, Regime, Trend, Volatility, classify, follow, measure
from perpmesh.features.vector import (
    FEATURE_NAMES,
    INTERVAL_MS,
    SCHEMA_HASH,
    WARMUP_BARS,
    FeatureVector,
    compute,
    compute_all,
)

__all__ = [
    "FEATURE_NAMES",
    "INTERVAL_MS",
    "SCHEMA_HASH",
    "UNKNOWN",
    "WARMUP_BARS",
    "Bars",
    "FeatureVector",
    "Liquidity",
    "Measures",
    "Regime",
    "Trend",
    "Volatility",
    "adx",
    "atr",
    "classify",
    "compute",
    "compute_all",
    "ema",
    "follow",
    "measure",
    "realised_volatility",
    "resample",
    "rsi",
]
