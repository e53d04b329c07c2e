"""The store remembers each row once, a closed trade as closed, and no more of the curve than it should."""

from decimal import Decimal
from pathlib import Path

import pytest

from perpmesh.kernel.time import MS_PER_MINUTE
from perpmesh.platform import database
from perpmesh.platform.settings import MeshSettings
from perpmesh.portfolio_intelligence.adapters import store as module
from perpmesh.portfolio_intelligence.adapters.store import TABLES, SqlStore
from perpmesh.portfolio_intelligence.domain.books import Income, Trade
from perpmesh.portfolio_intelligence.domain.equity import EquityPoint, Peak


def row(tran_id: int, kind: str = "COMMISSION", time_ms: int = 1_000) -> Income:
    return Income(tran_id=tran_id, type=kind, symbol="BTCUSDT", amount=Decimal("-0.00000001"), time_ms=time_ms)


async def test_a_row_that_is_read_again_is_kept_once(store: SqlStore) -> None:
    assert await store.add_income([row(1), row(1, "REALIZED_PNL")]) == [row(1), row(1, "REALIZED_PNL")]
    assert await store.add_income([row(1), row(2), row(2)]) == [row(2)]
    assert [each.tran_id for each in (await store.load()).income] == [1, 1, 2]


async def test_a_late_row_with_an_earlier_time_is_kept(store: SqlStore) -> None:
    await store.add_income([row(5, time_ms=9_000)])
    assert await store.add_income([row(4, time_ms=8_000), row(5, time_ms=9_000)]) == [row(4, time_ms=8_000)]


async def test_a_closed_trade_is_never_opened_again(store: SqlStore, tmp_path: Path) -> None:
    opened = Trade(trade_id="t", symbol="BTCUSDT", opened_at_ms=1)
    closed = Trade(trade_id="t", symbol="BTCUSDT", opened_at_ms=1, closed_at_ms=2, net_pnl=Decimal("1.23"))
    async with database.opened(MeshSettings(state_dir=tmp_path), "portfolio_intelligence", TABLES) as other:
        for trade in (opened, closed, opened):
            async with other.transaction() as tx:
                await store.put_trade(tx, trade)
    assert (await store.load()).trades == [closed]


async def test_the_curve_is_told_oldest_first_and_only_the_newest_are_kept(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CURVE_POINTS_KEPT", 10)
    for minute in range(121):
        await store.mark(Peak(Decimal(minute)), EquityPoint(minute * MS_PER_MINUTE, Decimal(minute)))
    kept = await store.curve(0, 5_000)
    assert [point.minute for point in kept] == list(range(111, 121))
    assert [point.minute for point in await store.curve(115 * MS_PER_MINUTE, 2)] == [119, 120]
    loaded = await store.load()
    assert (loaded.peak.equity, loaded.newest_point) == (Decimal(120), kept[-1])
