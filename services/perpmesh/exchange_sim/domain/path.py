"""A candle's inside: a seeded walk that opens, tops, bottoms and closes exactly where the candle says."""

from bisect import bisect_right
from dataclasses import dataclass

from perpmesh.exchange_sim.domain.candles import Candle
from perpmesh.kernel.chance import Chance

ANCHORS = (0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 59)  # the seconds of a minute where the walk turns
LAST = len(ANCHORS) - 1
CONTRARY = 0.2  # of candles visit the far extreme first
WOBBLE = 0.12  # of the candle's range, the walk's noise between its four given points


@dataclass(frozen=True, slots=True)
class CandlePath:
    """Price in ticks and traded volume in lots at any second of one minute."""

    prices: tuple[int, ...]  # at ANCHORS
    traded: tuple[int, ...]  # lots traded in the minute up to and including each anchor

    def price_at(self, second: int) -> int:
        """Return the price at `second` (0…59), between anchors on a straight line."""
        right = bisect_right(ANCHORS, second)
        if right > LAST:
            return self.prices[LAST]
        return _between(self.prices, right, second)

    def traded_until(self, second: int) -> int:
        """Return the lots traded in this minute up to and including `second`; -1 is before the minute."""
        if second < 0:
            return 0
        right = bisect_right(ANCHORS, second)
        return self.traded[LAST] if right > LAST else _between(self.traded, right, second)


def walk(candle: Candle, chance: Chance) -> CandlePath:
    """Draw the path of one candle."""
    given = _given_points(candle, chance)
    prices = _fill(given, candle, chance)
    weights = [0.2 + chance.random() for _ in ANCHORS]
    total, running, traded = sum(weights), 0.0, []
    for weight in weights:
        running += weight
        traded.append(int(candle.volume * running / total))
    traded[LAST] = candle.volume
    return CandlePath(tuple(prices), tuple(traded))


def _given_points(candle: Candle, chance: Chance) -> dict[int, int]:
    """Place open and close at the ends, and the extremes inside, the near one first: a rising candle dips first."""
    first, second = 1 + chance.randrange(5), 6 + chance.randrange(5)
    rising = candle.close >= candle.open
    if chance.random() < CONTRARY:
        rising = not rising
    low_at, high_at = (first, second) if rising else (second, first)
    given = {0: candle.open, LAST: candle.close}
    if candle.high > max(candle.open, candle.close):
        given[high_at] = candle.high
    if candle.low < min(candle.open, candle.close):
        given[low_at] = candle.low
    return given


def _fill(given: dict[int, int], candle: Candle, chance: Chance) -> list[int]:
    known = sorted(given)
    spread = WOBBLE * (candle.high - candle.low)
    prices = []
    for at in range(len(ANCHORS)):
        if at in given:
            prices.append(given[at])
            continue
        left = max(point for point in known if point < at)
        right = min(point for point in known if point > at)
        line = given[left] + (given[right] - given[left]) * (at - left) / (right - left)
        prices.append(min(max(round(line + chance.gauss(0.0, 1.0) * spread), candle.low), candle.high))
    return prices


def _between(values: tuple[int, ...], right: int, second: int) -> int:
    left, width = ANCHORS[right - 1], ANCHORS[right] - ANCHORS[right - 1]
    return values[right - 1] + (values[right] - values[right - 1]) * (second - left) // width
