"""From a situation to a verdict: features → regime → selector → strategy → size → amplification. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from perpmesh.ai_engine.domain.amplification import Amplification, amplify
from perpmesh.ai_engine.domain.decision import Action, Verdict
from perpmesh.ai_engine.domain.limits import Limits
from perpmesh.ai_engine.domain.market import MarketView, decimal
from perpmesh.ai_engine.domain.proposal import Direction, Proposal, Strategy
from perpmesh.ai_engine.domain.selector import FLAT, Selector
from perpmesh.ai_engine.domain.situation import Situation
from perpmesh.ai_engine.domain.sizing import Size, SizeRequest, size
from perpmesh.ai_engine.domain.standing import Holding, Standing
from perpmesh.kernel.chance import Chance

BAR_MS = 900_000
ONE = Decimal(1)
TOWARDS = {Direction.LONG: Action.LONG, Direction.SHORT: Action.SHORT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A situation in which an exit can be decided; `doubts` is what forbids to add risk."""

    situation: Situation
    view: MarketView
    standing: Standing
    doubts: tuple[str, ...]


def decide(situation: Situation, strategies: Sequence[Strategy], selector: Selector, chance: Chance) -> Verdict:
    """Return what to do. To add risk, everything must be known and fresh; to leave, the bars and the position."""
    view, standing, doubts = situation.view, situation.standing, situation.doubts
    if view is None or standing is None:
        return hold(*doubts)
    known = Known(situation=situation, view=view, standing=standing, doubts=doubts)
    if standing.holding is not None:
        return _manage(known, standing.holding, strategies)
    return hold(*doubts) if doubts else _enter(known, strategies, selector, chance)


def hold(*reasons: str, strategy: str = "", propensity: float = 1.0) -> Verdict:
    return Verdict(action=Action.HOLD, reasons=reasons, strategy=strategy, propensity=propensity)


def _manage(known: Known, holding: Holding, strategies: Sequence[Strategy]) -> Verdict:
    """Let the strategy that owns the trade keep, leave or turn it; PAL may add to it."""
    owner = next((strategy for strategy in strategies if strategy.name == holding.strategy), None)
    if owner is None:
        return hold(f"the position belongs to {holding.strategy or 'nobody here'}", strategy=holding.strategy)
    if not holding.settled:
        return hold("an order of the open trade is on its way", strategy=owner.name)
    proposal = owner.propose(known.view, holding.direction)
    if proposal.direction in {None, holding.direction}:
        return _keep(known, holding, owner, proposal)
    bars_held = (known.view.bar_close_ms - holding.opened_at_ms) // BAR_MS
    minimum = known.situation.limits.min_hold_bars
    if bars_held < minimum:
        return hold(f"held {bars_held} bars of at least {minimum}", *proposal.reasons, strategy=owner.name)
    if proposal.direction is Direction.FLAT or known.doubts or _unworthy(known, proposal):
        return Verdict(
            action=Action.CLOSE, reasons=proposal.reasons, strategy=owner.name, confidence=proposal.confidence
        )
    return _sized(known, owner, proposal, 1.0, ("the strategy turned: close first, then enter",))


def _keep(known: Known, holding: Holding, owner: Strategy, proposal: Proposal) -> Verdict:
    situation = known.situation
    if known.doubts or known.standing.equity is None:
        return hold("keep the open trade", *known.doubts, strategy=owner.name)
    more = amplify(holding, known.view, known.standing.equity, situation.instrument, situation.limits)
    if not isinstance(more, Amplification):
        return hold("keep the open trade", *proposal.reasons, f"not amplified: {more}", strategy=owner.name)
    return Verdict(
        action=TOWARDS[holding.direction],
        reasons=more.reasons,
        strategy=owner.name,
        confidence=proposal.confidence,
        quantity=more.quantity,
        stop_price=more.stop_price,
        amplification=True,
    )


