"""What the summary says when the exchange and the bus are not in step."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from perpmesh.kernel.errors import Unavailable
from perpmesh.kernel.time import ManualClock
from perpmesh.platform import database
from perpmesh.platform.settings import MeshSettings
from perpmesh.portfolio_intelligence.adapters.store import TABLES, SqlStore
from perpmesh.portfolio_intelligence.application.keep_books import KeepBooks
from perpmesh.portfolio_intelligence.domain.account import Account
from perpmesh.portfolio_intelligence.domain.books import Income, Trade

from .conftest import BoardPrices

T0 = 1_750_000_000_000


class Ledger:
    """The account endpoints of an exchange whose wallet is what its income adds up to."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.rows: list[Income] = []
        self.asked_for_income = 0
        self.down = False

    def pay(self, amount: str, kind: str = "REALIZED_PNL") -> Income:
        row = Income(tran_id=len(self.rows), type=kind, symbol="BTCUSDT", amount=Decimal(amount), time_ms=T0)
        self.rows.append(row)
        return row

    async def account(self) -> Account:
        if self.down:
            raise Unavailable("down")
        wallet = sum((row.amount for row in self.rows), Decimal(10_000))
        return Account(
            wallet_balance=wallet, equity=wallet, available_balance=wallet, unrealized_pnl=Decimal(0), holdings=[],
            read_at_ms=self.clock.now_ms(),
        )  # fmt: skip

    async def income(self, since_ms: int | None) -> Sequence[Income]:
        self.asked_for_income += 1
        return [row for row in self.rows if row.time_ms >= (since_ms or 0)]


class Bench:
    def __init__(self, opened: database.Database) -> None:
        self.clock = ManualClock()
        self.ledger = Ledger(self.clock)
        self.opened = opened
        self.prices = InterruptingPrices()
        self.books = KeepBooks(
            exchange=self.ledger,  # type: ignore[arg-type] - the account half is all the books ask
            prices=self.prices, store=SqlStore(opened), clock=self.clock,
        )  # fmt: skip

    async def close(self, net: str) -> None:
        trade = Trade(trade_id=net, symbol="BTCUSDT", opened_at_ms=T0, closed_at_ms=T0, net_pnl=Decimal(net))
        async with self.opened.transaction() as tx:
            committed = await self.books.record(tx, trade)
        committed()


class InterruptingPrices(BoardPrices):
    """Lets something happen in the middle of a look."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile = None

    async def market_time_ms(self) -> int:
        if self.meanwhile is not None:
            happening, self.meanwhile = self.meanwhile, None
            await happening
        return await super().market_time_ms()


@pytest.fixture
async def bench(tmp_path: Path):
    async with database.opened(MeshSettings(state_dir=tmp_path), "portfolio_intelligence", TABLES) as opened:
        yield Bench(opened)


async def test_a_trade_that_is_told_in_the_middle_of_a_look_is_no_disagreement(bench: Bench) -> None:
    await bench.books.refresh()
    bench.prices.meanwhile = bench.close("5")
    await bench.books.refresh()
    assert bench.books.summary().books_agree
    bench.ledger.pay("5")
    await bench.books.refresh()
    assert bench.books.summary().books_agree


async def test_a_trade_without_income_is_a_disagreement_once_the_income_was_read(bench: Bench) -> None:
    await bench.close("5")
    await bench.books.refresh()
    assert not bench.books.summary().books_agree


async def test_income_is_asked_for_only_when_it_may_have_changed(bench: Bench) -> None:
    for _ in range(5):
        await bench.books.refresh()
    assert bench.ledger.asked_for_income == 1
    bench.ledger.pay("-1", "FUNDING_FEE")
    await bench.books.refresh()
    await bench.books.refresh()
    assert bench.ledger.asked_for_income == 2
    bench.clock.advance(30_000)
    await bench.books.refresh()
    assert bench.ledger.asked_for_income == 3
    assert bench.books.summary().funding_total == -1


async def test_while_the_exchange_is_away_the_last_summary_stands_and_ages(bench: Bench) -> None:
    await bench.books.refresh()
    bench.ledger.down = True
    bench.clock.advance(7_000)
    with pytest.raises(Unavailable):
        await bench.books.refresh()
    summary = bench.books.summary()
    assert (summary.account.equity, bench.books.age_ms(summary)) == (10_000, 7_000)


async def test_the_drawdown_is_measured_from_a_peak_that_a_restart_does_not_forget(bench: Bench) -> None:
    bench.ledger.pay("1000")
    await bench.books.refresh()
    bench.ledger.pay("-2200")
    again = KeepBooks(
        exchange=bench.ledger,  # type: ignore[arg-type] - the account half is all the books ask
        prices=bench.prices, store=SqlStore(bench.opened), clock=bench.clock,
    )  # fmt: skip
    await again.load()
    await again.refresh()
    assert (again.summary().peak_equity, again.summary().drawdown) == (11_000, Decimal("0.2"))
