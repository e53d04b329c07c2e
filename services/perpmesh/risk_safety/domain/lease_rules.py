"""When the entry lease is granted: only if everything that must be known is known, and fresh. Entries fail closed."""

from dataclasses import dataclass

from perpmesh.risk_safety.domain.ess import Latch, Stage
from perpmesh.risk_safety.domain.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What we know ourselves when we are asked."""

    latch: Latch
    counted_trades: int  # the sequence of execution's trades that is counted here
    breached: bool  # a limit is reached; the trip is on its way
    pulling: bool  # a trip is being made durable
    operator_silent: bool  # no operator was heard of for longer than policy allows
    rival: bool  # another holder may be alive
    stale_price_ms: int


def why_not(report: Report, grounds: Grounds) -> str:
    """Return why an armed latch still grants nothing, in UPPER_SNAKE_CASE; "" when it grants."""
    checks = (
        (grounds.pulling, "TRIPPING"),
        (grounds.breached, "LIMIT_BREACHED"),
        (grounds.latch.paused, "PAUSED"),
        (grounds.operator_silent, "OPERATOR_SILENT"),
        (grounds.latch.stage is Stage.SHADOW, "STAGE_SHADOW"),
        (report.equity is None or report.equity <= 0, "EQUITY_UNKNOWN"),
        (report.market_time_ms <= 0, "MARKET_TIME_UNKNOWN"),
        (not report.reconciled, "NOT_RECONCILED"),
        (bool(report.ledger_mismatch), "LEDGER_MISMATCH"),
        (report.newest_trade_sequence > grounds.counted_trades, "TRADES_BEHIND"),
        (not 0 <= report.price_age_ms <= grounds.stale_price_ms, "PRICES_STALE"),
        (grounds.rival, "OTHER_HOLDER"),
    )
    return next((reason for failed, reason in checks if failed), "")
