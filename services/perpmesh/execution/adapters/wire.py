"""Execution's words as protobuf, and back: the only place where the two meet."""

from decimal import Decimal
from typing import Any

from google.protobuf.message import Message

from perpmesh.execution.application.ports import DecisionWork
from perpmesh.execution.application.submit import Request
from perpmesh.execution.domain import events
from perpmesh.execution.domain.dry_run import DryRun, Verdict
from perpmesh.execution.domain.facts import PositionFact
from perpmesh.execution.domain.order import Order
from perpmesh.execution.domain.risk_limits import Reading
from perpmesh.execution.domain.trade import EXTERNAL, Trade
from perpmesh.execution.domain.words import Action, Leg, OrderStatus, Side, Stage, TradeStatus
from perpmesh.kernel.money import ZERO, text
from perpmesh.platform import telemetry
from perpmesh.platform.settings import VenueKind
from perpmesh_api.ai_engine.v1 import decision_service_pb2 as ai
from perpmesh_api.common.v1 import trading_pb2 as words
from perpmesh_api.execution.v1 import order_events_pb2, order_service_pb2
from perpmesh_api.risk_safety.v1 import risk_service_pb2

SIDES = {Side.BUY: words.SIDE_BUY, Side.SELL: words.SIDE_SELL}
STAGES = {stage: words.Stage.Value(f"STAGE_{stage.name}") for stage in Stage}
LEGS = {leg: order_service_pb2.OrderLeg.Value(f"ORDER_LEG_{leg.name}") for leg in Leg}
ORDER_STATUSES = {s: order_service_pb2.OrderStatus.Value(f"ORDER_STATUS_{s.name}") for s in OrderStatus}
TRADE_STATUSES = {s: order_service_pb2.TradeStatus.Value(f"TRADE_STATUS_{s.name}") for s in TradeStatus}
ENVIRONMENTS = {
    VenueKind.SIMULATED: words.ENVIRONMENT_SIMULATED,
    VenueKind.TESTNET: words.ENVIRONMENT_TESTNET,
    VenueKind.LIVE: words.ENVIRONMENT_LIVE,
}
ACTIONS = {
    ai.ACTION_HOLD: Action.HOLD,
    ai.ACTION_LONG: Action.LONG,
    ai.ACTION_SHORT: Action.SHORT,
    ai.ACTION_CLOSE: Action.CLOSE,
}


def _some(value: Decimal) -> str:
    """Write a decimal, and nothing for none."""
    return text(value) if value else ""


def order(item: Order) -> Any:
    conditional = item.leg in (Leg.STOP, Leg.TAKE_PROFIT)
    return order_service_pb2.Order(
        client_order_id=item.client_id,
        symbol=item.symbol,
        side=SIDES[item.side],
        leg=LEGS[item.leg],
        type=item.type,
        quantity=_some(item.quantity),
        trigger_price=_some(item.trigger_price) if conditional else "",  # an entry keeps its wished stop there
        status=ORDER_STATUSES[item.status],
        executed_quantity=text(item.executed),
        average_price=_some(item.average),
        reason=item.reason,
        error_code=item.error_code,
        exchange_order_id=item.exchange_id,
        decision_id=item.decision_id,
        request_id=item.request_id,
        trade_id=item.trade_id,
        created_at_ms=item.created_ms,
        updated_at_ms=item.updated_ms,
        trace_id=telemetry.trace_id_of(item.traceparent),
    )


def trade(item: Trade) -> Any:
    return order_service_pb2.Trade(
        trade_id=item.trade_id,
        symbol=item.symbol,
        side=SIDES[item.side],
        status=TRADE_STATUSES[item.status],
        quantity=text(item.quantity),
        entry_price=_some(item.entry_price),
        exit_price=_some(item.exit_price),
        stop_price=_some(item.stop_price),
        take_profit_price=_some(item.take_profit_price),
        realized_pnl=text(item.realized),
        commission=text(item.commission),
        funding=text(item.funding),
        net_pnl=text(item.net_pnl),
        initial_risk=text(item.initial_risk),
        entry_slippage=text(item.entry_slippage),
        strategy=item.strategy,
        decision_id=item.decision_id,
        request_id=item.request_id,
        close_reason=item.close_reason,
        opened_at_ms=item.opened_ms,
        closed_at_ms=item.closed_ms,
        unprotected_ms=item.unprotected_ms,
        trace_id=telemetry.trace_id_of(item.traceparent),
    )


