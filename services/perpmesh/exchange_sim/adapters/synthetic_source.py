"""A market made by chance: endless, and the same for the same seed."""

from dataclasses import dataclass

import numpy as np

from perpmesh.exchange_sim.adapters.origin import LEAD_MS, Origin, Rates, moved, seeds_of, spec_of
from perpmesh.exchange_sim.domain.candles import CandleSeries, Recorded
from perpmesh.exchange_sim.domain.feed import SymbolFeed
from perpmesh.exchange_sim.domain.premium import EXTREME, Premium
from perpmesh.exchange_sim.domain.replay_clock import first_position
from perpmesh.exchange_sim.domain.synthetic import NATURES, Synthetic
from perpmesh.kernel.time import MS_PER_MINUTE

NOTHING = np.empty((0, 5), dtype=np.int64)  # is recorded


@dataclass(frozen=True, slots=True)
class SyntheticSource:
    """Every symbol that has a nature, from day 0 of the seed on; its own time begins at 0."""

    seed: int

    @property
    def fingerprint(self) -> str:
        return f"synthetic:{self.seed}"

    def originate(self, seed: int, start_ms: int | None, now_ms: int) -> Origin:
        """Begin at now's time of day, five days in. The data's seed is the only one; `seed` is not used."""
        position, shift_ms = first_position(now_ms, 0, LEAD_MS if start_ms is None else max(start_ms, 0))
        return Origin(self.seed, shift_ms, (position + shift_ms) // 1_000 * 1_000, self.fingerprint)

    def feeds(self, origin: Origin, rates: Rates) -> dict[str, SymbolFeed]:
        return {symbol: self._feed(symbol, origin, rates) for symbol in NATURES}

    def _feed(self, symbol: str, origin: Origin, rates: Rates) -> SymbolFeed:
        spec, seeds = spec_of(symbol), seeds_of(self.seed)
        days = Synthetic(symbol, (float(spec.tick), float(spec.step)), seeds)
        series = CandleSeries(Recorded(NOTHING, origin.shift_ms // MS_PER_MINUTE), days)
        premium = Premium(seeds, symbol, moved(rates.get(symbol), origin.shift_ms), EXTREME)
        return SymbolFeed(spec, series, premium, seeds)
