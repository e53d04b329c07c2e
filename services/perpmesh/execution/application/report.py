"""What execution says of itself: to its own gate, to whoever asks, and to the keeper of the lease."""

from dataclasses import dataclass
from decimal import Decimal

from perpmesh.execution.application.entry_lease import EntryLease
from perpmesh.execution.application.tools import Tools
from perpmesh.execution.domain import gate
from perpmesh.execution.domain.trade import risk_at
from perpmesh.execution.domain.words import Stage
from perpmesh.kernel.money import ZERO

MISSED_PASSES = 3
PATIENCE_MS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tradability:
    """The state of the gate."""

    blockers: list[str]
    lease_remaining_ms: int
    stage: Stage | None
    policy_revision: int
    clock_offset_ms: int
    reconciled_age_ms: int
    equity: Decimal | None


class Reporter:
    """Reads the desk; changes nothing."""

    def __init__(self, tools: Tools, lease: EntryLease) -> None:
        self._desk = tools.desk
        self._ledger = tools.ledger
        self._lease = lease
        self._policies = tools.policies
        self._venue = tools.venue

    def world(self) -> gate.World:
        desk = self._desk
        return gate.World(
            lease=self._lease.current(),
            lease_reason=self._lease.reason,
            boot_ms=desk.clock.boot_ms(),
            now_ms=desk.clock.now_ms(),
            policy_revision=self._policies.revision,
            clock_known=desk.exchange_clock.is_known(desk.clock.boot_ms()),
            clock_offset_ms=self.clock_offset_ms(),
            reconciled=self.is_reconciled(),
            account_trouble=desk.account_trouble,
            equity=desk.equity(),
            budget_left=self._venue.budget_left(),
            entries_last_minute=desk.entries_last_minute(),
            limits=self.limits(),
        )

    def limits(self) -> gate.Limits:
        decimal, integer = self._policies.decimal, self._policies.integer
        return gate.Limits(
            max_slippage=decimal("execution.max_slippage_pct"),
            max_stop_distance=decimal("execution.max_stop_distance_pct"),
            price_stale_ms=integer("execution.price_stale_ms"),
            clock_offset_block_ms=integer("execution.clock_offset_block_ms"),
            orders_per_minute=integer("execution.orders_per_minute"),
            max_risk_per_trade=decimal("risk.max_risk_per_trade_pct"),
            max_open_risk=decimal("risk.max_open_risk_pct"),
            max_gross_exposure=decimal("risk.max_gross_exposure"),
            max_position_exposure=decimal("risk.max_position_exposure"),
        )

    def clock_offset_ms(self) -> int:
        clock, boot = self._desk.exchange_clock, self._desk.clock.boot_ms()
        return clock.now_ms(boot) - self._desk.clock.now_ms() if clock.is_known(boot) else 0

    def reconciled_age_ms(self) -> int:
        """Return the age of the last clean reconciliation; -1 when there was none."""
        at = self._desk.reconciled_boot_ms
        return -1 if at < 0 else self._desk.clock.boot_ms() - at

    def is_reconciled(self) -> bool:
        allowed = self._policies.integer("execution.reconcile_interval_ms") * MISSED_PASSES + PATIENCE_MS
        return 0 <= self.reconciled_age_ms() <= allowed

    def open_risk(self) -> Decimal:
        """Return what is lost if every stop is hit, entries in flight included."""
        held = (
            risk_at(trade.entry_price, trade.stop_price or trade.stop_wish, self._held(trade.symbol), trade.side)
            for trade in self._ledger.trades()
            if trade.entry_price
        )
        return sum(held, ZERO) + self._desk.reserved_risk()

    def _held(self, symbol: str) -> Decimal:
        position = self._desk.positions.get(symbol)
        return position.size if position else ZERO

    def price_age_ms(self) -> int:
        newest = self._desk.prices.newest()
        return self._desk.clock.boot_ms() - newest.heard_boot_ms if newest else 2**31 - 1

    def tradability(self) -> Tradability:
        world = self.world()
        words = [refusal.word for refusal in gate.blockers(world)]
        if self.price_age_ms() > world.limits.price_stale_ms:
            words.append("PRICE_STALE")
        if self._desk.unsettled_symbols:
            words.append("ORDER_UNSETTLED")
        return Tradability(
            blockers=words,
            lease_remaining_ms=world.lease.remaining_ms(world.boot_ms) if world.lease else 0,
            stage=world.lease.stage if world.lease else None,
            policy_revision=world.policy_revision,
            clock_offset_ms=world.clock_offset_ms,
            reconciled_age_ms=self.reconciled_age_ms(),
            equity=world.equity,
        )
