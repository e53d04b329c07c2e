"""Lend the right to add risk, a moment at a time, and take it back at once when the stop is pulled."""

from collections.abc import Callable
from dataclasses import dataclass

from perpmesh.kernel.time import Clock
from perpmesh.risk_safety.application.ess import Ess
from perpmesh.risk_safety.application.losses import LossWatch
from perpmesh.risk_safety.application.operators import Hearing, Operators
from perpmesh.risk_safety.application.policies import PolicyBook
from perpmesh.risk_safety.application.watch import Watch
from perpmesh.risk_safety.domain import policy_catalogue as keys
from perpmesh.risk_safety.domain.ess import EssState, Latch, Stage, Trip
from perpmesh.risk_safety.domain.lease_rules import Grounds, why_not
from perpmesh.risk_safety.domain.losses import EquityFigures, Limits, TradeFigures
from perpmesh.risk_safety.domain.report import Answer, Report, Verdict

Link = Callable[[Answer], None]  # hands an answer to one holder; never waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Everything there is to know about the safety core, at one moment."""

    latch: Latch
    can_execute: bool
    lease_holders: int
    equity: EquityFigures
    trades: TradeFigures
    limits: Limits
    hearing: Hearing


class LeaseDesk:
    """Answers each request for the lease, and tells every holder when the latch changes."""

    def __init__(
        self, *, ess: Ess, losses: LossWatch, watch: Watch, policies: PolicyBook, operators: Operators, clock: Clock
    ) -> None:
        self._ess = ess
        self._losses = losses
        self._watch = watch
        self._policies = policies
        self._operators = operators
        self._clock = clock
        self._links: dict[Link, None] = {}  # in the order they came, so that a simulation repeats itself
        self._revoked: Trip | None = None  # the newest trip that the holders were told of
        ess.on_change(self._tell_all)

    def attach(self, link: Link) -> None:
        """Tell `link` of every change of the latch from now on."""
        self._links[link] = None

    def detach(self, link: Link) -> None:
        self._links.pop(link, None)

    async def hear(self, report: Report, link: Link) -> None:
        """Take in one word of a holder, and answer it on `link`."""
        self._ess.hear(report)
        self._watch.hear(report)
        await self._losses.report(report)
        link(self._answer(report))  # nothing is awaited between the decision and its being remembered and sent

    def _answer(self, report: Report) -> Answer:
        if self._ess.latch.state is not EssState.ARMED:
            return self._say(Verdict.REVOKED, sequence=report.request_sequence)
        now = self._clock.boot_ms()
        reason = why_not(report, self._grounds(report, now))
        if reason:
            return self._say(Verdict.WITHHELD, sequence=report.request_sequence, reason=reason)
        valid_ms = self._policies.integer(keys.LEASE_MS)
        self._ess.leases.grant(report.holder_id, self._ess.latch.epoch, now, valid_ms)
        return self._say(Verdict.GRANTED, sequence=report.request_sequence, valid_ms=valid_ms)

    def _grounds(self, report: Report, now: int) -> Grounds:
        breached = self._watch.look()
        return Grounds(
            latch=self._ess.latch, counted_trades=self._losses.trades.sequence, breached=breached,
            pulling=self._ess.demanded is not None and not breached, operator_silent=self._operators.hearing().silent,
            rival=self._ess.leases.rival(report.holder_id, now),
            stale_price_ms=self._policies.integer(keys.PRICE_STALE_MS),
        )  # fmt: skip

    def _say(self, verdict: Verdict, *, sequence: int = 0, reason: str = "", valid_ms: int = 0) -> Answer:
        latch = self._ess.latch
        trip = latch.trip
        return Answer(
            verdict=verdict, request_sequence=sequence, valid_for_ms=valid_ms, epoch=latch.epoch, stage=latch.stage,
            policy_revision=self._policies.revision, reason=trip.order.reason if trip else reason,
            **({"mode": trip.order.mode} if trip else {}),
        )  # fmt: skip

    def _tell_all(self) -> None:
        """Revoke when tripped; when the latch merely changed, take the lease back until it is asked for again."""
        if self._ess.latch.state is not EssState.ARMED:
            if self._ess.latch.trip == self._revoked:
                return
            answer, self._revoked = self._say(Verdict.REVOKED), self._ess.latch.trip
        elif self._ess.demanded is not None:
            answer = self._say(Verdict.WITHHELD, reason="TRIPPING")
        else:
            answer = self._say(Verdict.WITHHELD, reason="PAUSED" if self._ess.latch.paused else "CHANGED")
        for link in self._links:
            link(answer)

    def status(self) -> Status:
        """Return everything there is to know now."""
        latch, holders = self._ess.latch, len(self._ess.leases.live(self._clock.boot_ms()))
        hearing = self._operators.hearing()
        armed = latch.state is EssState.ARMED and self._ess.demanded is None and not hearing.silent
        return Status(
            latch=latch, lease_holders=holders, equity=self._losses.equity, trades=self._losses.trades,
            can_execute=armed and not latch.paused and latch.stage is not Stage.SHADOW and holders > 0,
            limits=self._losses.limits, hearing=hearing,
        )  # fmt: skip
