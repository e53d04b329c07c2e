"""The whole portfolio at one moment, every figure from the account or the books."""

from dataclasses import dataclass
from decimal import Decimal

from perpmesh.portfolio_intelligence.domain.account import Account
from perpmesh.portfolio_intelligence.domain.books import Books, IncomeKind
from perpmesh.portfolio_intelligence.domain.equity import Peak


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What GetSummary answers. Money in USDT; `realized_*` net of fees and funding."""

    account: Account
    realized_today: Decimal
    realized_total: Decimal
    commission_total: Decimal
    funding_total: Decimal
    trades: int
    wins: int
    profit_factor: Decimal | None
    peak_equity: Decimal
    drawdown: Decimal
    market_time_ms: int
    books_agree: bool


def summarize(account: Account, books: Books, peak: Peak, market_time_ms: int, *, books_agree: bool) -> Summary:
    """Put the figures of one moment together."""
    return Summary(
        account=account,
        realized_today=books.realized_on(market_time_ms),
        realized_total=books.realized_total,
        commission_total=books.total(IncomeKind.COMMISSION),
        funding_total=books.total(IncomeKind.FUNDING_FEE),
        trades=books.closed_trades,
        wins=books.wins,
        profit_factor=books.profit_factor,
        peak_equity=peak.equity,
        drawdown=peak.drawdown(account.equity),
        market_time_ms=market_time_ms,
        books_agree=books_agree,
    )
