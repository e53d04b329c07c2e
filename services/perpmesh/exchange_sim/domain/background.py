"""The book that everybody else makes: spread, levels and sizes around the last price."""

from dataclasses import dataclass
from functools import lru_cache

NEAR, GRID = 5, (10, 100, 1_000)  # five levels at the touch, then ever coarser grids of ticks
PER_GRID = (10, 10, 8)
WIDE_SPREADS = ((0.90, 1), (0.97, 2), (0.99, 5), (1.0, 29))  # the capture's: 1 tick median, 2 at p95, 29 at p99
MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class BackgroundBook:
    """Levels of (price in ticks, size in lots), best first."""

    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]


def background(price: int, *, buying: bool, salt: int, touch_lots: int) -> BackgroundBook:
    """Draw the book after a print at `price`.

    Args:
        price: the print, in ticks.
        buying: whether the print lifted the ask, which then is where it printed.
        salt: varies with time; levels on the coarse grids keep their size within a salt's minute.
        touch_lots: the typical size of one level at the touch.
    """
    spread = _spread(mix(salt, 1))
    ask, bid = (price, price - spread) if buying else (price + spread, price)
    minute = salt // 60
    return BackgroundBook(
        _side(max(bid, 1), -1, salt, minute, touch_lots), _side(max(ask, 2), 1, salt, minute, touch_lots)
    )


def _side(best: int, step: int, salt: int, minute: int, touch: int) -> tuple[tuple[int, int], ...]:
    levels = [
        (best + step * away, _size(touch, best + step * away, salt)) for away in range(NEAR) if best + step * away > 0
    ]
    for grid, count, weight in zip(GRID, PER_GRID, (2, 5, 12), strict=True):
        at = levels[-1][0]
        levels += _grid(at // grid if step < 0 else -(-at // grid), step * grid, count, touch * weight, minute)
    return tuple(levels)


@lru_cache(maxsize=1_024)
def _grid(line: int, step: int, count: int, typical: int, minute: int) -> tuple[tuple[int, int], ...]:
    """Return the levels on `count` grid lines behind one; they are the same at every tick of a minute."""
    prices = (line * abs(step) + step * away for away in range(1, count + 1))
    return tuple((at, _size(typical, at, minute)) for at in prices if at > 0)


def _size(typical: int, price: int, salt: int) -> int:
    """Return between a quarter and four times the typical size, skewed to the small, as real levels are."""
    draw = (mix(price, salt) & 0xFFFF) / 0x10000
    return max(int(typical * 4.0 ** (2 * draw - 1)), 1)


def _spread(draw: int) -> int:
    fraction = (draw & 0xFFFF) / 0x10000
    return next(ticks for limit, ticks in WIDE_SPREADS if fraction < limit)


def mix(a: int, b: int) -> int:
    """Return 64 well-stirred bits of two integers (splitmix64's finaliser); the same on every machine."""
    z = (a * 0x9E3779B97F4A7C15 + b * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)
