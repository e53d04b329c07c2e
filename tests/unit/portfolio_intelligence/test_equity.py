"""Peaks, drawdowns, weights and exposure."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from perpmesh.portfolio_intelligence.domain.account import Account, Holding
from perpmesh.portfolio_intelligence.domain.equity import EquityPoint, Peak


def holding(symbol: str, quantity: str, mark: str) -> Holding:
    return Holding(
        symbol=symbol,
        signed_quantity=Decimal(quantity),
        entry_price=Decimal(mark),
        mark_price=Decimal(mark),
        unrealized_pnl=Decimal(0),
    )


def test_exposure_is_gross_and_net() -> None:
    account = Account(
        wallet_balance=Decimal(1000), equity=Decimal(1000), available_balance=Decimal(500), unrealized_pnl=Decimal(0), read_at_ms=0,
        holdings=[holding("BTCUSDT", "0.01", "100000"), holding("ETHUSDT", "-0.1", "4000")],
    )  # fmt: skip
    assert (account.gross_exposure, account.net_exposure) == (1400, 600)
    assert [held.weight(account.equity) for held in account.holdings] == [Decimal(1), Decimal("-0.4")]


def test_nothing_weighs_anything_without_equity() -> None:
    assert holding("BTCUSDT", "1", "100").weight(Decimal(0)) == 0


@given(st.lists(st.decimals("0.01", "100000", places=2), min_size=1))
def test_the_peak_never_falls_and_the_drawdown_is_a_fraction(equities: list[Decimal]) -> None:
    peak = Peak()
    for equity in equities:
        before, peak = peak, peak.seen(equity)
        assert peak.equity >= max(before.equity, equity)
        assert 0 <= peak.drawdown(equity) <= 1
    assert peak.equity == max(equities)
    assert peak.drawdown(peak.equity) == 0


def test_a_minute_of_the_market_is_one_point() -> None:
    assert EquityPoint(59_999, Decimal(1)).minute == 0
    assert EquityPoint(60_000, Decimal(1)).minute == 1
