"""The trades that a second's volume is made of: their sizes as on the venue's own tape."""

from collections.abc import Sequence
from typing import Final

from perpmesh.exchange_sim.domain.background import mix

# Sizes of 21,313 trades of BTCUSDT on 2024-08-08 (hftbacktest, MIT), as multiples of their median: 32 quantiles.
# fmt: off
SIZES: Final = (
    0.12, 0.12, 0.12, 0.12, 0.12, 0.12, 0.12, 0.19, 0.19, 0.25, 0.31, 0.38, 0.5, 0.62, 0.75, 0.94,
    1.12, 1.38, 1.56, 2.0, 2.25, 2.81, 3.62, 4.56, 5.37, 6.69, 8.94, 10.31, 15.12, 20.0, 30.88, 59.0,
)
# fmt: on
MEAN: Final = sum(SIZES) / len(SIZES)
AT_MOST: Final = 16  # trades in one second: who reads slowly is not flooded; a busier second has larger ones
MEDIAN_WORTH: Final = 1_000  # USDT: 0.016 BTC


def sizes(lots: int, median: float, salt: int) -> Sequence[int]:
    """Divide `lots` into trades around a `median` size; they add up to it exactly."""
    typical = max(median, lots / (AT_MOST * MEAN))
    made: list[int] = []
    while lots > 0 and len(made) < AT_MOST - 1:
        size = min(max(round(typical * SIZES[mix(salt, len(made)) & 31]), 1), lots)
        made.append(size)
        lots -= size
    return (*made, lots) if lots else made
