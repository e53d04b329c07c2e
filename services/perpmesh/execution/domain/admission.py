"""What the gate is asked: what is known, what is at stake, what is wished for; and how it says no."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from perpmesh.execution.domain.exposure import Exposure
from perpmesh.execution.domain.facts import PriceFact
from perpmesh.execution.domain.lease import Lease
from perpmesh.execution.domain.liquidation import Bracket
from perpmesh.execution.domain.streaks import Streak
from perpmesh.execution.domain.trade import Trade
from perpmesh.execution.domain.words import Side
from perpmesh.kernel.instrument import Instrument
from perpmesh.kernel.money import ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One reason why not: a word for machines, a sentence for people, and the field at fault if it is one.

    Where a limit was passed, `policy` names it; `measured` and `limit` are in its unit, as text.
    """

    word: str
    sentence: str
    field: str = ""
    policy: str = ""
    measured: str = ""
    limit: str = ""


def figures(refusals: Sequence[Refusal]) -> dict[str, str]:
    """Return what was measured and what is allowed, for machines: open_risk_measured, open_risk_limit and so on."""
    found: dict[str, str] = {}
    for refusal in refusals:
        name = refusal.word.lower()
        facts = {"measured": refusal.measured, "limit": refusal.limit, "policy": refusal.policy}
        found |= {f"{name}_{key}": value for key, value in facts.items() if value}
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The policies that bound an entry. Fractions, never percentages; exposures in multiples of equity."""

    max_slippage: Decimal
    max_book_slippage: Decimal
    max_stop_distance: Decimal
    price_stale_ms: int
    clock_offset_block_ms: int
    orders_per_minute: int
    max_risk_per_trade: Decimal
    max_open_risk: Decimal
    max_gross_exposure: Decimal
    max_net_exposure: Decimal
    max_group_exposure: Decimal
    correlation_groups: tuple[frozenset[str], ...]
    max_position_exposure: Decimal
    max_leverage: int
    min_liquidation_distance: Decimal
    cool_off_losses: int
    cool_off_ms: int
    max_funding_to_risk: Decimal
    funding_payments: int


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is known now, apart from any wish."""

    lease: Lease | None
    lease_reason: str  # why there is none
    boot_ms: int
    now_ms: int
    policy_revision: int
    clock_known: bool
    clock_offset_ms: int  # exchange clock minus our wall clock
    reconciled: bool
    store_failed: bool  # something that is true could not be written
    account_trouble: str  # "" or why the account may not be traded: "HEDGE_MODE" …
    equity: Decimal | None
    budget_left: bool
    entries_last_minute: int
    exposure: Exposure  # everything open and in flight
    leverages: Mapping[str, int]  # the exchange's setting of each symbol, as last read
    brackets: Mapping[str, Sequence[Bracket]]  # maintenance margin, by symbol
    streaks: Sequence[Streak]
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What is known of the symbol that is wished for."""

    instrument: Instrument | None
    price: PriceFact | None
    trade: Trade | None  # the open trade on the symbol
    symbol_unsettled: bool  # an order on it has an unknown outcome
    symbol_cooling: bool  # the exchange lately had no margin or room for it
    seen_before: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryWish:
    """An entry that somebody wants."""

    origin: str  # what the client ids derive from
    symbol: str
    side: Side
    quantity: Decimal
    stop_price: Decimal
    take_profit_price: Decimal = ZERO
    reference_price: Decimal = ZERO  # what the decision was made at; 0: judge no slippage
    expires_at_ms: int = 0
    decision_id: str = ""
    request_id: str = ""
    strategy: str = ""
    amplification: bool = False
    traceparent: str = ""
