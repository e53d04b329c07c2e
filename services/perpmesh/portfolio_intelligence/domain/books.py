"""The books: closed trades on one side, the exchange's income on the other, and whether the two tell the same story.

Realised figures come from the exchange's income alone. The trades that execution reports are the second witness: for
each symbol, the net PnL of all closed trades must equal the income of that symbol since its first trade, without the
rows of the trade that is still open, to the cent.
"""

from bisect import insort
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from perpmesh.kernel.money import ZERO
from perpmesh.kernel.time import MS_PER_SECOND, utc_day

CENT = Decimal("0.01")


class IncomeKind(StrEnum):
    """What the exchange booked a change of the wallet for; the words are its own."""

    REALIZED_PNL = "REALIZED_PNL"
    COMMISSION = "COMMISSION"
    FUNDING_FEE = "FUNDING_FEE"
    INSURANCE_CLEAR = "INSURANCE_CLEAR"  # the fee of a liquidation
    TRANSFER = "TRANSFER"
    OTHER = "OTHER"  # rebates, bonuses and the like: never part of a trade


_KINDS = {kind.value: kind for kind in IncomeKind}
EARNED = frozenset({IncomeKind.REALIZED_PNL, IncomeKind.COMMISSION, IncomeKind.FUNDING_FEE, IncomeKind.INSURANCE_CLEAR})


