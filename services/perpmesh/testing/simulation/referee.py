"""Judges a life by what the exchange accepted, after everything that happens there; never by what the mesh says."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from perpmesh.exchange.engine import Engine
from perpmesh.exchange.words import OrderStatus as Taken
from perpmesh.exchange.words import OrderType
from perpmesh.execution.domain.events import TradeClosed, TradeOpened
from perpmesh.execution.domain.words import Leg, OrderStatus, TradeStatus
from perpmesh.kernel.ids import CLIENT_ORDER_PREFIX
from perpmesh.kernel.time import Clock
from perpmesh.risk_safety.adapters.memory import MemoryRiskStore
from perpmesh.risk_safety.domain.ess import EssState
from perpmesh.testing.engine_venue import ME
from perpmesh.testing.memory_log import MemoryLog
from perpmesh.testing.simulation.plan import SYMBOLS

if TYPE_CHECKING:
    from perpmesh.testing.simulation.life import Life

NAKED_MS = 2_000  # after an entry, longer than this only while it is being flattened …
FLAT_MS = 5_000  # … which is over by then; so is a position that came, or lost its stop, by nothing we did
ENTERED_MS = 1_000  # a position that appears so soon after an entry was accepted is of that entry
ZERO = Decimal(0)
ENTRY_PREFIX = f"{CLIENT_ORDER_PREFIX}{Leg.ENTRY.value}-"


@dataclass(slots=True)
class Exposure:
    """A position without a stop: how long, and how much of it execution had a fair chance to do something."""

    since_ms: int
    looked_ms: int
    own: bool  # it came of an entry
    fair_ms: int = 0
    closing: bool = False  # an exit has been accepted meanwhile


@dataclass(slots=True)
class Tally:
    """What happened in one life, for the table."""

    attempts: int = 0  # entries that execution sent
    entries: int = 0  # those that the exchange took
    trades: int = 0
    kills: int = 0
    trips: int = 0
    naked_ms: list[int] = field(default_factory=list)  # of each position, from its first fill to its stop
    worst_fair_ms: int = 0
    virtual_seconds: float = 0.0


class Referee:
    """Keeps the list of what must never happen and did."""

    def __init__(self, clock: Clock, log: MemoryLog, safety: MemoryRiskStore) -> None:
        self.violations: list[str] = []
        self.tally = Tally()
        self.life: Life | None = None  # the newest one of execution
        self.lent_until_ms = 0  # by risk_safety's own reckoning, of every grant it ever sent
        self.wished: dict[str, Decimal] = {}  # the quantity of each decision and request
        self._clock = clock
        self._log = log
        self._safety = safety
        self._accepted: Counter[str] = Counter()
        self._exposed: dict[str, Exposure] = {}
        self._entered_ms: dict[str, int] = {}
        self._excused_ms = 0
        self._engine: Engine | None = None

    def watch(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def engine(self) -> Engine:
        assert self._engine is not None  # noqa: S101 - the world hands it over before anything happens
        return self._engine

    def violated(self, invariant: str, what: str) -> None:
        self.violations.append(f"{(self._clock.boot_ms() - 1_000_000) / 1000:8.3f} s  {invariant}: {what}")

    # At the moment an order is accepted.

    def entry_accepted(self, fields: dict[str, Any]) -> None:
        """I1, I3, I6 and the trip: judged when the exchange takes an entry, whatever became of its sender."""
        name = fields["client_id"]
        self._accepted[name] += 1
        self._entered_ms[fields["symbol"]] = self._clock.boot_ms()
        self.tally.entries += 1
        record = self._log.orders.get(name)
        if self._accepted[name] > 1:
            self.violated("I1", f"entry {name} was accepted twice")
        if record is None or record.status is OrderStatus.RECORDED:
            self.violated("I1", f"entry {name} was accepted before it was recorded as sent")
        if self._clock.boot_ms() > self.lent_until_ms:
            self.violated("I3", f"entry {name} was accepted without an entry lease")
        latch = self._safety.latch
        if latch is not None and latch.state is EssState.TRIPPED:
            self.violated("I3", f"entry {name} was accepted after the trip was answered")
        if record is not None and fields["quantity"] > self.wished.get(record.decision_id or record.request_id, ZERO):
            self.violated("I6", f"entry {name} is larger than what was wished")

    def exit_accepted(self, symbol: str) -> None:
        if symbol in self._exposed:
            self._exposed[symbol].closing = True

    # After everything that changes the account.

    def look(self) -> None:
        """I2: each open position has a stop for all of it, or it is on its way out."""
        if self._engine is None:
            return
        self.pass_time()
        for symbol in SYMBOLS:
            if self._is_naked(symbol):
                now = self._clock.boot_ms()
                own = now - self._entered_ms.get(symbol, -ENTERED_MS) < ENTERED_MS
                self._exposed.setdefault(symbol, Exposure(since_ms=now, looked_ms=now, own=own))
            elif (exposure := self._exposed.pop(symbol, None)) is not None:
                self.tally.naked_ms.append(self._clock.boot_ms() - exposure.since_ms)

    def _is_naked(self, symbol: str) -> bool:
        size = abs(self.amount(symbol))
        if not size:
            return False
        side = "SELL" if self.amount(symbol) > 0 else "BUY"
        stops = [
            a for a in self.engine.open_algos(ME, symbol)
            if a.type is OrderType.STOP_MARKET and a.side.value == side and (a.close_position or a.reduce_only)
        ]  # fmt: skip
        return not any(s.close_position for s in stops) and sum((s.quantity for s in stops), ZERO) < size

    def amount(self, symbol: str) -> Decimal:
        return sum((p.amount for p in self.engine.positions(ME, symbol)), ZERO)

    def excuse(self, seconds: float) -> None:
        """A request of execution fails now: the time this costs it is nobody's fault."""
        self.pass_time()
        self._excused_ms = max(self._excused_ms, self._clock.boot_ms() + int(seconds * 1000))

    def pass_time(self) -> None:
        """Count the time since the last look, for every naked position, as far as execution could use it."""
        now, able = self._clock.boot_ms(), self.life is not None and self.life.runs
        for symbol, exposure in self._exposed.items():
            begins = max(exposure.looked_ms, self._excused_ms)
            exposure.fair_ms += max(0, now - begins) if able else 0
            exposure.looked_ms = now
            self._judge(symbol, exposure)

    def _judge(self, symbol: str, exposure: Exposure) -> None:
        self.tally.worst_fair_ms = max(self.tally.worst_fair_ms, exposure.fair_ms)
        if exposure.fair_ms > (NAKED_MS if exposure.own and not exposure.closing else FLAT_MS):
            doing = "although exits were accepted" if exposure.closing else "and nothing was closed"
            self.violated("I2", f"{symbol} without a stop for {exposure.fair_ms} ms {doing}")
            exposure.fair_ms = -1_000_000_000  # said once

    def answered(self, what: str, refusal: str, *, held: bool) -> None:
        """I4: an exit is refused only when there is nothing to reduce."""
        if held and refusal in ("NO_POSITION", "NOT_REDUCING"):
            return
        self.violated("I4", f"{what} was refused: {refusal}")

    # At rest: no faults any more, everything flat.

    def rest(self, deposit: Decimal) -> None:
        """I5, I7, I9 and I10, and that no order was lost."""
        self._positions()
        self._orders()
        self._trades(deposit)

    def _positions(self) -> None:
        for symbol in SYMBOLS:
            held = any(t.symbol == symbol and t.is_open for t in self._log.trades.values())
            if self.amount(symbol):
                self.violated("I5", f"{symbol} is not flat at rest: {self.amount(symbol)}")
            if held:
                self.violated("I5", f"a trade of {symbol} is open in the books, and the position is flat")
            if orphans := [a.client_algo_id for a in self.engine.open_algos(ME, symbol)]:
                self.violated("I5", f"orders without a position on {symbol}: {orphans}")

    def _orders(self) -> None:
        taken = {
            o.client_order_id for symbol in SYMBOLS for o in self.engine.all_orders(ME, symbol)
            if o.status is Taken.FILLED and o.client_order_id.startswith(ENTRY_PREFIX)
        }  # fmt: skip
        for order in self._log.orders.values():
            if not order.status.is_final:
                self.violated("lost", f"{order.leg.name} {order.client_id} is {order.status.value} at rest")
        known = {o.client_id for o in self._log.orders.values() if o.status is OrderStatus.FILLED}
        if missing := sorted(taken - known):
            self.violated("lost", f"filled at the exchange, not in the log: {missing}")

    def _trades(self, deposit: Decimal) -> None:
        closed = [e.trade for e in self._log.events if isinstance(e, TradeClosed)]
        opened = [e.trade.trade_id for e in self._log.events if isinstance(e, TradeOpened)]
        ids = Counter(trade.trade_id for trade in closed)
        self.tally.trades = len(ids)
        if doubled := [name for name, times in ids.items() if times > 1]:
            self.violated("I9", f"trade.closed more than once: {doubled}")
        if set(ids) != set(opened) or len(opened) != len(set(opened)):
            self.violated("I9", f"opened {len(opened)}, closed {len(ids)}")
        over = {t.trade_id for t in self._log.trades.values() if t.status is TradeStatus.CLOSED}
        if over != set(ids):
            self.violated("I9", "the books and the events differ")
        booked = sum((trade.net_pnl for trade in closed), ZERO)
        earned = self.engine.account(ME).wallet - deposit
        if booked != earned:
            self.violated("I10", f"booked {booked}, the exchange's wallet moved by {earned}")
