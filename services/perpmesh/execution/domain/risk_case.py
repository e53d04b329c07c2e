"""One wish, measured: each figure that a limit is set on, in the unit of its policy."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from perpmesh.execution.domain.admission import EntryWish, World
from perpmesh.execution.domain.exposure import Exposure, Stake
from perpmesh.execution.domain.facts import PriceFact
from perpmesh.execution.domain.liquidation import liquidation_price
from perpmesh.execution.domain.streaks import Streak
from perpmesh.execution.domain.trade import risk_at
from perpmesh.execution.domain.words import Side
from perpmesh.kernel.money import ZERO

Scoped = Iterable[tuple[str, Decimal]]  # (a symbol, a group or a strategy; measured)


def stake_of(wish: EntryWish, price: PriceFact) -> Stake:
    """Return what an entry puts at stake, bought or sold at the far side of the spread."""
    pays = price.pays(wish.side)
    risk = risk_at(pays, wish.stop_price, wish.quantity, wish.side)
    return Stake(wish.symbol, wish.side, wish.quantity, wish.quantity * pays, risk)


@dataclass(frozen=True)
class Case:
    """One wish at one price. `equity` is positive."""

    world: World
    wish: EntryWish
    price: PriceFact
    equity: Decimal

    @cached_property
    def stake(self) -> Stake:
        return stake_of(self.wish, self.price)

    @cached_property
    def after(self) -> Exposure:
        """Return everything that is at stake once this is filled."""
        return self.world.exposure.with_one_more(self.stake)

    @cached_property
    def liquidation(self) -> Decimal | None:
        """Return the liquidation price once this is filled."""
        spread = abs(self.price.pays(self.wish.side) - self.price.fair) * self.wish.quantity
        return liquidation_price(
            self.after, self.wish.symbol, mark=self.price.fair, equity=self.equity - spread,
            brackets=self.world.brackets,
        )  # fmt: skip

    # Shares and multiples of equity.

    def risk(self) -> Decimal:
        return self.stake.risk / self.equity

    def open_risk(self) -> Decimal:
        return self.after.risk / self.equity

    def gross(self) -> Decimal:
        return self.after.gross / self.equity

    def net(self) -> Decimal:
        return abs(self.after.net) / self.equity

    def group(self) -> Decimal:
        groups = [group for group in self.world.limits.correlation_groups if self.wish.symbol in group]
        return max((self.after.one_way(group, self.wish.side) for group in groups), default=ZERO) / self.equity

    def position(self) -> Decimal:
        return self.after.of(self.wish.symbol) / self.equity

    # Prices.

    def stop_distance(self) -> Decimal:
        return abs(self.price.fair - self.wish.stop_price) / self.price.fair

    def slippage(self) -> Decimal:
        return self._worse_than(self.wish.reference_price)

    def book_slippage(self) -> Decimal:
        return self._worse_than(self.price.fair)

    def _worse_than(self, reference: Decimal) -> Decimal:
        pays, sign = self.price.pays(self.wish.side), self.wish.side.sign
        return (pays - reference) * sign / reference if reference else ZERO

    def liquidation_distance(self) -> Decimal | None:
        if self.liquidation is None:
            return None
        return (self.price.fair - self.liquidation) * self.wish.side.sign / self.price.fair

    def stop_before_liquidation(self) -> Decimal | None:
        """Return how far the stop lies on our side of the liquidation price."""
        if self.liquidation is None:
            return None
        return (self.wish.stop_price - self.liquidation) * self.wish.side.sign / self.price.fair

    # The rest.

    def leverage(self) -> Decimal | None:
        known = self.world.leverages.get(self.wish.symbol)
        return Decimal(known) if known else None

    def losses(self) -> Decimal:
        pair = self.wish.symbol, self.wish.strategy
        return Decimal(sum(streak.losses for streak in cooling(self.world) if (streak.symbol, streak.strategy) == pair))

    def funding_to_risk(self) -> Decimal:
        """Return what the next payments cost at the estimated rate, as a multiple of the risk; a gain is nothing."""
        paid = max(ZERO, self.price.funding_rate * self.wish.side.sign) * self.stake.notional
        cost = paid * self.world.limits.funding_payments
        return cost / self.stake.risk if self.stake.risk else ZERO


def cooling(world: World) -> list[Streak]:
    """Return the streaks whose last loss is younger than the cool-off."""
    return [streak for streak in world.streaks if world.now_ms - streak.last_ms < world.limits.cool_off_ms]


# What is used up of a limit before any wish.


def open_risk_now(world: World, equity: Decimal) -> Scoped:
    yield "", world.exposure.risk / equity


def gross_now(world: World, equity: Decimal) -> Scoped:
    yield "", world.exposure.gross / equity


def net_now(world: World, equity: Decimal) -> Scoped:
    yield "", abs(world.exposure.net) / equity


def groups_now(world: World, equity: Decimal) -> Scoped:
    for group in world.limits.correlation_groups:
        yield ",".join(sorted(group)), max(world.exposure.one_way(group, side) for side in Side) / equity


def positions_now(world: World, equity: Decimal) -> Scoped:
    for symbol in sorted({stake.symbol for stake in world.exposure.stakes}):
        yield symbol, world.exposure.of(symbol) / equity


def leverages_now(world: World, _: Decimal) -> Scoped:
    for symbol, leverage in sorted(world.leverages.items()):
        yield symbol, Decimal(leverage)


def losses_now(world: World, _: Decimal) -> Scoped:
    for streak in cooling(world):
        yield f"{streak.symbol} {streak.strategy}".strip(), Decimal(streak.losses)
