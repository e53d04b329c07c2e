"""What must not last: a position without a stop, books that disagree, prices that stand still, orders that fail."""

from dataclasses import dataclass

from perpmesh.risk_safety.domain.ess import Trigger
from perpmesh.risk_safety.domain.losses import Breach
from perpmesh.risk_safety.domain.report import Report

SILENCE_MS = 2_000  # after this long without a report, what was seen before is no evidence of what lasted


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long policy lets it last."""

    unprotected_ms: int
    mismatch_ms: int
    stale_price_ms: int  # from here on a price is stale
    stale_data_ms: int
    execution_errors: int


class Since:
    """Since when something has been so, without a break."""

    def __init__(self) -> None:
        self._since: int | None = None

    def note(self, so: bool, now: int) -> None:  # noqa: FBT001 - what is noted
        self._since = (now if self._since is None else self._since) if so else None

    def forget(self) -> None:
        self._since = None

    def lasted(self, now: int) -> int:
        return 0 if self._since is None else now - self._since


class Vigil:
    """Watches the holder's reports. All times are of our own boot clock."""

    def __init__(self) -> None:
        self._heard_at: int | None = None
        self._unprotected, self._mismatch, self._stale = Since(), Since(), Since()
        self.newest: Report | None = None

    def hear(self, report: Report, now: int, patience: Patience) -> None:
        """Take in a report."""
        if self._heard_at is not None and now - self._heard_at > SILENCE_MS:
            self._mismatch.forget()
            self._stale.forget()  # but not the unprotected position: nobody said that it is covered
        self._heard_at, self.newest = now, report
        self._unprotected.note(report.unprotected_positions > 0, now)
        self._mismatch.note(bool(report.ledger_mismatch), now)
        stale = report.price_age_ms > patience.stale_price_ms and bool(report.open_positions)
        self._stale.note(stale, now)

    def fresh(self, now: int) -> bool:
        """Whether somebody is reporting."""
        return self._heard_at is not None and now - self._heard_at <= SILENCE_MS

    def breach(self, now: int, patience: Patience) -> Breach | None:
        """Return the gravest thing that has lasted too long, if one has. Nothing is concluded from silence."""
        report = self.newest
        if report is None or not self.fresh(now):
            return None
        lasting = (
            (
                Trigger.UNPROTECTED_POSITION, self._unprotected.lasted(now), patience.unprotected_ms,
                {"positions": str(report.unprotected_positions)},
            ),
            (
                Trigger.LEDGER_MISMATCH, self._mismatch.lasted(now), patience.mismatch_ms,
                {"mismatch": report.ledger_mismatch},
            ),
            (
                Trigger.STALE_DATA, self._stale.lasted(now), patience.stale_data_ms,
                {"price_age_ms": str(report.price_age_ms)},
            ),
        )  # fmt: skip
        for trigger, lasted, limit, facts in lasting:
            if lasted > limit:
                evidence = {**facts, "lasted_ms": str(lasted), "limit_ms": str(limit)}
                reason = f"{trigger.value} for {lasted} ms, over {limit} ms"
                return Breach(trigger=trigger, reason=reason, evidence=evidence)
        return _errors(report, patience)


def _errors(report: Report, patience: Patience) -> Breach | None:
    if report.execution_errors < patience.execution_errors:
        return None
    return Breach(
        trigger=Trigger.EXECUTION_ERRORS,
        reason=f"{report.execution_errors} failed orders in 15 minutes reached {patience.execution_errors}",
        evidence={"errors": str(report.execution_errors), "limit": str(patience.execution_errors)},
    )
