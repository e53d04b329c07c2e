"""What the selector believes, in memory; the store has the same."""

from collections.abc import Sequence

from perpmesh.ai_engine.domain.proposal import Strategy
from perpmesh.ai_engine.domain.selector import Selector


class Mind:
    """The strategies, and what was learned of them."""

    def __init__(self, strategies: Sequence[Strategy], selector: Selector) -> None:
        self.strategies = strategies
        self.selector = selector

    @property
    def arms(self) -> list[str]:
        return [strategy.name for strategy in self.strategies]
