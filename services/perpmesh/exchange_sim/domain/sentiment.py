"""What Binance's statistics pages tell of a market's crowd, derived here from candles: the same market, the same crowd.

Nobody stands behind the background's trades, so how many are long is a guess that behaves like the real figures: the
many lean against the last move, the large accounts with it, and open interest follows the day's turnover.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from perpmesh.exchange_sim.domain.klines import Kline

FOUR_PLACES = Decimal("0.0001")
OPEN_INTEREST_SHARE = Decimal("0.4")  # of a day's volume
DAY_MINUTES = 1_440
LEAST, MOST = Decimal("0.2000"), Decimal("0.8000")


class Crowd(Enum):
    """Whose positions are counted: what they hold when nothing moves, and how they lean with a move of 1 %."""

    EVERYBODY = (Decimal("0.55"), Decimal("-0.03"))
    TOP_ACCOUNTS = (Decimal("0.57"), Decimal("-0.02"))
    TOP_POSITIONS = (Decimal("0.52"), Decimal("0.02"))


@dataclass(frozen=True, slots=True)
class Shares:
    """Long and short, summing to one."""

    long: Decimal

    @property
    def short(self) -> Decimal:
        return 1 - self.long

    @property
    def ratio(self) -> Decimal:
        return (self.long / self.short).quantize(FOUR_PLACES)


def shares(crowd: Crowd, kline: Kline) -> Shares:
    """Return how a crowd is positioned at the end of a candle."""
    rest, lean = crowd.value
    moved_percent = Decimal(kline.close - kline.open) * 100 / kline.open
    return Shares(min(max(rest + lean * moved_percent, LEAST), MOST).quantize(FOUR_PLACES))


def open_interest_lots(minutes: int, rows: Sequence[Kline]) -> int:
    """Return the background's open interest in lots at the end of the last of `rows`, candles of `minutes` each."""
    span = minutes * len(rows)
    traded = sum(row.volume for row in rows)
    return int(OPEN_INTEREST_SHARE * traded * DAY_MINUTES / span) if span else 0
