"""What execution knows at this moment, in memory: rebuilt from the exchange and the log after every start."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

from perpmesh.execution.application.ports import Prices, VenueRefused
from perpmesh.execution.domain.exchange_clock import ExchangeClock
from perpmesh.execution.domain.exposure import Stake
from perpmesh.execution.domain.facts import AccountFact, PositionFact
from perpmesh.execution.domain.liquidation import Bracket
from perpmesh.execution.domain.remedies import Remedy
from perpmesh.kernel.instrument import Instrument
from perpmesh.kernel.money import ZERO
from perpmesh.kernel.time import MS_PER_MINUTE, Clock

NO_INSTRUMENTS: Mapping[str, Instrument] = {}
NO_BRACKETS: Mapping[str, Sequence[Bracket]] = {}
Reservations: TypeAlias = dict[str, Stake]  # by client id
MULTI_ASSETS_MODE = "MULTI_ASSETS_MODE"
ERROR_WINDOW_MS = 15 * MS_PER_MINUTE
JUST_CLOSED_MS = 2_000
STOP_ENTERING_MS = MS_PER_MINUTE
COOL_OFF_MS = 30_000
UNCHECKED = "ACCOUNT_UNCHECKED"


class Desk:
    """Shared by the use cases, which all run on one event loop: what happens between two awaits is atomic."""

    def __init__(self, clock: Clock, prices: Prices) -> None:
        self.clock = clock
        self.prices = prices
        self.exchange_clock = ExchangeClock()
        self.instruments = NO_INSTRUMENTS
        self.positions: dict[str, PositionFact] = {}
        self.protected: set[str] = set()
        self.handed_over: set[str] = set()  # positions of others that policy leaves to them
        self.account: AccountFact | None = None
        self.account_trouble = UNCHECKED
        self.reconciled_boot_ms = -1
        self.unsettled_symbols: set[str] = set()
        self.mismatch = ""
        self.reservations: Reservations = {}  # what each entry has taken, from its admission to the end of its saga
        self.leverages: dict[str, int] = {}
        self.brackets = NO_BRACKETS
        self.store_failed = False  # what is true could not be written; a clean reconciliation makes up for it
        self.locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.wants_upkeep = asyncio.Event()
        self.wants_filters = False
        self.wants_account = False
        self._errors: deque[int] = deque()
        self._entries: deque[int] = deque()
        self._closed: dict[str, int] = {}
        self.closed_strangers: dict[str, str] = {}  # the exit that closed what no trade owned
        self._cooling: dict[str, int] = {}  # until when, by the boot clock
        self._stopped_until_ms = 0

    # What went wrong, and what that asks for.

    def failed(self, error: VenueRefused, symbol: str) -> None:
        """Take note of an order that the exchange refused."""
        self.count_error()
        if error.remedy is Remedy.COOL_OFF:
            self._cooling[symbol] = self.clock.boot_ms() + COOL_OFF_MS
        self.heed(error)
        self.wants_upkeep.set()

    def heed(self, error: VenueRefused) -> None:
        """Do what a refusal asks for, be it of an order or of a question; upkeep cures what can be cured."""
        if error.remedy is Remedy.RESYNC_CLOCK:
            self.exchange_clock.forget()
        elif error.remedy is Remedy.REFRESH_FILTERS:
            self.wants_filters = True
        elif error.remedy is Remedy.STOP_ENTERING:
            if self.account_trouble in ("", UNCHECKED):  # else a better reason is known already
                self.account_trouble = f"EXCHANGE_{-error.code}"
            self._stopped_until_ms = self.clock.boot_ms() + STOP_ENTERING_MS
        else:
            return
        self.wants_upkeep.set()

    def account_checked(self, trouble: str) -> None:
        """Adopt what a look at the account found; a refusal that it cannot explain still stands for a minute."""
        if trouble or self.clock.boot_ms() >= self._stopped_until_ms:
            self.account_trouble = trouble

    def leverage_told(self, symbol: str, leverage: int) -> None:
        """The exchange says that a symbol's leverage was set, by us or by somebody else."""
        known, self.leverages[symbol] = self.leverages.get(symbol), leverage
        if leverage != known:
            self.look_at_account()

    def multi_assets_told(self, *, on: bool) -> None:
        """The exchange says that multi-assets mode was switched."""
        if on:
            self.account_trouble = MULTI_ASSETS_MODE
        self.look_at_account()

    def look_at_account(self) -> None:
        """Let upkeep read the account's modes and settings again now."""
        self.wants_account = True
        self.wants_upkeep.set()

    def is_cooling(self, symbol: str) -> bool:
        """Whether the exchange said lately that there is no margin or room for more on this symbol."""
        return self.clock.boot_ms() < self._cooling.get(symbol, 0)

    def count_error(self) -> None:
        self._errors.append(self.clock.boot_ms())

    def recent_errors(self) -> int:
        return _within(self._errors, self.clock.boot_ms() - ERROR_WINDOW_MS)

    def count_entry(self) -> None:
        self._entries.append(self.clock.boot_ms())

    def entries_last_minute(self) -> int:
        return _within(self._entries, self.clock.boot_ms() - MS_PER_MINUTE)

    def closed(self, symbol: str) -> None:
        self._closed[symbol] = self.clock.boot_ms()

    def forget_closing(self, symbol: str) -> None:
        """What is seen now is known to be new."""
        self._closed.pop(symbol, None)

    def just_closed(self, symbol: str) -> bool:
        """Whether a position seen now may be one that we have just closed: a query may lag behind."""
        return self.clock.boot_ms() - self._closed.get(symbol, -JUST_CLOSED_MS) < JUST_CLOSED_MS

    def exchange_now_ms(self) -> int:
        """Return the exchange's time as far as it is known; else our own wall clock's."""
        boot = self.clock.boot_ms()
        return self.exchange_clock.now_ms(boot) if self.exchange_clock.is_known(boot) else self.clock.now_ms()

    # What is known of money.

    def note_positions(self, found: Iterable[PositionFact]) -> None:
        self.positions = {position.symbol: position for position in found if position.signed}

    def note_position(self, symbol: str, found: PositionFact | None) -> None:
        if found is None or not found.signed:
            self.positions.pop(symbol, None)
        else:
            self.positions[symbol] = found

    def mark(self, symbol: str) -> Decimal:
        """Return the newest mark price that anybody told us; 0 when nobody did."""
        price = self.prices.price(symbol)
        known = self.positions.get(symbol)
        return price.fair if price else known.mark if known else ZERO

    def equity(self) -> Decimal | None:
        """Return the last reported equity, moved along with the marks; None before the first report.

        Wallet and positions of one report belong together: mixing them from two would count a result twice.
        """
        if self.account is None:
            return None
        return self.account.equity + sum((self._moved_since(p) for p in self.account.positions), ZERO)

    def _moved_since(self, reported: PositionFact) -> Decimal:
        mark = self.mark(reported.symbol)
        return reported.signed * mark - reported.notional if mark else ZERO

    def unprotected(self) -> list[str]:
        return sorted(symbol for symbol in self.positions if symbol not in self.protected | self.handed_over)

    def market_time_ms(self) -> int:
        newest = self.prices.newest()
        return newest.market_time_ms if newest else 0


def _within(moments: deque[int], since: int) -> int:
    while moments and moments[0] < since:
        moments.popleft()
    return len(moments)
