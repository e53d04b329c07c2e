"""Answers how large a position would be now, and why."""

from dataclasses import dataclass
from decimal import Decimal

from perpmesh.ai_engine.application.gather import Gather
from perpmesh.ai_engine.domain.decide import sized
from perpmesh.ai_engine.domain.proposal import Direction
from perpmesh.ai_engine.domain.sizing import Size
from perpmesh.kernel.errors import Unavailable

HORIZON_BARS = 16  # four hours, as the strategies


@dataclass(frozen=True, slots=True, kw_only=True)
class SizePosition:
    """Sizes without deciding."""

    gather: Gather

    async def __call__(self, symbol: str, direction: Direction, confidence: Decimal) -> tuple[Size, str]:
        """Return the size and whose multiplier scaled it.

        Raises:
            NotFound: a symbol we do not trade.
            Unavailable: bars or equity are not known.
        """
        situation = await self.gather(symbol)
        if situation.view is None or situation.standing is None or situation.standing.equity is None:
            raise Unavailable("; ".join(situation.doubts) or "equity is not known")
        found = sized(situation, direction, HORIZON_BARS, confidence=confidence)
        return found, situation.multiplier[1]
