"""Where protobuf meets the words of the stop, the lease and the loss limits."""

from decimal import Decimal

from perpmesh.kernel.errors import InvariantViolated
from perpmesh.kernel.money import text
from perpmesh.kernel.time import MS_PER_MINUTE
from perpmesh.risk_safety.application.ess import TripOutcome
from perpmesh.risk_safety.application.lease_desk import Status
from perpmesh.risk_safety.application.ports import ResetRecord
from perpmesh.risk_safety.domain.ess import EssState, Stage, Trigger, Trip, TripMode
from perpmesh.risk_safety.domain.report import Acknowledgement, Answer, Report, Verdict
from perpmesh.risk_safety.domain.staging import GateState, trades_needed
from perpmesh_api.common.v1 import trading_pb2 as words
from perpmesh_api.risk_safety.v1 import emergency_stop_service_pb2 as ess_pb
from perpmesh_api.risk_safety.v1 import risk_events_pb2, risk_service_pb2

KEY = "ess"

_STATES = {
    EssState.ARMED: ess_pb.ESS_STATE_ARMED,
    EssState.TRIPPING: ess_pb.ESS_STATE_TRIPPING,
    EssState.TRIPPED: ess_pb.ESS_STATE_TRIPPED,
}
_MODES = {TripMode.BLOCK: ess_pb.TRIP_MODE_BLOCK, TripMode.FLATTEN: ess_pb.TRIP_MODE_FLATTEN}
_STAGES = {
    Stage.SHADOW: words.STAGE_SHADOW,
    Stage.PAPER: words.STAGE_PAPER,
    Stage.QUARTER: words.STAGE_QUARTER,
    Stage.HALF: words.STAGE_HALF,
    Stage.FULL: words.STAGE_FULL,
}
_VERDICTS = {
    Verdict.GRANTED: risk_service_pb2.LEASE_STATE_GRANTED,
    Verdict.WITHHELD: risk_service_pb2.LEASE_STATE_WITHHELD,
    Verdict.REVOKED: risk_service_pb2.LEASE_STATE_REVOKED,
}
_TRIGGERS = {trigger: ess_pb.TripTrigger.Value(f"TRIP_TRIGGER_{trigger.name}") for trigger in Trigger}
_ENVIRONMENTS = {
    "simulated": words.ENVIRONMENT_SIMULATED,
    "testnet": words.ENVIRONMENT_TESTNET,
    "live": words.ENVIRONMENT_LIVE,
}


def trip_mode(mode: int) -> TripMode:
    return TripMode.FLATTEN if mode == ess_pb.TRIP_MODE_FLATTEN else TripMode.BLOCK


def stage(number: int) -> Stage | None:
    """Return the stage that is named; None when none is."""
    return next((stage for stage, known in _STAGES.items() if known == number), None)


def present(trip: Trip | None) -> Trip:
    """Return the trip of a latch that must have one."""
    if trip is None:
        raise InvariantViolated("a tripped latch carries no trip")
    return trip


def trip_record(trip: Trip) -> ess_pb.TripRecord:
    order = trip.order
    return ess_pb.TripRecord(
        trip_id=trip.trip_id, trigger=_TRIGGERS[order.trigger], reason=order.reason, actor=order.actor,
        tripped_at_ms=trip.at_ms, market_time_ms=order.market_time_ms, epoch=trip.epoch, mode=_MODES[order.mode],
        evidence=dict(order.evidence),
    )  # fmt: skip


def trip_response(outcome: TripOutcome) -> ess_pb.TripResponse:
    release = outcome.release
    return ess_pb.TripResponse(
        trip=trip_record(outcome.trip), already_tripped=outcome.already_tripped,
        canceled_orders=release.canceled_orders, open_positions=release.open_positions,
        protected_positions=release.protected_positions, released_by=release.by,
    )  # fmt: skip


