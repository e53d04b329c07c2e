"""Where the exchange would liquidate a cross-margin account that holds one more position, before it is asked for.

Binance liquidates when the margin balance falls to the maintenance margin (USDⓈ-M, one-way mode, single-asset mode).
With E the margin balance at the marks, M the maintenance margin of the other positions, q the size, p its mark, r and
c the rate and the maintenance amount of its bracket, the mark L at which that happens, all else standing still, is

    long:  L = (q·p − E + M − c) / (q·(1 − r))        short: L = (q·p + E − M + c) / (q·(1 + r))
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from perpmesh.execution.domain.exposure import Exposure
from perpmesh.kernel.money import ZERO


@dataclass(frozen=True, slots=True)
class Bracket:
    """A tier of notional value, in USDT: up to `cap` the maintenance margin is notional × rate − amount."""

    cap: Decimal
    rate: Decimal
    amount: Decimal


def bracket_of(brackets: Sequence[Bracket], notional: Decimal) -> Bracket:
    """Return the tier of a notional value; the last one above all caps."""
    return next((each for each in brackets if notional <= each.cap), brackets[-1])


def maintenance(brackets: Sequence[Bracket], notional: Decimal) -> Decimal:
    """Return the maintenance margin of a position, in USDT."""
    tier = bracket_of(brackets, notional)
    return notional * tier.rate - tier.amount


def liquidation_price(
    exposure: Exposure, symbol: str, *, mark: Decimal, equity: Decimal, brackets: Mapping[str, Sequence[Bracket]]
) -> Decimal | None:
    """Return the mark price of `symbol` at which the account is liquidated, every other mark standing still.

    Zero or less for a long that no fall can liquidate; None when it cannot be told: a bracket is not known, or the
    position is flat.
    """
    signed = _signed(exposure)
    size = signed.get(symbol, ZERO)
    others = {name: abs(notional) for name, notional in _notionals(exposure).items() if name != symbol}
    if not size or not brackets.get(symbol) or any(not brackets.get(name) for name in others):
        return None
    free = equity - sum((maintenance(brackets[name], notional) for name, notional in others.items()), ZERO)
    at_mark = _level(size, mark, free, bracket_of(brackets[symbol], abs(size) * mark))
    there = _level(size, mark, free, bracket_of(brackets[symbol], abs(size) * max(at_mark, ZERO)))
    return max(at_mark, there) if size > 0 else min(at_mark, there)


def _level(size: Decimal, mark: Decimal, free: Decimal, tier: Bracket) -> Decimal:
    sign = 1 if size > 0 else -1
    return (abs(size) * mark - (free + tier.amount) * sign) / (abs(size) * (1 - tier.rate * sign))


def _signed(exposure: Exposure) -> dict[str, Decimal]:
    sizes: dict[str, Decimal] = {}
    for stake in exposure.stakes:
        sizes[stake.symbol] = sizes.get(stake.symbol, ZERO) + stake.quantity * stake.side.sign
    return sizes


def _notionals(exposure: Exposure) -> dict[str, Decimal]:
    worth: dict[str, Decimal] = {}
    for stake in exposure.stakes:
        worth[stake.symbol] = worth.get(stake.symbol, ZERO) + stake.notional * stake.side.sign
    return worth
