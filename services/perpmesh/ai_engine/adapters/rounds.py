"""The engine's rounds: each bar that closes is decided on, under a trace that begins with it."""

from perpmesh.ai_engine.adapters.exchange_info import ExchangeInfo
from perpmesh.ai_engine.adapters.market_client import MarketClient
from perpmesh.ai_engine.application.make_decision import MakeDecision
from perpmesh.platform import telemetry

log = telemetry.log(__name__)


class Rounds:
    """Runs the loop that makes the engine act by itself."""

    def __init__(self, make_decision: MakeDecision, filters: ExchangeInfo, market: MarketClient) -> None:
        self._make_decision = make_decision
        self._filters = filters
        self._market = market

    async def go(self) -> None:
        """Decide on each bar that closes, until something breaks; run it inside `forever`."""
        await self._filters.loaded()
        await self._market.follow(self._decide)

    async def _decide(self, symbol: str) -> None:
        with telemetry.span("decide", symbol=symbol):
            decision = await self._make_decision.on_bar(symbol)
            if decision is not None:
                verdict = decision.verdict
                log.info(
                    "decided", symbol=symbol, decision=decision.decision_id, action=verdict.action.value,
                    strategy=verdict.strategy, regime=decision.regime, why="; ".join(verdict.reasons),
                )  # fmt: skip