def position(item: PositionFact, mark: Decimal, owner: Trade | None) -> Any:
    return order_service_pb2.Position(
        symbol=item.symbol,
        position_side=words.POSITION_SIDE_BOTH,
        signed_quantity=text(item.signed),
        entry_price=text(item.entry),
        mark_price=text(mark),
        unrealized_pnl=text((item.signed * (mark - item.entry)).quantize(Decimal("0.00000001"))),
        liquidation_price=text(item.liquidation),
        notional=text(abs(item.signed * mark)),
        stop_price=_some(owner.stop_price) if owner else "",
        trade_id=owner.trade_id if owner else "",
        external=owner is not None and owner.strategy == EXTERNAL,
    )


def limit(item: Reading) -> Any:
    return order_service_pb2.RiskLimit(
        reason=item.word, policy_key=item.policy, unit=item.unit, scope=item.scope, measured=item.measured,
        limit=item.limit,
    )  # fmt: skip


def dry_run(found: DryRun) -> Any:
    """Return what came of judging entries again, with those that would have gone the other way."""
    return order_service_pb2.DryRunPolicyResponse(
        judged=len(found.verdicts), admitted=found.admitted, proposed_admitted=found.proposed_admitted,
        newly_refused=[_verdict(verdict) for verdict in found.verdicts if verdict.newly_refused],
        newly_admitted=[_verdict(verdict) for verdict in found.verdicts if verdict.newly_admitted],
        not_evaluated=found.not_evaluated, unreadable=found.unreadable,
    )  # fmt: skip


def _verdict(item: Verdict) -> Any:
    judgement = item.judgement
    wish, world = judgement.wish, judgement.world
    return order_service_pb2.DryRunVerdict(
        client_order_id=judgement.client_id, symbol=wish.symbol, side=SIDES[wish.side], quantity=text(wish.quantity),
        decision_id=wish.decision_id, request_id=wish.request_id, judged_at_ms=world.now_ms,
        policy_revision=world.policy_revision, reasons=judgement.reasons, proposed_reasons=item.proposed,
    )  # fmt: skip


def event(item: events.Event) -> Message:
    """Return the domain event as its contract."""
    if isinstance(item, events.TradeOpened):
        return order_events_pb2.TradeOpened(symbol=item.trade.symbol, trade=trade(item.trade))
    if isinstance(item, events.TradeClosed):
        return order_events_pb2.TradeClosed(symbol=item.trade.symbol, trade=trade(item.trade), equity=item.equity)
    kind: Any = getattr(order_events_pb2, type(item).__name__)
    message: Message = kind(symbol=item.order.symbol, order=order(item.order))
    if isinstance(message, order_events_pb2.OrderRefused):
        message.reasons.extend(word for word in item.order.reasons.split(",") if word)
    return message


def traceparent_of(item: events.Event) -> str:
    if isinstance(item, events.TradeOpened | events.TradeClosed):
        return item.trade.traceparent
    return item.order.traceparent


def decimal(value: str) -> Decimal:
    return Decimal(value) if value else ZERO


def request(message: Any, traceparent: str) -> Request:
    """Read SubmitOrder; its numbers have passed the contract's validation."""
    return Request(
        request_id=message.request_id,
        symbol=message.symbol,
        side=Side.BUY if message.side == words.SIDE_BUY else Side.SELL,
        quantity=Decimal(message.quantity),
        stop_price=decimal(message.stop_price),
        take_profit_price=decimal(message.take_profit_price),
        reason=message.reason,
        traceparent=traceparent,
    )


def decision(message: Any, traceparent: str) -> DecisionWork:
    """Read a decision."""
    return DecisionWork(
        decision_id=message.decision_id,
        symbol=message.symbol,
        action=ACTIONS.get(message.action, Action.HOLD),
        quantity=decimal(message.quantity),
        reference_price=decimal(message.reference_price),
        stop_price=decimal(message.stop_price),
        take_profit_price=decimal(message.take_profit_price),
        strategy=message.strategy,
        amplification=message.amplification,
        expires_at_ms=message.expires_at_ms,
        traceparent=traceparent,
    )


def stage(number: int) -> Stage:
    """Read a stage; one that is not known allows nothing."""
    return next((known for known, value in STAGES.items() if value == number), Stage.SHADOW)


def lease_state(number: Any) -> str:
    return risk_service_pb2.LeaseState.Name(number).removeprefix("LEASE_STATE_")
