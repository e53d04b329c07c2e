"""Watch the losses: equity from the holder's reports, trades from execution's stream; both survive a restart."""

from collections.abc import Mapping

from perpmesh.kernel.money import text
from perpmesh.risk_safety.application.policies import PolicyBook
from perpmesh.risk_safety.application.ports import LossStore
from perpmesh.risk_safety.domain import policy_catalogue as keys
from perpmesh.risk_safety.domain.breach import Breach
from perpmesh.risk_safety.domain.losses import EquityFigures, Limits, TradeFigures
from perpmesh.risk_safety.domain.report import Report


class LossWatch:
    """The figures as they are now. Call `open` first."""

    def __init__(self, store: LossStore, policies: PolicyBook) -> None:
        self._store = store
        self._policies = policies
        self._saved = EquityFigures()
        self.equity = EquityFigures()
        self.trades = TradeFigures()

    async def open(self) -> None:
        """Recall the figures."""
        self.equity, self.trades = await self._store.load()
        self._saved = self.equity

    @property
    def limits(self) -> Limits:
        return Limits(
            daily_loss=self._policies.decimal(keys.MAX_DAILY_LOSS),
            weekly_loss=self._policies.decimal(keys.MAX_WEEKLY_LOSS),
            drawdown=self._policies.decimal(keys.MAX_DRAWDOWN),
            consecutive_losses=self._policies.integer(keys.MAX_CONSECUTIVE_LOSSES),
        )

    async def report(self, report: Report) -> None:
        """Take in the holder's equity, and make the figures durable before anything is granted on them."""
        if report.equity is None or report.market_time_ms <= 0:
            return
        self.equity = self.equity.reported(report.equity, report.market_time_ms)
        if self.equity != self._saved:
            await self._store.save_equity(self._newest)

    def _newest(self) -> EquityFigures:
        self._saved = self.equity
        return self.equity

    def take(self, trades: TradeFigures) -> None:
        """Adopt what has just been made durable."""
        self.trades = trades

    def breach(self) -> Breach | None:
        """Return the gravest limit that is reached, if one is."""
        limits = self.limits
        return self.equity.breach(limits) or self.trades.breach(limits)

    def figures(self) -> Mapping[str, str]:
        """Return where the account stands, as evidence of a trip that no figure led to."""
        equity = self.equity
        return {
            "equity": text(equity.equity), "daily_loss": text(equity.daily_loss),
            "weekly_loss": text(equity.weekly_loss), "drawdown": text(equity.drawdown),
            "consecutive_losses": str(self.trades.consecutive_losses),
        }  # fmt: skip

    def forgiven(self) -> tuple[EquityFigures, TradeFigures]:
        """Return the figures as a reset leaves them."""
        limits = self.limits
        return self.equity.forgiven(limits), self.trades.forgiven(limits)

    def forgive(self) -> None:
        """Adopt the figures as a reset has just left them."""
        self.equity, self.trades = self.forgiven()
