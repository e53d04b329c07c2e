"""From target weights to proposed orders: reductions first, nothing in the no-trade band, nothing the venue refuses."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

from perpmesh.kernel.instrument import Instrument
from perpmesh.kernel.money import ZERO, text, to_eight_places

MAX_WEIGHT = Decimal(2)


class Side(Enum):
    """Direction of a proposed order."""

    BUY = "BUY"
    SELL = "SELL"


class Intent(Enum):
    """Whether a proposed order adds risk or only removes it."""

    ENTRY = "ENTRY"
    EXIT = "EXIT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What a step needs to know of one symbol."""

    instrument: Instrument
    mark_price: Decimal
    bid_price: Decimal
    ask_price: Decimal
    taker_rate: Decimal  # a fraction of notional

    def cost(self, quantity: Decimal) -> Decimal:
        """Return the fee and half the spread that `quantity` would cost at market."""
        half_spread = max(self.ask_price - self.bid_price, ZERO) / 2
        return to_eight_places(quantity * (self.mark_price * self.taker_rate + half_spread))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One proposed order, and the weight before and after it."""

    symbol: str
    side: Side
    intent: Intent
    quantity: Decimal
    current_weight: Decimal
    target_weight: Decimal
    estimated_cost: Decimal


@dataclass(slots=True)
class Proposal:
    """Steps in the order they should be done, and what was left alone."""

    steps: list[Step] = field(default_factory=list)
    within_band: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def propose(
    *,
    equity: Decimal,
    held: Mapping[str, Decimal],
    targets: Mapping[str, Decimal],
    markets: Mapping[str, Market],
    band: Decimal,
) -> Proposal:
    """Return the steps that bring `held` (signed quantities) to `targets` (weights of equity).

    Symbols without a target are to be flat. Equity must be positive, and every symbol needs a market.
    """
    proposal = Proposal()
    for symbol in sorted({*held, *targets}):
        market = markets[symbol]
        weight = to_eight_places(held.get(symbol, ZERO) * market.mark_price / equity)
        target = targets.get(symbol, ZERO)
        if abs(target - weight) < band or target == weight:
            proposal.within_band.append(symbol)
            continue
        wanted = target * equity / market.mark_price
        for step in _steps(symbol, market, held.get(symbol, ZERO), wanted, (weight, target), proposal.left_out):
            proposal.steps.append(step)
    proposal.steps.sort(key=lambda step: (step.intent is Intent.ENTRY, -abs(step.target_weight - step.current_weight)))
    return proposal


def _steps(
    symbol: str,
    market: Market,
    now: Decimal,
    wanted: Decimal,
    weights: tuple[Decimal, Decimal],
    left_out: list[str],
) -> Iterable[Step]:
    weight, target = weights
    same_way = now * wanted > 0
    reduce_by = abs(now) - abs(wanted) if same_way else abs(now)
    increase_by = abs(wanted) - abs(now) if same_way else abs(wanted)
    middle = target if same_way or not wanted else ZERO  # a flip passes through flat
    if reduce_by > 0 and (quantity := _exit(market.instrument, reduce_by, left_out)):
        yield Step(
            symbol=symbol, side=_side(-now), intent=Intent.EXIT, quantity=quantity, current_weight=weight,
            target_weight=middle, estimated_cost=market.cost(quantity),
        )  # fmt: skip
    if increase_by > 0 and (quantity := _entry(market, increase_by, left_out)):
        yield Step(
            symbol=symbol, side=_side(wanted), intent=Intent.ENTRY, quantity=quantity,
            current_weight=weight if same_way else ZERO, target_weight=target, estimated_cost=market.cost(quantity),
        )  # fmt: skip


def _side(direction: Decimal) -> Side:
    return Side.BUY if direction > 0 else Side.SELL


def _exit(instrument: Instrument, quantity: Decimal, left_out: list[str]) -> Decimal:
    """Round a reduction down. The venue exempts it from the minimum notional, not from the step."""
    rounded = _capped(instrument, quantity, left_out)
    if not rounded:
        left_out.append(f"{instrument.symbol}: under the minimum quantity")
    return rounded


def _entry(market: Market, quantity: Decimal, left_out: list[str]) -> Decimal:
    instrument = market.instrument
    rounded = _capped(instrument, quantity, left_out)
    if not rounded:
        left_out.append(f"{instrument.symbol}: under the minimum quantity")
    elif rounded * market.mark_price < instrument.min_notional:
        left_out.append(f"{instrument.symbol}: under the minimum notional")
        return ZERO
    return rounded


def _capped(instrument: Instrument, quantity: Decimal, left_out: list[str]) -> Decimal:
    largest = instrument.market_max_quantity
    if quantity > largest:
        left_out.append(f"{instrument.symbol}: {text(quantity - largest)} beyond the largest market order")
    return instrument.round_quantity_down(min(quantity, largest))
