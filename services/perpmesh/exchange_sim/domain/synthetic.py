"""A market out of chance alone: regimes, clustered volatility, jumps, gaps, flash crashes, symbols that move together.

Calibrated on the shipped month of one-minute candles: see docs/EXCHANGE.md, "The market".
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from perpmesh.exchange_sim.domain.candles import MINUTES_PER_DAY, Columns, Seeds
from perpmesh.exchange_sim.domain.draws import Floats, exponential, normals, uniforms
from perpmesh.kernel.chance import Chance


@dataclass(frozen=True, slots=True)
class Nature:
    """What sets one symbol apart."""

    price: float  # where it begins and is drawn back to
    move: float  # standard deviation of a quiet minute's return
    coins: float  # traded in a median minute
    beta: float  # its share in jumps and crashes that hit all symbols


@dataclass(frozen=True, slots=True)
class Regime:
    """A mood of the market: how strongly it moves, and how many minutes it lasts on average."""

    volatility: float
    minutes: int


NATURES: Final[dict[str, Nature]] = {
    "BTCUSDT": Nature(100_000.0, 0.00038, 96.0, 1.0),
    "ETHUSDT": Nature(2_600.0, 0.00076, 3_700.0, 1.5),
}
REGIMES: Final = (Regime(0.55, 600), Regime(1.0, 700), Regime(1.9, 180), Regime(4.0, 25))  # calm … panic
NEXT: Final = ((0.0, 0.9, 0.1, 0.0), (0.6, 0.0, 0.38, 0.02), (0.1, 0.8, 0.0, 0.1), (0.0, 0.2, 0.8, 0.0))
# fmt: off
SEASON: Final = (  # by UTC hour
    1.2, 1.2, 1.0, 0.85, 0.78, 0.69, 0.76, 0.9, 0.9, 0.84, 0.77, 0.76,
    0.93, 1.27, 1.49, 1.29, 1.2, 1.11, 1.11, 1.0, 0.89, 0.97, 1.03, 1.08,
)
# fmt: on
TOGETHER = 0.73  # correlation of one-minute returns
PERSISTENCE, RESTLESSNESS = 0.93, 0.13  # of the logarithm of volatility within a regime
BURST = 0.38  # the same from one minute to the next, without memory: fat tails
JUMP, GAP, CRASH = 1 / 900, 1 / 3_000, 1 / 14_400  # chances per minute
JUMP_SIZE, GAP_SIZE = 9.0, 5.0  # in quiet minutes' moves
CRASH_DEPTHS, CRASH_MINUTES, RECOVERY_MINUTES = (0.04, 0.12), 4, 45
RECOVERED = 0.7  # of a crash is made good
PULL = 1 / 20_000  # a minute, towards the first price
WICK = 0.42  # of a minute's move, beyond its open and close
VOLUME_SPREAD, VOLUME_MEMORY, VOLUME_BY_MOVE = 0.38, 0.8, 0.75


@dataclass(frozen=True, slots=True)
class Mood:
    """What happens to all symbols on one day, minute by minute."""

    volatility: Floats
    common: Floats  # normal
    shock: Floats  # jumps and crashes, as returns of a symbol of beta 1
    gap: Floats  # the same, between two minutes


class Moods:
    """The days of the whole market, one after the other; every symbol of a seed lives through the same ones."""

    def __init__(self, seeds: Seeds) -> None:
        self._seeds = seeds
        self._day = 0
        self._regime, self._log = 1, 0.0

    def next_day(self) -> Mood:
        chance = self._seeds(f"synthetic:mood:{self._day}")
        self._day += 1
        volatility = self._volatility(chance) * np.repeat(np.array(SEASON), 60)
        shock, gap = np.zeros(MINUTES_PER_DAY), np.zeros(MINUTES_PER_DAY)
        quiet = NATURES["BTCUSDT"].move
        shock += np.where(_draws(chance) < JUMP, quiet * JUMP_SIZE * _normal(chance), 0.0)
        gap += np.where(_draws(chance) < GAP, quiet * GAP_SIZE * _normal(chance), 0.0)
        for minute in np.flatnonzero(_draws(chance) < CRASH).tolist():
            _crash(chance, minute, shock, volatility)
        return Mood(volatility, _normal(chance), shock, gap)

    def _volatility(self, chance: Chance) -> Floats:
        shakes, logs, levels = _normal(chance), np.empty(MINUTES_PER_DAY), np.empty(MINUTES_PER_DAY)
        for minute, shake in enumerate(shakes.tolist()):
            if chance.random() * REGIMES[self._regime].minutes < 1:
                self._regime = _pick(NEXT[self._regime], chance.random())
            self._log = PERSISTENCE * self._log + RESTLESSNESS * shake
            logs[minute], levels[minute] = self._log, REGIMES[self._regime].volatility
        return levels * exponential(logs + BURST * _normal(chance))


class Synthetic:
    """One symbol's endless market. The same seed gives the same days, whatever else is listed."""

    def __init__(self, symbol: str, scales: tuple[float, float], seeds: Seeds, *, around: float = 0.0) -> None:
        """Make the days of `symbol`, in units of `scales` (a tick's worth, a lot's size), `around` a price."""
        nature = NATURES[symbol]
        self._nature = replace(nature, price=around) if around else nature
        self._name = symbol
        self._tick, self._lot = scales
        self._seeds = seeds
        self._moods = Moods(seeds)
        self._day = 0
        self._busy = 0.0

    def next_day(self, close: int) -> Columns:
        chance, mood, nature = self._seeds(f"synthetic:{self._name}:{self._day}"), self._moods.next_day(), self._nature
        self._day += 1
        anchor = nature.price / self._tick
        last = float(close) if close else anchor
        own = TOGETHER**0.5 * mood.common + (1 - TOGETHER) ** 0.5 * _normal(chance)
        moves = nature.move * mood.volatility * own
        factor = 1 + moves + nature.beta * mood.shock + PULL * (anchor - last) / anchor
        opening = 1 + nature.beta * mood.gap
        close_ = last * np.cumprod(opening * factor)
        open_ = np.concatenate([[last], close_[:-1]]) * opening
        reach = nature.move * mood.volatility * WICK
        high = np.maximum(open_, close_) * (1 + reach * np.abs(_normal(chance)))
        low = np.minimum(open_, close_) * (1 - reach * np.abs(_normal(chance)))
        prices = np.maximum(np.rint(np.stack([open_, high, low, close_], axis=1)), 1).astype(np.int64)
        activity = mood.volatility * 0.5 + np.abs(factor * opening - 1) / nature.move * 0.5
        return np.column_stack([prices, self._volume(chance, activity)])

    def _volume(self, chance: Chance, activity: Floats) -> Columns:
        """Draw lots traded: more when the price moves, and with a memory of their own."""
        logs = np.empty(MINUTES_PER_DAY)
        for minute, shake in enumerate(_normal(chance).tolist()):
            self._busy = VOLUME_MEMORY * self._busy + VOLUME_SPREAD * shake
            logs[minute] = self._busy
        weight = exponential(logs) * (1 - VOLUME_BY_MOVE + VOLUME_BY_MOVE * activity * np.sqrt(activity))
        return np.maximum(np.rint(self._nature.coins / self._lot * weight), 1).astype(np.int64)


def _crash(chance: Chance, minute: int, shock: Floats, volatility: Floats) -> None:
    """Fall for a few minutes, come back over most of an hour; panic meanwhile. A crash does not outlast its day."""
    shallow, deep = CRASH_DEPTHS
    depth = shallow + (deep - shallow) * chance.random() ** 2
    begin = min(minute, MINUTES_PER_DAY - CRASH_MINUTES - RECOVERY_MINUTES - 1)
    back = begin + CRASH_MINUTES
    shock[begin:back] -= depth / CRASH_MINUTES
    volatility[begin : back + RECOVERY_MINUTES] *= 2.5
    shock[back : back + RECOVERY_MINUTES] += RECOVERED * depth / RECOVERY_MINUTES


def _pick(weights: tuple[float, ...], draw: float) -> int:
    for index, weight in enumerate(weights):
        draw -= weight
        if draw < 0:
            return index
    return len(weights) - 1


def _draws(chance: Chance) -> Floats:
    return uniforms(chance.randrange(1 << 60), MINUTES_PER_DAY)


def _normal(chance: Chance) -> Floats:
    return normals(chance.randrange(1 << 60), MINUTES_PER_DAY)
