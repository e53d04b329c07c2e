"""Decides on one symbol: on each closed bar by itself, or because somebody asked."""

import hashlib
from collections.abc import Mapping

from perpmesh.ai_engine.application.gather import Gather
from perpmesh.ai_engine.application.mind import Mind
from perpmesh.ai_engine.application.ports import Announce, Chances, Journal
from perpmesh.ai_engine.domain import amplification, market, selector, sizing
from perpmesh.ai_engine.domain.decide import BAR_MS, decide
from perpmesh.ai_engine.domain.decision import Decision, Verdict
from perpmesh.ai_engine.domain.situation import Situation
from perpmesh.features import SCHEMA_HASH
from perpmesh.kernel.ids import derived_id
from perpmesh.kernel.money import ZERO
from perpmesh.kernel.time import Clock

DRAW_BARS = 4  # the selector draws anew every so many bars: a doubt holds for a while, not forever


class MakeDecision:
    """Situation in, decision out, recorded before anybody may act on it."""

    def __init__(
        self, gather: Gather, mind: Mind, journal: Journal, *, clock: Clock, chances: Chances, announce: Announce
    ) -> None:
        self._gather = gather
        self._mind = mind
        self._journal = journal
        self._clock = clock
        self._chances = chances
        self._announce = announce

    async def on_bar(self, symbol: str) -> Decision | None:
        """Decide on the newest closed bar; None when that bar was decided before, whatever happened since."""
        situation = await self._gather(symbol)
        if situation.view is None:
            return None
        decision = self._decide(symbol, situation, str(situation.view.bar_open_ms), "auto", execute=True)
        return decision if await self._keep(decision) else None

    async def on_request(self, symbol: str, request_id: str, *, execute: bool) -> Decision:
        """Decide because somebody asked; recorded and acted on only with `execute`."""
        situation = await self._gather(symbol)
        origin = request_id or str(self._clock.now_ms())
        decision = self._decide(symbol, situation, origin, "request", execute=execute)
        if execute:
            await self._keep(decision)
        return decision

    async def _keep(self, decision: Decision) -> bool:
        if not await self._journal.record(decision):
            return False
        self._announce(decision)
        return True

    def _decide(self, symbol: str, situation: Situation, *origin: str, execute: bool) -> Decision:
        chance = self._chances(self._seed(symbol, situation))
        verdict = decide(situation, self._mind.strategies, self._mind.selector, chance)
        now = self._clock.now_ms()
        seen = situation.view
        features = _features(situation)
        held = situation.standing.holding if situation.standing else None
        price = situation.instrument.round_price_nearest
        return Decision(
            decision_id=derived_id(symbol, *origin),
            symbol=symbol,
            verdict=verdict,
            reference_price=price(market.decimal(seen.close)) if seen else ZERO,
            regime=seen.regime_label if seen else "UNKNOWN",
            features=features,
            feature_hash=_hash(situation, features),
            versions=self._versions(situation, verdict),
            market_time_ms=seen.bar_close_ms if seen else 0,
            decided_at_ms=now,
            expires_at_ms=now + situation.limits.decision_ttl_ms,
            policy_revision=situation.limits.revision,
            executed=execute and verdict.actionable,
            trade_id=held.trade_id if held else "",
        )

    def _seed(self, symbol: str, situation: Situation) -> str:
        """Return what the draw depends on: a restart draws the same, a new reward draws anew."""
        trades = sum(self._mind.selector.trades(arm) for arm in self._mind.arms)
        seen = situation.view
        block = seen.bar_open_ms // (DRAW_BARS * BAR_MS) if seen else 0
        return f"{symbol}|{seen.regime.trend.value if seen else ''}|{trades}|{block}"

    def _versions(self, situation: Situation, verdict: Verdict) -> dict[str, str]:
        own = {strategy.name: strategy.version for strategy in self._mind.strategies}
        return {
            "strategy": own.get(verdict.strategy, verdict.strategy),
            "selector": selector.VERSION,
            "sizing": f"{sizing.VERSION}/{verdict.sizing or situation.sizing.name}",
            "amplification": amplification.VERSION,
            "features": f"{market.VERSION}/{SCHEMA_HASH}",
        }


def _features(situation: Situation) -> dict[str, float]:
    """Return every number the decision saw: the view's, and the models' vector once there are bars enough for it."""
    found = situation.view.measures() if situation.view else {}
    if situation.features is not None:
        found |= dict(zip(situation.features.names, situation.features.values.tolist(), strict=True))
    return found


def _hash(situation: Situation, features: Mapping[str, float]) -> str:
    """Return the hash of exactly these numbers under this schema."""
    if not features:
        return ""
    text = "|".join(f"{name}={value.hex()}" for name, value in sorted(features.items()))
    vector = situation.features.hash if situation.features else ""
    return hashlib.sha256(f"{market.VERSION}|{SCHEMA_HASH}|{vector}|{text}".encode()).hexdigest()[:16]