@dataclass(frozen=True, slots=True, kw_only=True)
class Income:
    """One row of the exchange's income; (tran_id, type) is its identity."""

    tran_id: int
    type: str  # as the exchange wrote it: kinds we do not know keep their name
    symbol: str
    amount: Decimal
    time_ms: int  # market time

    @property
    def kind(self) -> IncomeKind:
        return _KINDS.get(self.type, IncomeKind.OTHER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One trade, flat to flat, as execution reported it."""

    trade_id: str
    symbol: str
    opened_at_ms: int  # market time
    closed_at_ms: int = 0  # 0 while open
    net_pnl: Decimal = ZERO

    @property
    def is_closed(self) -> bool:
        return self.closed_at_ms > 0


@dataclass(slots=True)
class _SymbolBooks:
    """Both witnesses of one symbol. `rows` are (time, tran_id, amount) in the order the exchange booked them."""

    closed_net: Decimal = ZERO
    first_opened_ms: int | None = None
    last_closed_ms: int = 0
    open_trades: dict[str, int] = field(default_factory=dict)  # trade id to its opening
    rows: list[tuple[int, int, Decimal]] = field(default_factory=list)
    folded: Decimal = ZERO  # rows that certainly belong to closed trades
    folded_before_ms: int = 0

    def book(self, row: Income) -> None:
        if row.time_ms < self.folded_before_ms:
            self.folded += row.amount if row.time_ms >= (self.first_opened_ms or 0) else ZERO
        else:
            insort(self.rows, (row.time_ms, row.tran_id, row.amount))

    def open(self, trade: Trade) -> None:
        begun = _second(trade.opened_at_ms)
        if self.first_opened_ms is None or begun < self.first_opened_ms:
            self.first_opened_ms = begun
        self.open_trades[trade.trade_id] = begun

    def close(self, trade: Trade) -> None:
        self.open(trade)
        del self.open_trades[trade.trade_id]
        self.closed_net += trade.net_pnl
        self.last_closed_ms = max(self.last_closed_ms, trade.closed_at_ms)
        self._fold(_second(trade.opened_at_ms))

    def _fold(self, before_ms: int) -> None:
        """Add up the rows before the newest closed trade: no later question can tell them apart."""
        first = self.first_opened_ms or 0
        self.folded += sum((amount for time, _, amount in self.rows if first <= time < before_ms), ZERO)
        self.rows = [row for row in self.rows if row[0] >= before_ms]
        self.folded_before_ms = max(self.folded_before_ms, before_ms)

    def agree(self, *, held: bool) -> bool:
        if self.first_opened_ms is None:
            return True
        return any(abs(total - self.closed_net) < CENT for total in self._possible_totals(held=held))

    def _possible_totals(self, *, held: bool) -> Iterable[Decimal]:
        """Yield every sum that the closed trades may have.

        The open trade's rows are the last ones; where they begin within the second of its opening is not told, since
        one trade may close and the next open at the same moment. A position whose trade.opened has not arrived yet
        (`held`) may begin anywhere after the last close.
        """
        rows = [row for row in self.rows if row[0] >= (self.first_opened_ms or 0)]
        if self.open_trades:
            certain = min(self.open_trades.values())
            last = certain + MS_PER_SECOND
        else:
            certain = _second(self.last_closed_ms) if held else rows[-1][0] + 1 if rows else 0
            last = rows[-1][0] + 1 if rows else 0
        total = self.folded + sum((amount for time, _, amount in rows if time < certain), ZERO)
        yield total
        for time, _, amount in rows:
            if certain <= time < last:
                total += amount
                yield total


def _second(ms: int) -> int:
    """Live, the exchange writes the time of income in whole seconds."""
    return ms - ms % MS_PER_SECOND


class Books:
    """Everything booked so far, as running sums. Give each row and each change of a trade once."""

    def __init__(self) -> None:
        self._symbols: dict[str, _SymbolBooks] = {}
        self._by_kind: dict[IncomeKind, Decimal] = {}
        self._by_day: dict[int, Decimal] = {}
        self._closed: set[str] = set()
        self.newest_ms = 0  # market time of the newest fact
        self.newest_income_ms = 0
        self.wins = 0
        self._profit = ZERO
        self._loss = ZERO

    def book(self, row: Income) -> None:
        """Add one row of income that was not there before."""
        self._by_kind[row.kind] = self._by_kind.get(row.kind, ZERO) + row.amount
        self.newest_income_ms = max(self.newest_income_ms, row.time_ms)
        self.newest_ms = max(self.newest_ms, row.time_ms)
        if row.kind in EARNED:
            day = utc_day(row.time_ms)
            self._by_day[day] = self._by_day.get(day, ZERO) + row.amount
            self._of(row.symbol).book(row)

    def enter(self, trade: Trade) -> None:
        """Add a trade, or its closing. A trade that is closed stays as it was closed."""
        if trade.trade_id in self._closed:
            return
        self.newest_ms = max(self.newest_ms, trade.opened_at_ms, trade.closed_at_ms)
        if not trade.is_closed:
            self._of(trade.symbol).open(trade)
            return
        self._closed.add(trade.trade_id)
        self._of(trade.symbol).close(trade)
        self.wins += trade.net_pnl > 0
        self._profit += max(trade.net_pnl, ZERO)
        self._loss += max(-trade.net_pnl, ZERO)

    def agree(self, held: Collection[str]) -> bool:
        """Whether trades and income tell the same realised PnL, to the cent; `held` are the symbols with a position."""
        return all(books.agree(held=symbol in held) for symbol, books in self._symbols.items())

    @property
    def closed_trades(self) -> int:
        return len(self._closed)

    @property
    def profit_factor(self) -> Decimal | None:
        """Return gross profit over gross loss; None before the first loss."""
        return self._profit / self._loss if self._loss else None

    @property
    def realized_total(self) -> Decimal:
        return sum((self.total(kind) for kind in EARNED), ZERO)

    def realized_on(self, market_ms: int) -> Decimal:
        """Return what was earned on the UTC day that contains `market_ms`."""
        return self._by_day.get(utc_day(market_ms), ZERO)

    def total(self, kind: IncomeKind) -> Decimal:
        return self._by_kind.get(kind, ZERO)

    def _of(self, symbol: str) -> _SymbolBooks:
        return self._symbols.setdefault(symbol, _SymbolBooks())
