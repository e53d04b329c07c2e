"""The perpetual's premium over its index, and the funding rate that follows from it."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from perpmesh.exchange_sim.domain.candles import Seeds

FUNDING_SECONDS = 8 * 3_600
EIGHT_PLACES = Decimal("0.00000001")
INTEREST, DAMPER, CAP = 0.0001, 0.0005, 0.02
# 2023-2025 on BTCUSDT the rate's quartiles are 0.0029, 0.0077 and 0.0100 % per eight hours; a premium a
# little under -0.04 % with this spread gives them back through the exchange's own formula.
MEAN, SPREAD = -0.00042, 0.00009
# Days on which the crowd leans to one side and pays for it: (how many of all days, what is added to the premium).
CROWDED: Final = ((0.05, 0.0012),)
EXTREME: Final = (*CROWDED, (0.01, 0.0030), (0.01, -0.0020))
KNOTS_KEPT = 1_000


class Premium:
    """A slow seeded premium, and funding as the venue computes it, unless real rates are given."""

    def __init__(
        self,
        seeds: Seeds,
        symbol: str,
        real: Mapping[int, Decimal] | None = None,
        crowds: Sequence[tuple[float, float]] = CROWDED,
    ) -> None:
        self._seeds, self._symbol, self._crowds = seeds, symbol, crowds
        self._real = dict(real or {})
        self._real_times: Sequence[int] = sorted(self._real)
        self._knots: dict[int, float] = {}

    def at(self, second: int) -> float:
        """Return the premium as a fraction at a market second: straight lines between hourly knots."""
        hour, inside = divmod(second, 3_600)
        return self._knot(hour) + (self._knot(hour + 1) - self._knot(hour)) * inside / 3_600

    def funding_rate(self, settles_at: int) -> Decimal:
        """Return the rate settled at a market second that is a multiple of eight hours."""
        if self._real:
            return self._nearest_real(settles_at)
        hour = settles_at // 3_600
        average = sum(self._knot(at) for at in range(hour - 8, hour)) / 8
        rate = average + min(max(INTEREST - average, -DAMPER), DAMPER)
        return Decimal(min(max(rate, -CAP), CAP)).quantize(EIGHT_PLACES, ROUND_HALF_EVEN)

    def _nearest_real(self, settles_at: int) -> Decimal:
        """Given rates go round: a replay longer than its file starts the file again."""
        first, last = self._real_times[0], self._real_times[-1]
        span = last - first + FUNDING_SECONDS
        wanted = first + (settles_at - first) % span
        at = min(bisect_left(self._real_times, wanted - FUNDING_SECONDS // 2), len(self._real_times) - 1)
        return self._real[self._real_times[at]]

    def _knot(self, hour: int) -> float:
        value = self._knots.get(hour)
        if value is None:
            if len(self._knots) > KNOTS_KEPT:
                self._knots.clear()
            value = self._seeds(f"premium:{self._symbol}:{hour}").gauss(MEAN, SPREAD)
            draw = self._seeds(f"crowd:{self._symbol}:{hour // 24}").random()
            for days, paid in self._crowds:
                value += paid if 0 <= draw < days else 0.0
                draw -= days
            self._knots[hour] = value
        return value


def next_funding_second(second: int) -> int:
    """Return the first settlement after `second`."""
    return (second // FUNDING_SECONDS + 1) * FUNDING_SECONDS
