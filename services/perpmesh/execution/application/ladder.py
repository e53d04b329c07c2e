"""The take-profit ladder on the exchange: reduce-only orders by quantity, sized anew when the position changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count

from perpmesh.execution.application.conditionals import Conditionals
from perpmesh.execution.application.exits import Exits
from perpmesh.execution.application.following import Follower
from perpmesh.execution.application.tools import Tools
from perpmesh.execution.domain.facts import AlgoReport, PositionFact
from perpmesh.execution.domain.ladder import (
    Rung,
    is_settled,
    least_quantity,
    quantities,
    rungs_of,
    trigger_of,
)
from perpmesh.execution.domain.order import Order
from perpmesh.execution.domain.trade import Trade
from perpmesh.execution.domain.words import Leg, OrderStatus
from perpmesh.kernel.ids import client_order_id
from perpmesh.kernel.money import ZERO

TRIES = 4
FAILED = (OrderStatus.REJECTED, OrderStatus.LOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Climb:
    """One rung of one trade: where it is, and every order it ever had."""

    rung: Rung
    trigger: Decimal
    origin: str
    orders: Sequence[Order]
    exit: Order | None  # it was taken at market: the price had passed it

    @property
    def is_done(self) -> bool:
        failed = sum(order.status in FAILED for order in self.orders)
        return self.exit is not None or failed >= TRIES or any(order.executed for order in self.orders)


class Ladder:
    """Welcome, not vital: the stop stands without it. What has been taken is known from the log."""

    def __init__(self, tools: Tools, *, conditionals: Conditionals, exits: Exits, follower: Follower) -> None:
        self._desk = tools.desk
        self._ledger = tools.ledger
        self._policies = tools.policies
        self._conditionals = conditionals
        self._exits = exits
        self._follower = follower

    async def put_up(self, trade: Trade, position: PositionFact, algos: Sequence[AlgoReport]) -> None:
        """Bring the rungs on the exchange to what policy wishes for the position as it is."""
        rungs = rungs_of(self._policies.text("execution.take_profit_ladder"))
        instrument = self._desk.instruments.get(trade.symbol)
        risk = await self._follower.risk(trade) if rungs else ZERO
        if instrument is None or not risk:
            return
        climbs = await self._climbs(trade, rungs, risk)
        open_ = [climb for climb in climbs if not climb.is_done]
        standing = {algo.client_id: algo for algo in algos if algo.stands}
        if any(_is_under_way(order, standing) for climb in open_ for order in climb.orders):
            return  # one has triggered and its fill is not told yet
        runner = 1 - sum((climb.rung.share for climb in climbs), ZERO)
        lowest = min(trade.stop_wish, *(climb.trigger for climb in climbs))
        plan = quantities(position.size, [climb.rung for climb in open_], runner, instrument, lowest)
        there = {climb.rung: algo for climb in open_ if (algo := _standing(climb, standing))}
        held = {rung: algo.quantity for rung, algo in there.items()}
        in_place = all(there[c.rung].trigger_price == c.trigger for c in open_ if c.rung in there)
        least = least_quantity(instrument, lowest)
        if not (in_place and is_settled(held, plan, position.size, least, instrument.step)):
            await self._set_up(trade, position, open_, plan, there)

    async def _climbs(self, trade: Trade, rungs: Sequence[Rung], risk: Decimal) -> list[Climb]:
        """Return the rungs nearer than the trade's own target, which takes whatever is left."""
        instrument = self._desk.instruments[trade.symbol]
        known = {order.client_id: order for order in await self._ledger.orders_of(trade.trade_id)}
        climbs = []
        for rung in rungs:
            trigger = trigger_of(rung, trade.entry_price, risk, trade.side, instrument)
            if trade.take_profit_wish and (trade.take_profit_wish - trigger) * trade.side.sign <= 0:
                continue
            origin = f"{trade.trade_id}/{rung.name}"
            orders = []
            for step in count():
                order = known.get(client_order_id(origin, Leg.TAKE_PROFIT, step))
                if order is None:
                    break
                orders.append(order)
            taken = known.get(client_order_id(origin, Leg.EXIT))
            climbs.append(Climb(rung=rung, trigger=trigger, origin=origin, orders=orders, exit=taken))
        return climbs

    async def _set_up(
        self,
        trade: Trade,
        position: PositionFact,
        climbs: Sequence[Climb],
        plan: Mapping[Rung, Decimal],
        there: Mapping[Rung, AlgoReport],
    ) -> None:
        """Old ones go first: two orders for one rung could take it twice."""
        keep = {
            climb.rung for climb in climbs
            if climb.rung in there
            and (there[climb.rung].quantity, there[climb.rung].trigger_price) == (plan.get(climb.rung), climb.trigger)
        }  # fmt: skip
        for rung, algo in there.items():
            if rung not in keep and not await self._conditionals.cancel(algo.client_id):
                return  # it has triggered meanwhile: look again
        for climb in climbs:
            if climb.rung in plan and climb.rung not in keep:
                await self._place(trade, position, climb, plan[climb.rung])

    async def _place(self, trade: Trade, position: PositionFact, climb: Climb, quantity: Decimal) -> None:
        if (self._desk.mark(trade.symbol) - climb.trigger) * trade.side.sign >= 0:
            marks = {"reason": f"take-profit at {climb.rung.name}", "reasons": "TAKE_PROFIT"}
            await self._exits.reduce(position, quantity, origin=climb.origin, **marks)
            return
        order = self._conditionals.order(
            trade, Leg.TAKE_PROFIT, climb.trigger, step=len(climb.orders), quantity=quantity, origin=climb.origin
        )
        await self._conditionals.place(order)


def _standing(climb: Climb, standing: Mapping[str, AlgoReport]) -> AlgoReport | None:
    return next((standing[order.client_id] for order in climb.orders if order.client_id in standing), None)


def _is_under_way(order: Order, standing: Mapping[str, AlgoReport]) -> bool:
    return not order.status.is_final and order.client_id not in standing
