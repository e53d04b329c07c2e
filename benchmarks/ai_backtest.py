"""What the engine would have done with the shipped candles: five-day runs from several starts, after costs.

The engine's own domain code decides; here only fills are simulated: at the close with half a spread, stops and targets
inside the following minutes at their price with the same half spread, taker fees on all, funding left out.
Run: `.venv/bin/python benchmarks/ai_backtest.py [--days 5] [--seed 7]`
"""

import argparse
import random
from dataclasses import dataclass, field, replace
from decimal import Decimal

from perpmesh.ai_engine.domain.decide import BAR_MS, decide
from perpmesh.ai_engine.domain.decision import Action, Verdict
from perpmesh.ai_engine.domain.limits import TAKER_FEE, Limits
from perpmesh.ai_engine.domain.market import MarketView, views
from perpmesh.ai_engine.domain.proposal import Direction
from perpmesh.ai_engine.domain.selector import Selector
from perpmesh.ai_engine.domain.situation import Situation
from perpmesh.ai_engine.domain.sizing import FullSize
from perpmesh.ai_engine.domain.standing import Holding, Quote, Standing
from perpmesh.ai_engine.domain.strategies import all_strategies
from perpmesh.features import Bars, resample
from perpmesh.kernel.instrument import Instrument
from perpmesh.platform import shipped_candles

HALF_SPREAD = Decimal("0.0001")
BALANCE = Decimal(10_000)
LIMITS = Limits(
    revision=1, decision_ttl_ms=5000, target_volatility=Decimal("0.30"), max_position_weight=Decimal("0.5"),
    max_risk_per_trade=Decimal("0.005"), max_stop_distance=Decimal("0.10"), min_confidence=Decimal("0.55"),
    stop_atr_multiple=Decimal("2.0"), take_profit_atr_multiple=Decimal("4.0"), min_hold_bars=4,
    min_edge_cost_ratio=Decimal("1.5"), amplification_enabled=True, use_model=True,
)  # fmt: skip


def instrument(symbol: str, tick: str, step: str, min_notional: int) -> Instrument:
    return Instrument(
        symbol=symbol, tick=Decimal(tick), step=Decimal(step), min_quantity=Decimal(step),
        max_quantity=Decimal(1000), market_max_quantity=Decimal(120), min_notional=Decimal(min_notional),
    )  # fmt: skip


INSTRUMENTS = {
    "BTCUSDT": instrument("BTCUSDT", "0.10", "0.001", 50),
    "ETHUSDT": instrument("ETHUSDT", "0.01", "0.001", 20),
}


