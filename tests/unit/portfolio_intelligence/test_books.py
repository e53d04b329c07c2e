"""Whether trades and income tell the same story, in every life an account may have."""

from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from perpmesh.kernel.time import MS_PER_DAY
from perpmesh.portfolio_intelligence.domain.books import Books, Income, IncomeKind, Trade

T0 = 20_000 * MS_PER_DAY
FLAT: set[str] = set()
HELD = {"BTCUSDT"}


@dataclass
class Life:
    """Writes what the exchange and execution would write."""

    books: Books = field(default_factory=Books)
    now: int = T0
    tran: int = 0
    trades: int = 0
    opened: int = 0
    net: Decimal = Decimal(0)
    earned: Decimal = Decimal(0)
    told: list[Income | Trade] = field(default_factory=list)

    def pay(self, kind: str, amount: Decimal, symbol: str = "BTCUSDT") -> None:
        self.tran += 1
        self.net += amount
        self.earned += amount if kind != "TRANSFER" else 0
        row = Income(tran_id=self.tran, type=kind, symbol=symbol, amount=amount, time_ms=self.now)
        self.told.append(row)
        self.books.book(row)

    def tell(self, trade: Trade) -> None:
        self.told.append(trade)
        self.books.enter(trade)

    def trade(self, *, closed: bool = False, net: Decimal | None = None) -> Trade:
        return Trade(
            trade_id=str(self.trades), symbol="BTCUSDT", opened_at_ms=self.opened,
            closed_at_ms=self.now if closed else 0, net_pnl=self.net if net is None else net,
        )  # fmt: skip

    def open_position(self, fee: Decimal = Decimal(-2)) -> None:
        self.trades += 1
        self.opened, self.net = self.now, Decimal(0)
        self.pay("COMMISSION", fee)

    def close_position(self, profit: Decimal, fee: Decimal = Decimal(-2)) -> None:
        self.pay("REALIZED_PNL", profit)
        self.pay("COMMISSION", fee)


def closed_trade(life: Life, profit: Decimal, fee: Decimal = Decimal(-2)) -> None:
    life.open_position(fee)
    life.tell(life.trade())
    life.now += 60_000
    life.close_position(profit, fee)
    life.tell(life.trade(closed=True))


def test_empty_books_agree_and_have_no_profit_factor() -> None:
    books = Books()
    assert books.agree(FLAT)
    assert books.profit_factor is None
    assert books.realized_total == 0


def test_a_deposit_is_not_earned() -> None:
    life = Life()
    life.pay("TRANSFER", Decimal(10_000), symbol="")
    assert life.books.realized_total == 0
    assert life.books.realized_on(T0) == 0
    assert life.books.total(IncomeKind.TRANSFER) == 10_000


def test_a_closed_trade_that_says_a_cent_more_than_the_income_is_found() -> None:
    life = Life()
    closed_trade(life, Decimal(10))
    assert life.books.agree(FLAT)
    life.open_position()
    life.tell(life.trade())
    life.now += 60_000
    life.close_position(Decimal(5))
    life.tell(life.trade(closed=True, net=life.net + Decimal("0.01")))
    assert not life.books.agree(FLAT)


def test_income_that_no_trade_accounts_for_is_found() -> None:
    life = Life()
    closed_trade(life, Decimal(10))
    life.now += 60_000
    life.pay("REALIZED_PNL", Decimal(3))
    assert not life.books.agree(FLAT)


def test_income_from_before_the_first_trade_is_not_ours_to_explain() -> None:
    life = Life()
    life.pay("REALIZED_PNL", Decimal(77))
    life.now += 60_000
    closed_trade(life, Decimal(10))
    closed_trade(life, Decimal(10))
    assert life.books.agree(FLAT)


def test_the_open_trade_is_left_out_even_when_it_opens_at_the_moment_the_last_one_closed() -> None:
    life = Life()
    closed_trade(life, Decimal(10))
    life.open_position(Decimal(-7))
    life.tell(life.trade())
    assert life.books.agree(HELD)
    life.now += 8 * 3_600_000
    life.pay("FUNDING_FEE", Decimal("-1.5"))
    assert life.books.agree(HELD)


def test_a_position_whose_opening_has_not_been_heard_of_yet_is_no_disagreement() -> None:
    life = Life()
    closed_trade(life, Decimal(10))
    life.now += 60_000
    life.open_position()
    assert life.books.agree(HELD)
    assert not life.books.agree(FLAT)


def test_a_trade_that_is_told_twice_counts_once() -> None:
    life = Life()
    closed_trade(life, Decimal(10))
    life.tell(life.trade(closed=True))
    life.tell(life.trade())
    assert life.books.closed_trades == 1
    assert life.books.agree(FLAT)


def test_the_exchange_may_write_income_in_whole_seconds() -> None:
    life = Life(now=T0 + 345)
    life.trades, life.opened = 1, life.now
    life.now = T0
    life.pay("COMMISSION", Decimal(-2))
    life.tell(life.trade())
    life.now = T0 + 60_000
    life.close_position(Decimal(9))
    life.tell(life.trade(closed=True))
    assert life.books.agree(FLAT)


def test_the_day_begins_at_midnight_of_the_market() -> None:
    life = Life()
    closed_trade(life, Decimal(10))
    earned_first_day = life.earned
    life.now = T0 + MS_PER_DAY
    closed_trade(life, Decimal(-20))
    assert life.books.realized_on(T0) == earned_first_day
    assert life.books.realized_on(T0 + MS_PER_DAY) == life.earned - earned_first_day
    assert life.books.realized_total == life.earned


@given(
    moves=st.lists(
        st.tuples(st.integers(-5_000, 5_000), st.integers(0, 3), st.booleans(), st.booleans()), min_size=1, max_size=25
    )
)
def test_the_books_agree_at_every_moment_of_any_life(moves: list[tuple[int, int, bool, bool]]) -> None:
    life = Life()
    for profit, fundings, late_opening, pause in moves:
        life.now += 1_000 if pause else 0
        life.open_position(Decimal(abs(profit)) * Decimal("-0.001") - Decimal("0.00000001"))
        if not late_opening:
            life.tell(life.trade())
        assert life.books.agree(HELD)
        for _ in range(fundings):
            life.now += 3_600_000
            life.pay("FUNDING_FEE", Decimal(profit) * Decimal("0.0001"))
            assert life.books.agree(HELD)
        if late_opening:
            life.tell(life.trade())
        life.now += 1_000
        life.close_position(Decimal(profit) / 100)
        assert life.books.agree(HELD)
        life.tell(life.trade(closed=True))
        assert life.books.agree(FLAT)
    assert life.books.closed_trades == len(moves)
    assert life.books.realized_total == life.earned


@given(profits=st.lists(st.integers(-5_000, 5_000), min_size=1, max_size=12))
def test_a_restart_comes_to_the_same_books(profits: list[int]) -> None:
    life = Life()
    for profit in profits:
        closed_trade(life, Decimal(profit) / 100)
    again = Books()
    for trade in life.told:
        if isinstance(trade, Trade):
            again.enter(trade)
    for row in life.told:
        if isinstance(row, Income):
            again.book(row)
    assert again.agree(FLAT)
    assert (again.realized_total, again.closed_trades, again.wins, again.profit_factor) == (
        life.books.realized_total, life.books.closed_trades, life.books.wins, life.books.profit_factor,
    )  # fmt: skip
