"""The state while a command acts on it: the two times, the facts so far, and the index of resting orders."""

from collections.abc import Sequence
from typing import TypeVar

from perpmesh.exchange import margin, present
from perpmesh.exchange.commitments import Commitment
from perpmesh.exchange.errors import refusal
from perpmesh.exchange.events import AccountUpdated, AlgoUpdated, Event, IncomeBooked, OrderUpdated
from perpmesh.exchange.ladder import Ladder
from perpmesh.exchange.listing import with_rules
from perpmesh.exchange.margin import Books
from perpmesh.exchange.state import HISTORY, Account, Algo, Income, Market, Order, Position, State
from perpmesh.exchange.symbols import SymbolSpec
from perpmesh.exchange.words import AlgoStatus, BalanceReason, Execution, IncomeType, OrderStatus, PositionSide, Side

T = TypeVar("T", Order, Algo)


class World:
    """What every rule works on. Only `state` is kept; the rest follows from it or from the command."""

    def __init__(self, symbols: Sequence[SymbolSpec], state: State) -> None:
        self.specs = {spec.symbol: with_rules(spec, state.markets[spec.symbol].rules) for spec in symbols}
        self.state = state
        self.books = Books(self.specs, state.markets)
        self.market_ms = 0
        self.wall_ms = 0
        self.events: list[Event] = []
        self.unsettled = True  # something is not what it was when triggers and liquidations were last looked at
        self.everyone = True  # and it concerns every account, or else those in `touched`
        self.touched: set[str] = set()
        self.watched: dict[str, dict[int, Algo]] = {symbol: {} for symbol in self.specs}
        self.went_flat: list[tuple[Account, str]] = []  # places whose position closed or turned, not yet tidied
        self.resting: dict[tuple[str, Side], Ladder] = {(s, side): Ladder(side) for s in self.specs for side in Side}
        for account in state.accounts.values():
            for order in account.open_orders.values():
                self._rest(account, order)
            for algo in account.open_algos.values():
                self.watched[algo.symbol][algo.algo_id] = algo

    def unsettle(self, account: Account | None = None) -> None:
        """Say that an account's positions or wallet change, or what concerns all of them: they are looked at anew."""
        self.unsettled = True
        if account is None:
            self.everyone = True
            self.books.epoch += 1
        else:
            self.touched.add(account.name)
            account.commitments.epoch = -1

    def watch(self, algo: Algo) -> None:
        """Look at a conditional order whenever something moves."""
        self.account_of(algo).open_algos[algo.algo_id] = algo
        self.watched[algo.symbol][algo.algo_id] = algo

    def unwatch(self, algo: Algo) -> None:
        self.account_of(algo).open_algos.pop(algo.algo_id, None)
        self.watched[algo.symbol].pop(algo.algo_id, None)

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

    # Resting orders: in the account, in what it is committed to, and in the book.

    def put_back(self, order: Order) -> None:
        """Let an order rest, at the place its rank gives it."""
        account = self.state.accounts[order.account]
        account.open_orders[order.order_id] = order
        self._rest(account, order)

    def withdraw(self, order: Order) -> None:
        """Take an order out of the book and the open ones; before it ends, or to be changed and put back."""
        account = self.state.accounts[order.account]
        del account.open_orders[order.order_id]
        commitment = account.commitments.leave(order, account.open_orders.values())
        self._commit(account, commitment, order, -order.remaining)
        self.resting[order.symbol, order.side].discard(order)  # a scripted order is not there

    def fill_part(self, order: Order, lots: int) -> None:
        """Count `lots` of an order as executed."""
        account = self.state.accounts[order.account]
        if order.order_id in account.open_orders:
            self._commit(account, account.commitments.places[order.place], order, -lots)
        order.executed += lots

    def _rest(self, account: Account, order: Order) -> None:
        self._commit(account, account.commitments.enter(order), order, order.quantity - order.executed)
        if order.order_id not in self.state.scripts:
            self.resting[order.symbol, order.side].add(order)

    def _commit(self, account: Account, commitment: Commitment, order: Order, lots: int) -> None:
        """Change what the orders at a place are worth by `lots` of `order`."""
        if order.reduce_only:
            return
        worth = lots * order.price * self.specs[order.symbol].unit
        if order.side.sign > 0:
            commitment.buys += worth
        else:
            commitment.sells += worth
        margin.follow(self.books, account, commitment)

    # Saying what happened.

    def touch(self, order: Order) -> None:
        order.update_time, order.market_time = self.wall_ms, self.market_ms

    def report_order(self, order: Order, execution: Execution, *, reason: int = 0, modify_id: int = 0) -> None:
        now = present.order_now(self.specs[order.symbol], order)
        self.events.append(OrderUpdated(order.account, now, execution, self.market_ms, reason, modify_id=modify_id))
        if order.algo_id:
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
        self, account: Account, reason: BalanceReason, *positions: Position, balance_change: int = 0, symbol: str = ""
    ) -> None:
        account.update_time = self.wall_ms
        self.events.append(
            AccountUpdated(
                account.name,
                reason,
                (account.wallet, account.cross_wallet, balance_change),
                [present.position_now(self.books, account, p) for p in positions],
                self.market_ms,
                symbol,
            )
        )

    def book_income(
        self, account: Account, kind: IncomeType, amount: int, *, symbol: str = "", info: str = "", trade_id: int = 0
    ) -> None:
        """Change the wallet by `amount` and write down why: there is no other way to change a wallet."""
        if amount == 0:
            return
        account.wallet += amount
        self.unsettle(account)
        row = Income(symbol, kind, amount, info or kind.value, self.market_ms, self.state.next_tran_id, trade_id)
        self.state.next_tran_id += 1
        account.income.append(row)
        del account.income[:-HISTORY]
        self.events.append(IncomeBooked(account.name, row, self.market_ms))

    # Ending an order.

    def finish(self, order: Order, status: OrderStatus) -> None:
        """Move an order out of the open ones."""
        account = self.account_of(order)
        order.status = status
        self.touch(order)
        if order.order_id in account.open_orders:
            self.withdraw(order)
        remember(account.finished, order.order_id, order)

    def take_down(self, order: Order, status: OrderStatus, execution: Execution, *, reason: int = 0) -> None:
        """End an order before it is filled, and say so."""
        self.finish(order, status)
        self.report_order(order, execution, reason=reason)


def remember(history: dict[int, T], key: int, item: T) -> None:
    """Add to a bounded history. A triggered conditional order stays until its order has ended, which concludes it."""
    history[key] = item
    if len(history) > HISTORY:
        over = (number for number, each in history.items() if each.status is not AlgoStatus.TRIGGERED)
        del history[next(over, next(iter(history)))]


def check_side(account: Account, side: PositionSide | None) -> PositionSide:
    """Return the position side an order means; -4061 when it does not fit the account's mode."""
    chosen = side or PositionSide.BOTH
    if (chosen is PositionSide.BOTH) == account.dual_side:
        raise refusal(-4061)
    return chosen