@dataclass
class Market:
    """One symbol: its views by bar, and the minutes inside each bar."""

    minutes: Bars
    views: dict[int, MarketView]

    @classmethod
    def of(cls, symbol: str) -> "Market":
        c = shipped_candles.load(symbol)
        minutes = Bars(c.open_time_ms, c.open, c.high, c.low, c.close, c.volume)
        return cls(minutes, {view.bar_close_ms: view for view in views(symbol, resample(minutes, 15))})

    def inside(self, close_ms: int) -> list[tuple[float, float]]:
        start = int((close_ms - int(self.minutes.open_time_ms[0])) // 60_000)
        part = slice(start, start + 15)
        return list(zip(self.minutes.high[part].tolist(), self.minutes.low[part].tolist(), strict=True))


@dataclass
class Account:
    """Money, open trades, and what the loss limits would say."""

    equity: Decimal = BALANCE
    open: dict[str, tuple[Holding, Decimal, str]] = field(default_factory=dict)  # holding, target, regime
    rewards: list[tuple[str, float]] = field(default_factory=list)
    by_day: dict[int, Decimal] = field(default_factory=dict)
    curve: list[Decimal] = field(default_factory=list)
    fees: Decimal = Decimal(0)
    amplified: int = 0

    def enter(self, symbol: str, verdict: Verdict, view: MarketView) -> None:
        direction = Direction.LONG if verdict.action is Action.LONG else Direction.SHORT
        price = Decimal(repr(view.close)) * (1 + direction.value * HALF_SPREAD)
        self._pay(verdict.quantity * price, view.bar_close_ms)
        if verdict.amplification:
            held, target, regime = self.open[symbol]
            total = held.quantity + verdict.quantity
            entry = (held.entry_price * held.quantity + price * verdict.quantity) / total
            more = replace(held, quantity=total, entry_price=entry, stop_price=verdict.stop_price, amplified=True)
            self.open[symbol] = (more, target, regime)
            self.amplified += 1
            return
        self.open[symbol] = (
            Holding(
                trade_id="x", strategy=verdict.strategy, direction=direction, quantity=verdict.quantity,
                entry_price=price, stop_price=verdict.stop_price, opened_at_ms=view.bar_close_ms, protected=True,
                initial_risk=abs(price - verdict.stop_price) * verdict.quantity, settled=True,
            ),
            verdict.take_profit_price,
            view.regime.trend.value,
        )  # fmt: skip

    def leave(self, symbol: str, price: Decimal, at_ms: int, selector: Selector) -> Selector:
        held, _, regime = self.open.pop(symbol)
        out = price * (1 - held.direction.value * HALF_SPREAD)
        gain = (out - held.entry_price) * held.direction.value * held.quantity
        self._pay(held.quantity * out, at_ms)
        self.equity += gain
        self.by_day[at_ms // 86_400_000] = self.by_day.get(at_ms // 86_400_000, Decimal(0)) + gain
        net = gain - held.quantity * (held.entry_price + out) * TAKER_FEE
        reward = float(net / held.initial_risk)
        self.rewards.append((held.strategy, reward))
        return selector.rewarded(regime, held.strategy, reward)

    def _pay(self, notional: Decimal, at_ms: int) -> None:
        fee = notional * TAKER_FEE
        self.fees += fee
        self.equity -= fee
        self.by_day[at_ms // 86_400_000] = self.by_day.get(at_ms // 86_400_000, Decimal(0)) - fee


def run(markets: dict[str, Market], start_ms: int, days: float, seed: int) -> tuple[Account, int]:
    account, selector, first = Account(), Selector(), 0
    strategies = all_strategies()
    for now in range(start_ms, start_ms + int(days * 86_400_000), BAR_MS):
        for symbol, market in markets.items():
            view = market.views.get(now)
            if view is None:
                continue
            close = Decimal(repr(view.close))
            holding = account.open[symbol][0] if symbol in account.open else None
            situation = Situation(
                instrument=INSTRUMENTS[symbol], limits=LIMITS, sizing=FullSize(), view=view, features=None,
                quote=Quote(bid=close * (1 - HALF_SPREAD), ask=close * (1 + HALF_SPREAD), stale=False),
                standing=Standing(equity=account.equity, holding=holding),
            )  # fmt: skip
            text = f"{seed}|{symbol}|{view.regime.trend.value}|{len(account.rewards)}|{now // (4 * BAR_MS)}"
            verdict = decide(situation, strategies, selector, random.Random(text))
            if verdict.action is Action.CLOSE:
                selector = account.leave(symbol, close, now, selector)
            elif verdict.actionable:
                account.enter(symbol, verdict, view)
                first = first or now
            if symbol in account.open:
                selector = _inside(account, symbol, market, now, selector)
        marks = ((h, markets[s].views.get(now)) for s, (h, _, _) in account.open.items())
        floating = sum(
            ((Decimal(repr(v.close)) - h.entry_price) * h.direction.value * h.quantity for h, v in marks if v),
            Decimal(0),
        )
        account.curve.append(account.equity + floating)
    return account, (first - start_ms) // BAR_MS if first else -1


def _inside(account: Account, symbol: str, market: Market, now: int, selector: Selector) -> Selector:
    held, target, _ = account.open[symbol]
    stop, long = held.stop_price or Decimal(0), held.direction is Direction.LONG
    for high, low in market.inside(now):
        if (low <= stop) if long else (high >= stop):
            return account.leave(symbol, stop, now, selector)
        if target and ((high >= target) if long else (low <= target)):
            return account.leave(symbol, target, now, selector)
    return selector


def streak(rewards: list[tuple[str, float]]) -> int:
    longest = current = 0
    for _, reward in rewards:
        current = current + 1 if reward < 0 else 0
        longest = max(longest, current)
    return longest


def report(account: Account, first: int, label: str) -> None:
    rewards = [reward for _, reward in account.rewards]
    peak, fall = BALANCE, Decimal(0)
    for value in account.curve:
        peak = max(peak, value)
        fall = max(fall, (peak - value) / peak)
    worst = min(account.by_day.values(), default=Decimal(0)) / BALANCE
    wins = sum(reward > 0 for reward in rewards) / max(len(rewards), 1)
    mean = sum(rewards) / max(len(rewards), 1)
    kinds = {name: sum(1 for strategy, _ in account.rewards if strategy == name) for name, _ in account.rewards}
    end = (account.curve[-1] / BALANCE - 1) if account.curve else 0
    print(
        f"{label:>12} entry after {first:3d} bars  trades {len(rewards):3d}  wins {wins:4.0%}  mean {mean:+.2f} R  "
        f"return {end:+7.2%}  fees {account.fees / BALANCE:6.2%}  drawdown {fall:6.2%}  worst day {worst:+.2%}  "
        f"losses in a row {streak(account.rewards)}  amplified {account.amplified}  {kinds}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=float, default=5)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--starts", type=int, default=8)
    parser.add_argument("--spacing-hours", type=float, default=3)
    chosen = parser.parse_args()
    markets = {symbol: Market.of(symbol) for symbol in shipped_candles.SYMBOLS}
    first = int(markets["BTCUSDT"].minutes.open_time_ms[0]) + 5 * 86_400_000  # where the replay begins
    first += -first % BAR_MS
    for i in range(chosen.starts):
        start = first + int(i * chosen.spacing_hours * 3_600_000) // BAR_MS * BAR_MS
        account, waited = run(markets, start, chosen.days, chosen.seed)
        report(account, waited, f"+{i * chosen.spacing_hours:g} h")


if __name__ == "__main__":
    main()
