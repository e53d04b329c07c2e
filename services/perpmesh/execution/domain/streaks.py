"""Losing trades in a row, of each strategy on each symbol."""

from collections.abc import Iterable
from dataclasses import dataclass

from perpmesh.execution.domain.trade import Trade
from perpmesh.execution.domain.words import TradeStatus
from perpmesh.kernel.money import ZERO


@dataclass(frozen=True, slots=True)
class Streak:
    """So many losing trades in a row; when the last of them was booked, wall clock."""

    symbol: str
    strategy: str
    losses: int
    last_ms: int


class Streaks:
    """Counts closed trades, net of fees and funding. A gain ends a streak; nothing gained or lost changes nothing."""

    def __init__(self, closed: Iterable[Trade] = ()) -> None:
        self._streaks: dict[tuple[str, str], Streak] = {}
        for trade in sorted(closed, key=lambda one: one.updated_ms):
            self.note(trade)

    def note(self, trade: Trade) -> None:
        """Take in a trade that has just been booked."""
        if trade.status is not TradeStatus.CLOSED:
            return
        pair = trade.symbol, trade.strategy
        if trade.net_pnl > ZERO:
            self._streaks.pop(pair, None)
        elif trade.net_pnl < ZERO:
            before = self._streaks.get(pair)
            self._streaks[pair] = Streak(*pair, (before.losses if before else 0) + 1, trade.updated_ms)

    def all(self) -> tuple[Streak, ...]:
        return tuple(self._streaks[pair] for pair in sorted(self._streaks))
