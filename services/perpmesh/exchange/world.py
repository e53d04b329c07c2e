"""The state while a command acts on it: the two times, the facts so far, and the index of resting orders."""

from bisect import insort
from collections.abc import Sequence
from typing import TypeVar

from perpmesh.exchange import present
from perpmesh.exchange.errors import refusal
from perpmesh.exchange.events import AccountUpdated, AlgoUpdated, Event, IncomeBooked, OrderUpdated
from perpmesh.exchange.listing import with_rules
from perpmesh.exchange.margin import Books
from perpmesh.exchange.state import HISTORY, Account, Algo, Income, Market, Order, Position, State
from perpmesh.exchange.symbols import SymbolSpec
from perpmesh.exchange.words import AlgoStatus, BalanceReason, Execution, IncomeType, OrderStatus, PositionSide, Side

T = TypeVar("T", Order, Algo)


def priority(order: Order) -> tuple[int, int]:
    """Return the place of a resting order in its side of the book: the best price first, then the oldest."""
    return (-order.price if order.side is Side.BUY else order.price, order.rank)


class World:
    """What every rule works on. Only `state` is kept; the rest follows from it or from the command."""

    def __init__(self, symbols: Sequence[SymbolSpec], state: State) -> None:
        self.specs = {spec.symbol: with_rules(spec, state.markets[spec.symbol].rules) for spec in symbols}
        self.state = state
        self.books = Books(self.specs, state.markets)
        self.market_ms = 0
        self.wall_ms = 0
        self.events: list[Event] = []
        self.went_flat: list[tuple[Account, str]] = []  # places whose position closed or turned, not yet tidied
        self.resting: dict[tuple[str, Side], list[Order]] = {(s, side): [] for s in self.specs for side in Side}
        for account in state.accounts.values():
            for order in account.open_orders.values():
                self.rest(order)

    # Looking up.

    def spec(self, symbol: str) -> SymbolSpec:
        found = self.specs.get(symbol)
        if found is None:
            raise refusal(-1121)
        return found

    def market(self, symbol: str) -> Market:
        self.spec(symbol)
        return self.state.markets[symbol]

    def account(self, name: str) -> Account:
        found = self.state.accounts.get(name)
        if found is None:
            raise refusal(-2015)
        return found

    def account_of(self, order: Order | Algo) -> Account:
        return self.state.accounts[order.account]

    # The resting index.

    def rest(self, order: Order) -> None:
        insort(self.resting[order.symbol, order.side], order, key=priority)

    def unrest(self, order: Order) -> None:
        side = self.resting[order.symbol, order.side]
        if order in side:
            side.remove(order)

    def withdraw(self, order: Order) -> None:
        """Take an order out of the book and the open ones for a moment, to be changed and put back."""
        del self.account_of(order).open_orders[order.order_id]
        self.unrest(order)

    def put_back(self, order: Order) -> None:
        """Let an order rest, at the place its rank gives it."""
        self.account_of(order).open_orders[order.order_id] = order
        self.rest(order)

    # Saying what happened.

    def touch(self, order: Order) -> None:
        order.update_time, order.market_time = self.wall_ms, self.market_ms

    def report_order(self, order: Order, execution: Execution, *, reason: int = 0) -> None:
        view = present.order_view(self.specs[order.symbol], order)
        self.events.append(OrderUpdated(order.account, view, execution, self.market_ms, expire_reason=reason))
        self.conclude_algo(order)

    def conclude_algo(self, order: Order) -> None:
        """A conditional order is finished when the order that it created has ended."""
        algo = self.account_of(order).past_algos.get(order.algo_id)
        if algo is None or order.status.is_open or algo.status is AlgoStatus.FINISHED:
            return
        algo.status, algo.filled, algo.quote = AlgoStatus.FINISHED, order.executed, order.quote
        self.report_algo(algo)

    def report_algo(self, algo: Algo) -> None:
        algo.update_time = self.wall_ms
        view = present.algo_view(self.specs[algo.symbol], algo)
        self.events.append(AlgoUpdated(algo.account, view, self.market_ms))

    def report_account(
        self, account: Account, reason: BalanceReason, *positions: Position, balance_change: int = 0
    ) -> None:
        account.update_time = self.wall_ms
        self.events.append(
            AccountUpdated(
                account=account.name,
                reason=reason,
                wallet=present.money(account.wallet),
                cross_wallet=present.money(account.cross_wallet),
                balance_change=present.money(balance_change),
                positions=tuple(present.position_view(self.books, account, p) for p in positions),
                market_ms=self.market_ms,
            )
        )

    def book_income(
        self, account: Account, kind: IncomeType, amount: int, *, symbol: str = "", info: str = "", trade_id: int = 0
    ) -> None:
        """Change the wallet by `amount` and write down why: there is no other way to change a wallet."""
        if amount == 0:
            return
        account.wallet += amount
        row = Income(symbol, kind, amount, info or kind.value, self.market_ms, self.state.next_tran_id, trade_id)
        self.state.next_tran_id += 1
        account.income.append(row)
        del account.income[:-HISTORY]
        self.events.append(IncomeBooked(account.name, present.income_view(row), self.market_ms))

    # Ending an order.

    def finish(self, order: Order, status: OrderStatus) -> None:
        """Move an order out of the open ones."""
        account = self.account_of(order)
        order.status = status
        self.touch(order)
        if account.open_orders.pop(order.order_id, None) is not None:
            self.unrest(order)
        remember(account.finished, order.order_id, order)

    def take_down(self, order: Order, status: OrderStatus, execution: Execution, *, reason: int = 0) -> None:
        """End an order before it is filled, and say so."""
        self.finish(order, status)
        self.report_order(order, execution, reason=reason)


def remember(history: dict[int, T], key: int, item: T) -> None:
    """Add to a bounded history."""
    history[key] = item
    if len(history) > HISTORY:
        del history[next(iter(history))]


def check_side(account: Account, side: PositionSide | None) -> PositionSide:
    """Return the position side an order means; -4061 when it does not fit the account's mode."""
    chosen = side or PositionSide.BOTH
    if (chosen is PositionSide.BOTH) == account.dual_side:
        raise refusal(-4061)
    return chosen
