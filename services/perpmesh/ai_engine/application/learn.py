"""Learns from a closed trade: the reward of its strategy in the regime it was entered in."""

from collections.abc import Callable

from perpmesh.ai_engine.application.mind import Mind
from perpmesh.ai_engine.application.ports import ClosedTrade, Lessons


class Learn:
    """Turns closed trades into beliefs, each exactly once."""

    def __init__(self, mind: Mind) -> None:
        self._mind = mind

    async def on_trade_closed(self, trade: ClosedTrade, lessons: Lessons) -> Callable[[], None] | None:
        """Keep the lesson in the caller's transaction; return what makes it believed once that has committed.

        Trades of nobody's strategy (requests, positions found) and repeats teach nothing.
        """
        if trade.strategy not in self._mind.arms or await lessons.known(trade.trade_id):
            return None
        regime = await lessons.regime_of(trade.decision_id)
        if not regime:
            return None
        wiser = self._mind.selector.rewarded(regime, trade.strategy, trade.reward)
        changed = [(key, cell) for key, cell in sorted(wiser.cells.items()) if key[1] == trade.strategy]
        await lessons.keep(trade, regime, changed)

        def believe() -> None:
            self._mind.selector = wiser

        return believe