def _enter(known: Known, strategies: Sequence[Strategy], selector: Selector, chance: Chance) -> Verdict:
    """Let the selector choose among the strategies that see something worth its costs, or none of them."""
    proposals = {strategy.name: strategy.propose(known.view, Direction.FLAT) for strategy in strategies}
    refusals = {name: _unworthy(known, proposal) for name, proposal in proposals.items()}
    arms = [name for name, why in refusals.items() if not why]
    if not arms:
        return hold(*(f"{name}: {why}" for name, why in refusals.items()))
    regime = known.view.regime.trend.value
    choice = selector.choose(regime, arms, [strategy.name for strategy in strategies], chance)
    if choice.arm == FLAT:
        doubted = (f"{name} is not believed to pay in {regime}" for name in arms)
        return hold(*doubted, strategy=FLAT, propensity=choice.propensity)
    chosen = next(strategy for strategy in strategies if strategy.name == choice.arm)
    belief = selector.belief(regime, choice.arm)
    why_chosen = (
        f"chosen with probability {choice.propensity:.2f}: {belief.mean:+.2f} ± {belief.sigma:.2f} R in {regime}"
    )
    return _sized(known, chosen, proposals[choice.arm], choice.propensity, (why_chosen,))


def _unworthy(known: Known, proposal: Proposal) -> str:
    """Return why a proposal is not acted on, or ""."""
    limits = known.situation.limits
    if proposal.direction in {None, Direction.FLAT}:
        return "; ".join(proposal.reasons) or "abstains"
    if decimal(proposal.confidence) < limits.min_confidence:
        return f"confidence {proposal.confidence:.2f} is under {limits.min_confidence}"
    stop, _ = distances(known.view, limits, proposal.horizon_bars)
    price = decimal(known.view.close)
    if stop / price > limits.max_stop_distance:
        return f"a stop {stop / price:.2%} away is further than {limits.max_stop_distance:.0%}"
    edge = decimal(proposal.expected_move * known.view.atr) / price
    cost = known.situation.round_trip_cost
    if edge < limits.min_edge_cost_ratio * cost:
        return f"{edge:.3%} to be earned is under {limits.min_edge_cost_ratio} × the cost of {cost:.3%}"
    return ""


def distances(view: MarketView, limits: Limits, horizon_bars: int) -> tuple[Decimal, Decimal]:
    """Return stop and target distance: so many ATR, of bars as long as the strategy looks ahead."""
    atr = decimal(view.atr * math.sqrt(horizon_bars))
    return limits.stop_atr_multiple * atr, limits.take_profit_atr_multiple * atr


def sized(situation: Situation, direction: Direction, horizon_bars: int, *, confidence: Decimal = ONE) -> Size:
    """Return the size of a position; the situation's view and equity must be known.

    Raises:
        ValueError: they are not.
    """
    if situation.view is None or situation.standing is None or situation.standing.equity is None:
        raise ValueError("neither view nor equity may be missing")
    stop, target = distances(situation.view, situation.limits, horizon_bars)
    multiplier, multiplier_of = situation.multiplier
    request = SizeRequest(
        direction=direction,
        price=situation.instrument.round_price_nearest(decimal(situation.view.close)),
        stop_distance=stop,
        target_distance=target,
        equity=situation.standing.equity,
        volatility=decimal(situation.view.volatility),
        multiplier=multiplier * confidence,
        multiplier_of=multiplier_of,
    )
    return size(request, situation.instrument, situation.limits)


def _sized(
    known: Known, strategy: Strategy, proposal: Proposal, propensity: float, reasons: tuple[str, ...]
) -> Verdict:
    direction = proposal.direction or Direction.FLAT
    found = sized(known.situation, direction, proposal.horizon_bars)
    told = (*proposal.reasons, *reasons, *found.reasons)
    if found.quantity == 0:
        return hold(*told, strategy=strategy.name, propensity=propensity)
    return Verdict(
        action=TOWARDS[direction],
        reasons=told,
        strategy=strategy.name,
        confidence=proposal.confidence,
        propensity=propensity,
        quantity=found.quantity,
        stop_price=found.stop_price,
        take_profit_price=found.take_profit_price,
        sizing=known.situation.multiplier[1],
    )
