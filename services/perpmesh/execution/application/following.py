"""Watches the mark price for trades whose stop is due to follow, and for those that have grown too old."""

from dataclasses import dataclass, replace
from decimal import Decimal

from perpmesh.execution.application.ports import Policies
from perpmesh.execution.application.tools import Tools
from perpmesh.execution.domain.follow import Following, Stand, followed, is_overdue
from perpmesh.execution.domain.trade import EXTERNAL, Trade, risk_at
from perpmesh.execution.domain.words import Leg, TradeStatus
from perpmesh.kernel.money import ZERO

WATCH_SECONDS = 0.25
PATIENCE_MS = 1_000  # what was due and could not be done is not asked for again at once


@dataclass(slots=True)
class Known:
    """What is remembered of a trade: its first stop, and when its stop was last sent on."""

    first_stop: Decimal
    moved_boot_ms: int


def following(policies: Policies) -> Following:
    """Return the rules as policy has them now."""
    decimal = policies.decimal
    return Following(
        break_even_at=decimal("execution.break_even_r"), costs=decimal("execution.round_trip_cost_pct"),
        trail_from=decimal("execution.trail_activation_r"), trail_distance=decimal("execution.trail_distance_r"),
        least_step=decimal("execution.trail_step_pct"),
    )  # fmt: skip


class Follower:
    """Decides; whoever attends to the symbol moves the stop and closes. Trades of others are left as they are."""

    def __init__(self, tools: Tools) -> None:
        self._desk = tools.desk
        self._ledger = tools.ledger
        self._policies = tools.policies
        self._diary = tools.diary
        self._clock = tools.desk.clock
        self._known: dict[str, Known] = {}
        self._asked: dict[str, int] = {}

    async def risk(self, trade: Trade) -> Decimal:
        """Return one R per unit: from the entry to the first stop. 0 while the entry's price is not known."""
        if trade.strategy == EXTERNAL or not trade.entry_price:
            return ZERO
        known = self._known.get(trade.trade_id) or await self._look_up(trade)
        return risk_at(trade.entry_price, known.first_stop, Decimal(1), trade.side) if known else ZERO

    async def _look_up(self, trade: Trade) -> Known | None:
        stops = [order for order in await self._ledger.orders_of(trade.trade_id) if order.leg is Leg.STOP]
        if not stops:
            return None
        still_open = {each.trade_id for each in self._ledger.trades()}
        self._known = {trade_id: known for trade_id, known in self._known.items() if trade_id in still_open}
        known = self._known[trade.trade_id] = Known(stops[0].trigger_price, 0)
        return known

    async def moved_on(self, trade: Trade) -> Trade:
        """Return the trade with its stop wished where it belongs now, written down before anything is sent."""
        if following(self._policies).is_off or not await self.risk(trade):
            return trade
        wish = self._wish(trade)
        if wish == trade.stop_wish:
            return trade
        self._known[trade.trade_id].moved_boot_ms = self._clock.boot_ms()
        self._diary.info("stop follows", symbol=trade.symbol, trade_id=trade.trade_id, stop=str(wish))
        await self._ledger.keep(trades=[replace(trade, stop_wish=wish)])
        return self._ledger.trade(trade.symbol) or trade

    def _wish(self, trade: Trade) -> Decimal:
        known, instrument = self._known.get(trade.trade_id), self._desk.instruments.get(trade.symbol)
        if known is None or instrument is None or not trade.stop_wish:
            return trade.stop_wish
        since = self._clock.boot_ms() - known.moved_boot_ms
        stand = Stand(
            side=trade.side, entry=trade.entry_price, stop=trade.stop_wish,
            risk=risk_at(trade.entry_price, known.first_stop, Decimal(1), trade.side),
        )  # fmt: skip
        return followed(
            stand, self._fresh_mark(trade.symbol), following(self._policies), instrument,
            may_trail=not known.moved_boot_ms or since >= self._policies.integer("execution.trail_interval_ms"),
        )  # fmt: skip

    def _fresh_mark(self, symbol: str) -> Decimal:
        """Return the mark price; 0 when it is old: a stop that follows a market of the past may be through it now."""
        price, allowed = self._desk.prices.price(symbol), self._policies.integer("execution.price_stale_ms")
        if price is None or price.stale or self._clock.boot_ms() - price.heard_boot_ms > allowed:
            return ZERO
        return price.mark

    def is_overdue(self, trade: Trade) -> bool:
        """Whether the time stop has come. Market time: at replay speed 60 a day lasts 24 minutes."""
        limit = self._policies.integer("execution.time_stop_ms")
        return trade.strategy != EXTERNAL and is_overdue(trade.opened_ms, self._desk.market_time_ms(), limit)

    def due(self) -> list[str]:
        """Return the symbols that want attending to, from memory alone: asked four times a second."""
        if following(self._policies).is_off and not self._policies.integer("execution.time_stop_ms"):
            return []
        now = self._clock.boot_ms()
        found = [
            trade.symbol
            for trade in self._ledger.trades()
            if trade.status is TradeStatus.PROTECTED
            and now - self._asked.get(trade.symbol, -PATIENCE_MS) >= PATIENCE_MS
            and (self.is_overdue(trade) or self._wish(trade) != trade.stop_wish)
        ]
        self._asked |= dict.fromkeys(found, now)
        return found
