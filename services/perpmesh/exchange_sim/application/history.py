"""What is over: finished orders, fills, income. The machine remembers the newest, the archive all of it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

from perpmesh.exchange.engine import Engine
from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange.events import Event
from perpmesh.exchange.views import AlgoView, IncomeView, OrderView, TradeView

Row: TypeAlias = OrderView | AlgoView | TradeView | IncomeView
R = TypeVar("R", bound=OrderView | AlgoView | TradeView | IncomeView)
FOREVER = 1 << 62
UNKNOWN = -2013


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which rows of an account, oldest first, at most `limit`: from the newest end unless there is a beginning."""

    account: str
    symbol: str | None = None
    label: str | None = None  # the client id of an order, the type of an income
    order_id: int | None = None  # of a fill
    first_id: int = 0
    start: int | None = None  # ms, by the clock that the row is dated with
    end: int = FOREVER
    limit: int = FOREVER

    @property
    def newest(self) -> bool:
        return self.start is None and not self.first_id

    def cut(self, rows: Sequence[R]) -> list[R]:
        return list(rows[-self.limit :] if self.newest else rows[: self.limit])


@dataclass(frozen=True, slots=True)
class Key:
    """How a row is found."""

    id: int
    label: str
    at_ms: int
    order_id: int = 0


def order_key(row: OrderView) -> Key:
    return Key(row.order_id, row.client_order_id, row.time)


def algo_key(row: AlgoView) -> Key:
    return Key(row.algo_id, row.client_algo_id, row.create_time)


def trade_key(row: TradeView) -> Key:
    return Key(row.trade_id, "", row.time, row.order_id)


def income_key(row: IncomeView) -> Key:
    return Key(row.tran_id, row.type.value, row.time)


class Archive(Protocol):
    """Rows on disk. What it was given before a snapshot is there after any death; the rest is given again."""

    def keep(self, facts: Iterable[Event]) -> None:
        """Note what the facts say is over; writing it may wait."""
        ...

    def settle(self) -> None:
        """Return when all that was noted survives the death of the machine."""
        ...

    def select(self, kind: type[R], wanted: Wanted) -> list[R]:
        """Return rows, oldest first."""
        ...

    def close(self) -> None: ...


class History:
    """What an account may ask of its past, wherever it is remembered."""

    def __init__(self, engine: Engine, archive: Archive | None) -> None:
        self._engine = engine
        self._archive = archive

    def orders(self, wanted: Wanted) -> list[OrderView]:
        """Return finished and open orders."""
        if self._archive is None:
            return _choose(self._engine.all_orders(wanted.account, wanted.symbol), wanted, order_key)
        open_now = _choose(self._engine.open_orders(wanted.account, wanted.symbol), wanted, order_key)
        return _merged(self._archive.select(OrderView, wanted), open_now, wanted, order_key)

    def algos(self, wanted: Wanted) -> list[AlgoView]:
        """Return conditional orders, past and open."""
        if self._archive is None:
            return _choose(self._engine.all_algos(wanted.account, wanted.symbol), wanted, algo_key)
        open_now = _choose(self._engine.open_algos(wanted.account, wanted.symbol), wanted, algo_key)
        return _merged(self._archive.select(AlgoView, wanted), open_now, wanted, algo_key)

    def trades(self, wanted: Wanted) -> list[TradeView]:
        if self._archive is None:
            return _choose(self._engine.trades(wanted.account, wanted.symbol), wanted, trade_key)
        return self._archive.select(TradeView, wanted)

    def income(self, wanted: Wanted) -> list[IncomeView]:
        if self._archive is None:
            rows = [row for row in self._engine.income(wanted.account) if wanted.symbol in (None, row.symbol)]
            return _choose(rows, wanted, income_key)
        return self._archive.select(IncomeView, wanted)

    def order(self, account: str, symbol: str, order_id: int | None, client_id: str | None) -> OrderView:
        """Return an order, the newest when a client id was used again; raise -2013 when there is none."""
        try:
            return self._engine.order(account, symbol, order_id=order_id, client_order_id=client_id)
        except ExchangeError as error:
            wanted = _one(account, symbol, order_id, client_id)
            found = self._archive.select(OrderView, wanted) if self._archive and error.code == UNKNOWN else []
            if not found or order_id not in (None, found[0].order_id):
                raise
            return found[0]

    def algo(self, account: str, algo_id: int | None, client_id: str | None) -> AlgoView:
        """Return a conditional order, the newest when a client id was used again; raise -2013 when there is none."""
        try:
            return self._engine.algo(account, algo_id=algo_id, client_algo_id=client_id)
        except ExchangeError as error:
            wanted = _one(account, None, algo_id, client_id)
            found = self._archive.select(AlgoView, wanted) if self._archive and error.code == UNKNOWN else []
            if not found or algo_id not in (None, found[0].algo_id):
                raise
            return found[0]


def _one(account: str, symbol: str | None, number: int | None, label: str | None) -> Wanted:
    """Ask for one row, by its number or else for the newest of its name."""
    if number is not None:
        return Wanted(account=account, symbol=symbol, first_id=number, limit=1)
    return Wanted(account=account, symbol=symbol, label=label, limit=1)


def _choose(rows: Iterable[R], wanted: Wanted, key: Callable[[R], Key]) -> list[R]:
    """Return those rows, all of one account and symbol, that are wanted."""

    def is_wanted(row: R) -> bool:
        found = key(row)
        return (
            found.id >= wanted.first_id
            and (wanted.start or 0) <= found.at_ms <= wanted.end
            and wanted.label in (None, found.label)
            and wanted.order_id in (None, found.order_id)
        )

    return wanted.cut([row for row in rows if is_wanted(row)])


def _merged(past: Sequence[R], now: Sequence[R], wanted: Wanted, key: Callable[[R], Key]) -> list[R]:
    """Put open orders among finished ones; what is open is not over, whatever the archive says."""
    rows = {key(row).id: row for row in (*past, *now)}
    return wanted.cut([rows[number] for number in sorted(rows)])
