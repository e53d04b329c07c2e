"""Everything one decision may look at, gathered before it is made."""

from dataclasses import dataclass
from decimal import Decimal

from perpmesh.ai_engine.domain.limits import TAKER_FEE, Limits
from perpmesh.ai_engine.domain.market import MarketView, decimal
from perpmesh.ai_engine.domain.sizing import BASELINE, SizingPolicy
from perpmesh.ai_engine.domain.standing import Quote, Standing
from perpmesh.features import FeatureVector
from perpmesh.kernel.instrument import Instrument


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One symbol at the close of one bar. None where it is not known, with the reason in `unknown`."""

    instrument: Instrument
    limits: Limits
    sizing: SizingPolicy
    view: MarketView | None
    features: FeatureVector | None  # None until there are bars enough for it
    quote: Quote | None
    standing: Standing | None
    unknown: tuple[str, ...] = ()  # why something above is None

    @property
    def doubts(self) -> tuple[str, ...]:
        """Return every reason not to add risk."""
        stale = ("the price is stale",) if self.quote is not None and self.quote.stale else ()
        broke = ("equity is not known",) if self.standing is not None and self.standing.equity is None else ()
        return (*self.unknown, *stale, *broke)

    @property
    def round_trip_cost(self) -> Decimal:
        """Return what entering and leaving costs, as a fraction of price: two taker fees and the spread."""
        return 2 * TAKER_FEE + (self.quote.spread_fraction if self.quote else Decimal(0))

    @property
    def multiplier(self) -> tuple[Decimal, str]:
        """Return what the trained policy scales a position by, and whose word that is."""
        if not self.limits.use_model or self.features is None:
            return Decimal(1), BASELINE
        raw = self.sizing.multiplier(self.features)
        return decimal(min(max(raw, 0.0), 1.0)), self.sizing.name
