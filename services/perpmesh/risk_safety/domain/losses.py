"""Loss limits on the account's equity, by market time, and on the run of losing trades."""

from dataclasses import dataclass, replace
from decimal import Decimal

from perpmesh.kernel.money import ZERO, text
from perpmesh.kernel.time import utc_day, utc_week
from perpmesh.risk_safety.domain.breach import Breach, shown
from perpmesh.risk_safety.domain.ess import Trigger

PLACES = Decimal("0.000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What policy allows; reaching it is too much. Fractions."""

    daily_loss: Decimal
    weekly_loss: Decimal
    drawdown: Decimal
    consecutive_losses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityFigures:
    """Equity with unrealised PnL, and what it is measured against. All zero before the first report."""

    equity: Decimal = ZERO
    market_time_ms: int = 0
    day_start: Decimal = ZERO
    week_start: Decimal = ZERO
    peak: Decimal = ZERO

    def reported(self, equity: Decimal, market_time_ms: int) -> "EquityFigures":
        """Take in a report. A new day or week starts from the last equity of the old one, so no gap hides a loss."""
        if self.market_time_ms == 0:
            return EquityFigures(
                equity=equity, market_time_ms=market_time_ms, day_start=equity, week_start=equity, peak=equity
            )
        now = max(market_time_ms, self.market_time_ms)
        same_day = utc_day(now) == utc_day(self.market_time_ms)
        same_week = utc_week(now) == utc_week(self.market_time_ms)
        return EquityFigures(
            equity=equity, market_time_ms=now, peak=max(self.peak, equity),
            day_start=self.day_start if same_day else self.equity,
            week_start=self.week_start if same_week else self.equity,
        )  # fmt: skip

    @property
    def daily_loss(self) -> Decimal:
        return _fall(self.day_start, self.equity)

    @property
    def weekly_loss(self) -> Decimal:
        return _fall(self.week_start, self.equity)

    @property
    def drawdown(self) -> Decimal:
        return _fall(self.peak, self.equity)

    def breach(self, limits: Limits) -> Breach | None:
        """Return the gravest limit reached, if one is."""
        for trigger, loss, limit, start, window in (
            (Trigger.DRAWDOWN, self.drawdown, limits.drawdown, self.peak, "since the highest equity"),
            (Trigger.WEEKLY_LOSS, self.weekly_loss, limits.weekly_loss, self.week_start, "the market week (UTC)"),
            (Trigger.DAILY_LOSS, self.daily_loss, limits.daily_loss, self.day_start, "the market day (UTC)"),
        ):
            if loss >= limit:
                figures = {"loss": text(loss), "from": text(start), "equity": text(self.equity)}
                evidence = shown(
                    measured=text(loss), limit=text(limit), window=window, market_time_ms=self.market_time_ms, **figures
                )
                return Breach(
                    trigger=trigger, reason=f"{trigger.value} {text(loss)} reached {text(limit)}", evidence=evidence
                )
        return None

    def forgiven(self, limits: Limits) -> "EquityFigures":
        """Measure from here what has reached its limit; a reset forgives what tripped, and nothing else."""
        return replace(
            self,
            peak=self.equity if self.drawdown >= limits.drawdown else self.peak,
            week_start=self.equity if self.weekly_loss >= limits.weekly_loss else self.week_start,
            day_start=self.equity if self.daily_loss >= limits.daily_loss else self.day_start,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeFigures:
    """The run of losing trades, and how far the stream of trades has been counted."""

    sequence: int = 0
    consecutive_losses: int = 0
    newest_pnl: Decimal = ZERO

    def seen(self, sequence: int) -> "TradeFigures":
        """Take in an event of the stream that closes no trade."""
        return replace(self, sequence=max(sequence, self.sequence))

    def closed(self, pnl: Decimal | None, sequence: int) -> "TradeFigures":
        """Take in a closed trade. One whose result cannot be read counts as a loss."""
        won, lost = pnl is not None and pnl > 0, pnl is None or pnl < 0
        losses = 0 if won else self.consecutive_losses + lost
        return TradeFigures(
            sequence=max(sequence, self.sequence), consecutive_losses=losses, newest_pnl=ZERO if pnl is None else pnl
        )

    def breach(self, limits: Limits) -> Breach | None:
        if self.consecutive_losses < limits.consecutive_losses:
            return None
        evidence = shown(
            measured=self.consecutive_losses, limit=limits.consecutive_losses, window="trades closed without a gain",
            consecutive_losses=self.consecutive_losses, newest_pnl=text(self.newest_pnl), trade_sequence=self.sequence,
        )  # fmt: skip
        reason = f"{self.consecutive_losses} losing trades in a row reached {limits.consecutive_losses}"
        return Breach(trigger=Trigger.CONSECUTIVE_LOSSES, reason=reason, evidence=evidence)

    def forgiven(self, limits: Limits) -> "TradeFigures":
        reached = self.consecutive_losses >= limits.consecutive_losses
        return replace(self, consecutive_losses=0) if reached else self


def _fall(start: Decimal, now: Decimal) -> Decimal:
    """Return the fall as a fraction of `start`; 0 when there is none."""
    if start <= 0 or now >= start:
        return ZERO
    return ((start - now) / start).quantize(PLACES)
