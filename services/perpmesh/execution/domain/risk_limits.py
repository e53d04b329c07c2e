"""Pre-trade risk: every limit on an entry, as a table. Exits never come here."""

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from perpmesh.execution.domain import risk_case as now
from perpmesh.execution.domain.admission import Limits, Refusal, World
from perpmesh.execution.domain.risk_case import Case, Scoped
from perpmesh.execution.domain.stages import SHARES
from perpmesh.kernel.money import ZERO, text, to_eight_places

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One row: a measure against a bound, both in the policy's unit. What cannot be told is refused."""

    word: str
    policy: str  # "": not a policy but a rule
    unit: str
    measure: Callable[[Case], Decimal | None]
    bound: Callable[[Limits], Decimal | int]
    fails: Callable[[Decimal, Decimal], bool] = operator.gt  # (measured, bound)
    staged: bool = False  # of the bound, the stage's share
    of_equity: bool = False  # people are told USDT
    field: str = "quantity"
    now: Callable[[World, Decimal], Scoped] | None = None  # what is used up before any wish


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A limit as it stands: how much of it is used up now; "" where only an order can say."""

    word: str
    policy: str
    unit: str
    scope: str  # the symbol, group or strategy it was measured on; "" for the account
    measured: str  # as text, in the policy's unit
    limit: str


SHARE, TIMES = "fraction", "times equity"
# fmt: off
LIMITS: tuple[Limit, ...] = (
    # loss at the stop of this entry; of everything open and in flight with it
    Limit(word="RISK_PER_TRADE", policy="risk.max_risk_per_trade_pct", unit=SHARE, staged=True, of_equity=True,
          measure=Case.risk, bound=lambda limits: limits.max_risk_per_trade),
    Limit(word="OPEN_RISK", policy="risk.max_open_risk_pct", unit=SHARE, staged=True, of_equity=True,
          measure=Case.open_risk, bound=lambda limits: limits.max_open_risk, now=now.open_risk_now),
    # notional: all of it; longs minus shorts; one way on symbols that move together; on this symbol
    Limit(word="GROSS_EXPOSURE", policy="risk.max_gross_exposure", unit=TIMES, of_equity=True,
          measure=Case.gross, bound=lambda limits: limits.max_gross_exposure, now=now.gross_now),
    Limit(word="NET_EXPOSURE", policy="risk.max_net_exposure", unit=TIMES, of_equity=True,
          measure=Case.net, bound=lambda limits: limits.max_net_exposure, now=now.net_now),
    Limit(word="GROUP_EXPOSURE", policy="risk.max_group_exposure", unit=TIMES, of_equity=True,
          measure=Case.group, bound=lambda limits: limits.max_group_exposure, now=now.groups_now),
    Limit(word="POSITION_EXPOSURE", policy="risk.max_position_exposure", unit=TIMES, of_equity=True,
          measure=Case.position, bound=lambda limits: limits.max_position_exposure, now=now.positions_now),
    # the exchange's own setting of the symbol, which somebody may have changed by hand
    Limit(word="LEVERAGE", policy="risk.max_leverage", unit="times", field="",
          measure=Case.leverage, bound=lambda limits: limits.max_leverage, now=now.leverages_now),
    # the stop must come before the liquidation, and the liquidation not soon
    Limit(word="LIQUIDATION_DISTANCE", policy="risk.min_liquidation_distance_pct", unit=SHARE,
          measure=Case.liquidation_distance, bound=lambda limits: limits.min_liquidation_distance, fails=operator.lt),
    Limit(word="STOP_BEYOND_LIQUIDATION", policy="", unit=SHARE, field="stop_price",
          measure=Case.stop_before_liquidation, bound=lambda _: ZERO, fails=operator.le),
    Limit(word="STOP_TOO_FAR", policy="execution.max_stop_distance_pct", unit=SHARE, field="stop_price",
          measure=Case.stop_distance, bound=lambda limits: limits.max_stop_distance),
    # what it costs to get in: against the decision's price, against the mark; and to stay
    Limit(word="SLIPPAGE", policy="execution.max_slippage_pct", unit=SHARE, field="",
          measure=Case.slippage, bound=lambda limits: limits.max_slippage),
    Limit(word="BOOK_SLIPPAGE", policy="execution.max_book_slippage_pct", unit=SHARE, field="",
          measure=Case.book_slippage, bound=lambda limits: limits.max_book_slippage),
    Limit(word="FUNDING_COST", policy="risk.max_funding_to_risk", unit="times risk", field="",
          measure=Case.funding_to_risk, bound=lambda limits: limits.max_funding_to_risk),
    # a strategy that keeps losing on a symbol pauses there
    Limit(word="LOSS_STREAK", policy="risk.cool_off_losses", unit="trades", field="", fails=operator.ge,
          measure=Case.losses, bound=lambda limits: limits.cool_off_losses, now=now.losses_now),
)
# fmt: on


def limit_refusals(case: Case) -> Iterator[Refusal]:
    """Return one refusal for each limit that the entry would pass."""
    for row in LIMITS:
        measured, bound = row.measure(case), _bound(row, case.world)
        if measured is None:
            sentence = f"{_named(row)}: cannot be told now"
            yield Refusal(word=row.word, sentence=sentence, policy=row.policy, limit=text(bound))
        elif row.fails(measured, bound):
            yield Refusal(
                word=row.word, sentence=_sentence(row, measured, bound, case.equity), field=row.field,
                policy=row.policy, measured=text(to_eight_places(measured)), limit=text(bound),
            )  # fmt: skip


def readings(world: World) -> Iterator[Reading]:
    """Return every limit with what is used up of it now."""
    yield Reading(
        word="ORDERS_PER_MINUTE", policy="execution.orders_per_minute", unit="orders", scope="",
        measured=str(world.entries_last_minute), limit=str(world.limits.orders_per_minute),
    )  # fmt: skip
    for row in LIMITS:
        if not row.policy:
            continue
        for scope, measured in _used(row, world) or [("", "")]:
            yield Reading(
                word=row.word, policy=row.policy, unit=row.unit, scope=scope, measured=measured,
                limit=text(_bound(row, world)),
            )  # fmt: skip


def _used(row: Limit, world: World) -> list[tuple[str, str]]:
    if row.now is None or world.equity is None or world.equity <= 0:
        return []
    return [(scope, text(to_eight_places(measured))) for scope, measured in row.now(world, world.equity)]


def _bound(row: Limit, world: World) -> Decimal:
    share = SHARES[world.lease.stage] if row.staged and world.lease else ZERO
    return row.bound(world.limits) * (share or Decimal(1))  # a lease that allows nothing is named by the gate


def _named(row: Limit) -> str:
    return row.word.lower().replace("_", " ")


def _sentence(row: Limit, measured: Decimal, bound: Decimal, equity: Decimal) -> str:
    what = "under" if row.fails in (operator.lt, operator.le) else "over"
    if row.of_equity:
        money = [text((figure * equity).quantize(CENT)) for figure in (measured, bound)]
        return f"{_named(row)}: {money[0]} USDT is over the limit of {money[1]} USDT"
    what = "at" if row.fails is operator.ge else what
    return f"{_named(row)}: {text(to_eight_places(measured))} is {what} the limit of {text(bound)} {row.unit}"
