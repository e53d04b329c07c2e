"""The books beside a real exchange: what is traded there is what they say, to the cent."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from perpmesh.kernel.errors import NotFound, Unavailable
from perpmesh.kernel.time import MS_PER_MINUTE
from perpmesh.platform import database
from perpmesh.platform.settings import MeshSettings
from perpmesh.platform.time import SystemClock
from perpmesh.portfolio_intelligence.adapters.exchange_rest import RestExchange, rest_exchange
from perpmesh.portfolio_intelligence.adapters.store import TABLES, SqlStore
from perpmesh.portfolio_intelligence.application.keep_books import KeepBooks
from perpmesh.portfolio_intelligence.domain.books import Trade

from .conftest import BoardPrices


async def order(venue: RestExchange, side: str, quantity: str = "0.010") -> None:
    await venue._client.futures_create_order(symbol="BTCUSDT", side=side, type="MARKET", quantity=quantity)


async def tell(books: KeepBooks, tmp_path: Path, trade: Trade) -> None:
    async with database.opened(MeshSettings(state_dir=tmp_path), "portfolio_intelligence", TABLES) as handler:
        async with handler.transaction() as tx:
            committed = await books.record(tx, trade)
        committed()


async def round_trip(books: KeepBooks, venue: RestExchange, tmp_path: Path, *, off_by: str = "0") -> Any:
    """Open and close a position, and report the trade as execution would, from the exchange's income."""
    before = len(await venue.income(None))
    await order(venue, "BUY")
    opened_at = (await venue.income(None))[-1].time_ms
    name = f"t{before}"
    await tell(books, tmp_path, Trade(trade_id=name, symbol="BTCUSDT", opened_at_ms=opened_at))
    await books.refresh()
    open_summary = books.summary()
    await order(venue, "SELL")
    rows = (await venue.income(None))[before:]
    closed = Trade(
        trade_id=name, symbol="BTCUSDT", opened_at_ms=opened_at, closed_at_ms=rows[-1].time_ms,
        net_pnl=sum((row.amount for row in rows), Decimal(off_by)),
    )  # fmt: skip
    await tell(books, tmp_path, closed)
    await books.refresh()
    return open_summary


async def test_before_the_first_answer_there_is_no_summary(books: KeepBooks) -> None:
    with pytest.raises(Unavailable):
        books.summary()


async def test_a_trade_on_the_exchange_is_in_the_books_to_the_cent(
    books: KeepBooks, venue: RestExchange, tmp_path: Path
) -> None:
    opened = await round_trip(books, venue, tmp_path)
    (held,) = opened.account.holdings
    assert (held.symbol, held.signed_quantity) == ("BTCUSDT", Decimal("0.010"))
    assert opened.account.equity == opened.account.wallet_balance + opened.account.unrealized_pnl
    assert opened.commission_total < 0
    assert opened.books_agree
    summary = books.summary()
    assert summary.account.holdings == []
    assert summary.realized_total == summary.account.wallet_balance - 10_000
    assert summary.realized_today == summary.realized_total
    assert (summary.trades, summary.wins) == (1, int(summary.realized_total > 0))
    assert summary.books_agree


async def test_several_trades_agree_and_a_cent_too_much_is_found(
    books: KeepBooks, venue: RestExchange, tmp_path: Path
) -> None:
    for _ in range(3):
        await round_trip(books, venue, tmp_path)
        assert books.summary().books_agree
    await round_trip(books, venue, tmp_path, off_by="0.01")
    assert not books.summary().books_agree


async def test_a_restart_goes_on_with_the_same_books(
    books: KeepBooks, venue: RestExchange, prices: BoardPrices, store: SqlStore, tmp_path: Path
) -> None:
    prices.market_ms = 30_000_000 * MS_PER_MINUTE
    await round_trip(books, venue, tmp_path)
    again = KeepBooks(exchange=venue, prices=BoardPrices(), store=store, clock=SystemClock())
    await again.load()
    await again.refresh()
    before, after = books.summary(), again.summary()
    assert (after.trades, after.realized_total, after.peak_equity) == (
        before.trades, before.realized_total, before.peak_equity,
    )  # fmt: skip
    assert after.market_time_ms == before.market_time_ms
    assert after.books_agree


async def test_each_market_minute_is_one_point_of_the_curve(
    books: KeepBooks, prices: BoardPrices, store: SqlStore
) -> None:
    start = 30_000_000 * MS_PER_MINUTE
    for seconds in (0, 10, 50, 61, 62, 180):
        prices.market_ms = start + seconds * 1_000
        await books.refresh()
    assert [point.market_time_ms - start for point in await store.curve(0, 500)] == [0, 61_000, 180_000]


async def test_filters_and_fees_are_the_exchanges(venue: RestExchange) -> None:
    instrument = await venue.instrument("BTCUSDT")
    assert (instrument.step, instrument.min_notional > 0) == (Decimal("0.001"), True)
    assert 0 < await venue.taker_rate("BTCUSDT") < Decimal("0.01")
    with pytest.raises(NotFound):
        await venue.instrument("NOSUCHUSDT")


async def test_an_exchange_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    settings = MeshSettings(state_dir=tmp_path, exchange_url="http://127.0.0.1:9")
    async with rest_exchange(settings, SystemClock()) as nobody:
        with pytest.raises(Unavailable):
            await nobody.account()


async def test_a_wrong_key_is_unavailable_and_says_so(settings: MeshSettings) -> None:
    wrong = settings.model_copy(update={"api_key": type(settings.api_key)("nobody")})
    async with rest_exchange(wrong, SystemClock()) as stranger:
        with pytest.raises(Unavailable, match=r"code -201[45]"):
            await stranger.account()
