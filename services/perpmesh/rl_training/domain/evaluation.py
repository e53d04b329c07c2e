"""Judging sizes on bars nobody has learnt from, beside doing nothing and beside a fixed size."""

import math
from dataclasses import dataclass

import numpy as np

from perpmesh.kernel.time import MS_PER_DAY
from perpmesh.rl_training.domain.accounting import RUIN, Costs, drifted, net_return
from perpmesh.rl_training.domain.market import Floats, Market, Times

DAYS_PER_YEAR = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """How one way of sizing did, after fees, spread and funding, all symbols in one account."""

    policy: str
    total_return: float
    sharpe: float  # of daily simple returns, times the root of 365; 0 when nothing moved
    max_drawdown: float  # a positive fraction
    turnover: float  # in multiples of equity


def evaluations(market: Market, multipliers: Floats, costs: Costs) -> tuple[Evaluation, ...]:
    """Return how the model's multipliers did, and the two it must be compared with."""
    return (
        evaluate("model", market, multipliers, costs),
        evaluate("flat", market, np.zeros_like(multipliers), costs),
        evaluate("fixed", market, np.ones_like(multipliers), costs),
    )


def evaluate(policy: str, market: Market, multipliers: Floats, costs: Costs) -> Evaluation:
    """Walk once through the market holding `multipliers` [symbols, n] of the base position, and close at the end."""
    held = np.zeros(len(market.returns))
    net = np.zeros(len(market))
    turnover = 0.0
    for bar in range(len(market)):
        wanted = multipliers[:, bar] * market.base[:, bar]
        returns = market.returns[:, bar]
        net[bar] = net_return(held, wanted, returns, market.funding[:, bar], costs).sum()
        turnover += float(np.abs(wanted - held).sum())
        held = drifted(wanted, returns)
    closing = float(np.abs(held).sum())
    net[-1] -= costs.rate * closing
    equity: Floats = np.cumprod(np.maximum(1.0 + net, RUIN), dtype=np.float64)
    return Evaluation(
        policy=policy,
        total_return=float(equity[-1] - 1.0),
        sharpe=sharpe(daily_returns(market.time_ms, equity)),
        max_drawdown=max_drawdown(equity),
        turnover=turnover + closing,
    )


def daily_returns(time_ms: Times, equity: Floats) -> Floats:
    """Return simple returns per UTC day; equity starts at 1, and a bar belongs to the day it was decided in."""
    last_of_day = np.append(np.diff(time_ms // MS_PER_DAY) != 0, True)
    closes = np.concatenate([[1.0], equity[last_of_day]])
    result: Floats = np.diff(closes) / closes[:-1]
    return result


def sharpe(daily: Floats) -> float:
    spread = float(daily.std(ddof=1)) if daily.size > 1 else 0.0
    return float(daily.mean()) / spread * math.sqrt(DAYS_PER_YEAR) if spread > 0.0 else 0.0


def max_drawdown(equity: Floats) -> float:
    peaks = np.maximum.accumulate(np.concatenate([[1.0], equity]))[1:]
    return float(np.max(1.0 - equity / peaks, initial=0.0))
