"""Looks at everything one decision may rest on; what cannot be had is named, never assumed."""

import asyncio
from dataclasses import dataclass, replace

from perpmesh.ai_engine.application.ports import Accounts, BarsKept, Instruments, Journal, Models, Policies, Quotes
from perpmesh.ai_engine.domain.market import VIEW_BARS, view
from perpmesh.ai_engine.domain.situation import Situation
from perpmesh.ai_engine.domain.standing import Quote, Standing
from perpmesh.features import WARMUP_BARS, Bars, FeatureVector, compute
from perpmesh.kernel.errors import Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Gather:
    """Makes a Situation of one symbol."""

    instruments: Instruments
    bars: BarsKept
    quotes: Quotes
    accounts: Accounts
    journal: Journal
    policies: Policies
    models: Models

    async def __call__(self, symbol: str) -> Situation:
        """Return the situation of `symbol`; raise NotFound for one we do not trade."""
        instrument = self.instruments.get(symbol)
        (quote, no_quote), (standing, no_standing) = await asyncio.gather(self._quote(symbol), self._standing(symbol))
        bars = self.bars.bars(symbol)
        seen = view(symbol, bars)
        no_view = f"{len(bars)} closed bars are too few, {VIEW_BARS} are needed" if seen is None else ""
        return Situation(
            instrument=instrument,
            limits=self.policies.limits(),
            sizing=self.models.serving,
            view=seen,
            features=_features(bars),
            quote=quote,
            standing=standing,
            unknown=tuple(why for why in (no_view, no_quote, no_standing) if why),
        )

    async def _quote(self, symbol: str) -> tuple[Quote | None, str]:
        try:
            return await self.quotes.quote(symbol), ""
        except Unavailable as error:
            return None, f"no price: {error}"

    async def _standing(self, symbol: str) -> tuple[Standing | None, str]:
        try:
            standing = await self.accounts.standing(symbol)
        except Unavailable as error:
            return None, f"no account: {error}"
        if (holding := standing.holding) is not None and holding.trade_id:
            amplified = await self.journal.amplified(holding.trade_id)
            standing = replace(standing, holding=replace(holding, amplified=amplified))
        return standing, ""


def _features(bars: Bars) -> FeatureVector | None:
    return compute(bars) if len(bars) >= WARMUP_BARS else None