def limits(status: Status) -> ess_pb.LossLimits:
    equity, trades, limits = status.equity, status.trades, status.limits
    known = equity.market_time_ms > 0
    return ess_pb.LossLimits(
        equity=text(equity.equity) if known else "", day_start_equity=text(equity.day_start) if known else "",
        daily_loss=text(equity.daily_loss), daily_loss_limit=text(limits.daily_loss),
        weekly_loss=text(equity.weekly_loss), weekly_loss_limit=text(limits.weekly_loss),
        drawdown=text(equity.drawdown), drawdown_limit=text(limits.drawdown),
        consecutive_losses=trades.consecutive_losses, consecutive_losses_limit=limits.consecutive_losses,
        trade_sequence=trades.sequence, market_time_ms=equity.market_time_ms,
    )  # fmt: skip


def stage_gate(state: GateState, stage: Stage) -> ess_pb.StageGate:
    gate, standing = state.gate, state.standing
    return ess_pb.StageGate(
        binding=gate.binding, next=_STAGES[state.next] if state.next else words.STAGE_UNSPECIFIED,
        healthy_minutes=standing.healthy_ms // MS_PER_MINUTE, required_minutes=gate.healthy_ms // MS_PER_MINUTE,
        clean_trades=standing.clean_trades, required_trades=trades_needed(stage, gate),
        unmet=state.unmet if state.next else (),
    )  # fmt: skip


def status(now: Status, gate: GateState, environment: str) -> ess_pb.EssStatus:
    latch = now.latch
    return ess_pb.EssStatus(
        state=_STATES[latch.state], can_execute=now.can_execute, epoch=latch.epoch, stage=_STAGES[latch.stage],
        paused=latch.paused, trip=trip_record(latch.trip) if latch.trip else None, trip_count=latch.trip_count,
        limits=limits(now), lease_holders=now.lease_holders, environment=_ENVIRONMENTS[environment],
        stage_gate=stage_gate(gate, latch.stage), operator_silent=now.hearing.silent,
        operator_heard_at_ms=now.hearing.heard_at_ms,
    )  # fmt: skip


def ess_tripped(trip: Trip) -> risk_events_pb2.EssTripped:
    return risk_events_pb2.EssTripped(key=KEY, trip=trip_record(trip))


def ess_reset(record: ResetRecord) -> risk_events_pb2.EssReset:
    return risk_events_pb2.EssReset(
        key=KEY, epoch=record.epoch, stage=_STAGES[record.stage], operator=record.operator, approver=record.approver,
        reason=record.reason, reset_at_ms=record.at_ms,
    )  # fmt: skip


def lease_report(request: risk_service_pb2.HoldEntryLeaseRequest) -> Report:
    """Return what a holder says."""
    honoured = None
    if request.HasField("acknowledged_epoch"):
        canceled = tuple(request.canceled_orders)
        honoured = Acknowledgement(epoch=request.acknowledged_epoch, canceled_orders=canceled)
    return Report(
        holder_id=request.holder_id, acknowledged=honoured, open_positions=tuple(request.open_positions),
        protected_positions=tuple(request.protected_positions),
        request_sequence=request.request_sequence, newest_trade_sequence=request.newest_trade_sequence,
        equity=Decimal(request.equity) if request.equity else None,
        unprotected_positions=request.unprotected_positions, reconciled=request.reconciled,
        market_time_ms=request.market_time_ms, price_age_ms=request.price_age_ms,
        execution_errors=request.recent_execution_errors, ledger_mismatch=request.ledger_mismatch,
    )  # fmt: skip


def lease_answer(answer: Answer) -> risk_service_pb2.HoldEntryLeaseResponse:
    return risk_service_pb2.HoldEntryLeaseResponse(
        state=_VERDICTS[answer.verdict], request_sequence=answer.request_sequence, valid_for_ms=answer.valid_for_ms,
        epoch=answer.epoch, stage=_STAGES[answer.stage], policy_revision=answer.policy_revision, reason=answer.reason,
        mode=_MODES[answer.mode],
    )  # fmt: skip
