"""What execution says of itself: to its own gate, to whoever asks, and to the keeper of the lease."""

from dataclasses import dataclass
from decimal import Decimal

from perpmesh.execution.application.entry_lease import EntryLease
from perpmesh.execution.application.ports import Policies
from perpmesh.execution.application.stakes import exposure_of
from perpmesh.execution.application.tools import Tools
from perpmesh.execution.domain import gate
from perpmesh.execution.domain.admission import Limits, World
from perpmesh.execution.domain.exposure import read_groups
from perpmesh.execution.domain.risk_limits import Reading, readings
from perpmesh.execution.domain.words import Stage

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
    limits: list[Reading]


def limits_of(policies: Policies) -> Limits:
    """Read the policies that bound an entry."""
    decimal, integer = policies.decimal, policies.integer
    return Limits(
        max_slippage=decimal("execution.max_slippage_pct"),
        max_book_slippage=decimal("execution.max_book_slippage_pct"),
        max_stop_distance=decimal("execution.max_stop_distance_pct"),
        price_stale_ms=integer("execution.price_stale_ms"),
        clock_offset_block_ms=integer("execution.clock_offset_block_ms"),
        orders_per_minute=integer("execution.orders_per_minute"),
        max_risk_per_trade=decimal("risk.max_risk_per_trade_pct"),
        max_open_risk=decimal("risk.max_open_risk_pct"),
        max_gross_exposure=decimal("risk.max_gross_exposure"),
        max_net_exposure=decimal("risk.max_net_exposure"),
        max_group_exposure=decimal("risk.max_group_exposure"),
        correlation_groups=read_groups(policies.text("risk.correlation_groups")),
        max_position_exposure=decimal("risk.max_position_exposure"),
        max_leverage=integer("risk.max_leverage"),
        min_liquidation_distance=decimal("risk.min_liquidation_distance_pct"),
        cool_off_losses=integer("risk.cool_off_losses"),
        cool_off_ms=integer("risk.cool_off_ms"),
        max_funding_to_risk=decimal("risk.max_funding_to_risk"),
        funding_payments=integer("risk.funding_payments"),
    )


class Reporter:
    """Reads the desk; changes nothing."""

    def __init__(self, tools: Tools, lease: EntryLease) -> None:
        self._desk = tools.desk
        self._ledger = tools.ledger
        self._lease = lease
        self._policies = tools.policies
        self._venue = tools.venue

    def world(self) -> World:
        desk = self._desk
        return World(
            lease=self._lease.current(),
            lease_reason=self._lease.reason,
            boot_ms=desk.clock.boot_ms(),
            now_ms=desk.clock.now_ms(),
            policy_revision=self._policies.revision,
            clock_known=desk.exchange_clock.is_known(desk.clock.boot_ms()),
            clock_offset_ms=self.clock_offset_ms(),
            reconciled=self.is_reconciled(),
            store_failed=desk.store_failed or self._ledger.owes,
            account_trouble=desk.account_trouble,
            equity=desk.equity(),
            budget_left=self._venue.budget_left(),
            entries_last_minute=desk.entries_last_minute(),
            exposure=exposure_of(desk, self._ledger),
            leverages=desk.leverages,
            brackets=desk.brackets,
            streaks=self._ledger.streaks.all(),
            limits=limits_of(self._policies),
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
            limits=list(readings(world)),
        )
