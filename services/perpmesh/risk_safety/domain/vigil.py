"""What must not last: a position without a stop, books that disagree, prices that stand still, orders that fail.

Each has its own hysteresis: it trips when it has lasted for its limit without a break, and it counts as healed when
it has been absent as long again (`HEALED_MS` at most). Failed orders trip at a count, and are healed at half of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from perpmesh.risk_safety.domain.breach import Breach, shown
from perpmesh.risk_safety.domain.ess import Trigger
from perpmesh.risk_safety.domain.report import Report

SILENCE_MS = 2_000  # after this long without a report, what was seen before is no evidence of what lasted
HEALED_MS = 10_000  # absent for this long, nothing that we watch is on its way back
ERROR_WINDOW = "15 minutes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long policy lets it last."""

    unprotected_ms: int
    mismatch_ms: int
    stale_price_ms: int  # from here on a price is stale
    stale_data_ms: int
    execution_errors: int

    def limits(self) -> Mapping[Trigger, int]:
        """Return for how long each thing that must not last may last, gravest first."""
        return {
            Trigger.UNPROTECTED_POSITION: self.unprotected_ms,
            Trigger.LEDGER_MISMATCH: self.mismatch_ms,
            Trigger.STALE_DATA: self.stale_data_ms,
        }


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
        lasting = (Trigger.UNPROTECTED_POSITION, Trigger.LEDGER_MISMATCH, Trigger.STALE_DATA)
        self._wrong = {trigger: Since() for trigger in lasting}
        self._right = {trigger: Since() for trigger in lasting}
        self.newest: Report | None = None

    def hear(self, report: Report, now: int, patience: Patience) -> None:
        """Take in a report."""
        if self._heard_at is not None and now - self._heard_at > SILENCE_MS:
            self._forget()
        self._heard_at, self.newest = now, report
        for trigger, is_wrong in seen_wrong(report, patience).items():
            self._wrong[trigger].note(is_wrong, now)
            self._right[trigger].note(not is_wrong, now)

    def _forget(self) -> None:
        for trigger, since in self._wrong.items():
            self._right[trigger].forget()
            if trigger is not Trigger.UNPROTECTED_POSITION:  # nobody said that it is covered
                since.forget()

    def fresh(self, now: int) -> bool:
        """Whether somebody is reporting."""
        return self._heard_at is not None and now - self._heard_at <= SILENCE_MS

    def breach(self, now: int, patience: Patience) -> Breach | None:
        """Return the gravest thing that has lasted too long, if one has. Nothing is concluded from silence."""
        report = self.newest
        if report is None or not self.fresh(now):
            return None
        for trigger, limit in patience.limits().items():
            lasted = self._wrong[trigger].lasted(now)
            if lasted > limit:
                evidence = shown(
                    measured=f"{lasted} ms", limit=f"{limit} ms", window="without a break", lasted_ms=lasted,
                    limit_ms=limit, **_facts(trigger, report),
                )  # fmt: skip
                reason = f"{trigger.value} for {lasted} ms, over {limit} ms"
                return Breach(trigger=trigger, reason=reason, evidence=evidence)
        return _errors(report, patience)

    def unhealed(self, trigger: Trigger, now: int, patience: Patience) -> str:
        """Return why what tripped is not known to be over; "" when it is, or when it is nothing that we watch.

        Silence proves nothing here either: a cause is over when reports say so, for long enough.
        """
        report, limits = self.newest, patience.limits()
        if trigger is not Trigger.EXECUTION_ERRORS and trigger not in limits:
            return ""
        if report is None or not self.fresh(now):
            return f"execution reports nothing, so nobody knows whether the {trigger.value} is over"
        if trigger is Trigger.EXECUTION_ERRORS:
            errors, most = report.execution_errors, patience.execution_errors // 2
            return f"{errors} failed orders in {ERROR_WINDOW} are more than {most}" if errors > most else ""
        needed, healed = min(limits[trigger], HEALED_MS), self._right[trigger].lasted(now)
        return f"the {trigger.value} has been over for {healed} ms, not yet {needed} ms" if healed < needed else ""


def seen_wrong(report: Report, patience: Patience) -> Mapping[Trigger, bool]:
    """Return which of the things that must not last a report shows."""
    return {
        Trigger.UNPROTECTED_POSITION: report.unprotected_positions > 0,
        Trigger.LEDGER_MISMATCH: bool(report.ledger_mismatch),
        Trigger.STALE_DATA: report.price_age_ms > patience.stale_price_ms and bool(report.open_positions),
    }


def _facts(trigger: Trigger, report: Report) -> Mapping[str, object]:
    facts: Mapping[Trigger, Mapping[str, object]] = {
        Trigger.UNPROTECTED_POSITION: {"positions": report.unprotected_positions},
        Trigger.LEDGER_MISMATCH: {"mismatch": report.ledger_mismatch},
        Trigger.STALE_DATA: {"price_age_ms": report.price_age_ms},
    }
    return facts[trigger]


def _errors(report: Report, patience: Patience) -> Breach | None:
    errors, limit = report.execution_errors, patience.execution_errors
    if errors < limit:
        return None
    return Breach(
        trigger=Trigger.EXECUTION_ERRORS,
        reason=f"{errors} failed orders in {ERROR_WINDOW} reached {limit}",
        evidence=shown(measured=errors, limit=limit, window=ERROR_WINDOW, errors=errors),
    )
