"""The exchange: one machine that takes commands one after the other and answers with facts."""

from collections.abc import Sequence

from perpmesh.exchange.commands import Command
from perpmesh.exchange.events import Event
from perpmesh.exchange.symbols import SymbolSpec
from perpmesh.exchange.views import (
    AccountView,
    AlgoView,
    DepthView,
    IncomeView,
    LedgerView,
    MarketView,
    OrderView,
    PositionView,
    SettingsView,
    TradeView,
)


class Engine:
    """Deterministic: the state is a function of the commands and the times they came with."""

    def __init__(self, symbols: Sequence[SymbolSpec]) -> None:
        raise NotImplementedError

    def apply(self, command: Command, *, market_ms: int, wall_ms: int) -> list[Event]:
        """Do `command` and return what happened, in order.

        `market_ms` dates trades, funding and income; `wall_ms` dates orders and positions (time, updateTime),
        which clients compare with serverTime, and drives GTD and countdowns.

        Raises:
            ExchangeError: refused; nothing has changed.
        """
        raise NotImplementedError

    # Reading. An unknown account is refused with -2015, an unknown symbol with -1121.

    @property
    def specs(self) -> dict[str, SymbolSpec]:
        raise NotImplementedError

    def accounts(self) -> tuple[str, ...]:
        raise NotImplementedError

    def account(self, account: str) -> AccountView:
        raise NotImplementedError

    def positions(self, account: str, symbol: str | None = None) -> tuple[PositionView, ...]:
        """Every position place: one per symbol, in hedge mode LONG and SHORT; empty ones too."""
        raise NotImplementedError

    def settings(self, account: str, symbol: str) -> SettingsView:
        raise NotImplementedError

    def order(
        self, account: str, symbol: str, *, order_id: int | None = None, client_order_id: str | None = None
    ) -> OrderView:
        """Return the order, the newest one when a client id was used again; -2013 when there is none."""
        raise NotImplementedError

    def open_orders(self, account: str, symbol: str | None = None) -> tuple[OrderView, ...]:
        raise NotImplementedError

    def all_orders(self, account: str, symbol: str | None = None) -> tuple[OrderView, ...]:
        """Oldest first. The server filters by id, time (order.time) and limit."""
        raise NotImplementedError

    def algo(self, account: str, *, algo_id: int | None = None, client_algo_id: str | None = None) -> AlgoView:
        raise NotImplementedError

    def open_algos(self, account: str, symbol: str | None = None) -> tuple[AlgoView, ...]:
        raise NotImplementedError

    def all_algos(self, account: str, symbol: str | None = None) -> tuple[AlgoView, ...]:
        raise NotImplementedError

    def trades(self, account: str, symbol: str | None = None) -> tuple[TradeView, ...]:
        raise NotImplementedError

    def income(self, account: str) -> tuple[IncomeView, ...]:
        raise NotImplementedError

    def depth(self, symbol: str, limit: int = 1000) -> DepthView:
        raise NotImplementedError

    def market(self, symbol: str) -> MarketView:
        raise NotImplementedError

    def ledger(self) -> LedgerView:
        raise NotImplementedError

    # Keeping.

    def snapshot(self) -> bytes:
        """Return the whole state as canonical JSON: equal states, equal bytes."""
        raise NotImplementedError

    @classmethod
    def restore(cls, symbols: Sequence[SymbolSpec], snapshot: bytes) -> "Engine":
        raise NotImplementedError

    def state_hash(self) -> str:
        """Return the SHA-256 of the snapshot."""
        raise NotImplementedError
