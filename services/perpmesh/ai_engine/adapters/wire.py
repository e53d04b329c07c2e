"""The only place where protobuf meets the engine's words."""

from decimal import Decimal
from typing import Any

from perpmesh.ai_engine.application.describe import SymbolState
from perpmesh.ai_engine.application.ports import ClosedTrade
from perpmesh.ai_engine.domain.decision import Action, Decision, Verdict
from perpmesh.ai_engine.domain.proposal import Direction
from perpmesh.ai_engine.domain.series import Row
from perpmesh.ai_engine.domain.sizing import Size
from perpmesh.ai_engine.domain.standing import Holding, Quote, Standing
from perpmesh.kernel.money import ZERO, text
from perpmesh_api.ai_engine.v1 import decision_events_pb2 as events
from perpmesh_api.ai_engine.v1 import decision_service_pb2 as pb
from perpmesh_api.common.v1 import trading_pb2
from perpmesh_api.execution.v1 import order_service_pb2 as orders

_ACTIONS = {
    Action.HOLD: pb.ACTION_HOLD,
    Action.LONG: pb.ACTION_LONG,
    Action.SHORT: pb.ACTION_SHORT,
    Action.CLOSE: pb.ACTION_CLOSE,
}
_ACTIONS_BACK = {number: action for action, number in _ACTIONS.items()}
_UNSETTLED = (orders.TRADE_STATUS_OPENING, orders.TRADE_STATUS_CLOSING)


def decision_to(decision: Decision) -> pb.Decision:
    verdict = decision.verdict
    return pb.Decision(
        decision_id=decision.decision_id,
        symbol=decision.symbol,
        action=_ACTIONS[verdict.action],
        quantity=_some(verdict.quantity),
        reference_price=_some(decision.reference_price),
        stop_price=_some(verdict.stop_price),
        take_profit_price=_some(verdict.take_profit_price),
        strategy=verdict.strategy,
        confidence=verdict.confidence,
        propensity=verdict.propensity,
        regime=decision.regime,
        reasons=verdict.reasons,
        features=decision.features,
        feature_hash=decision.feature_hash,
        versions=decision.versions,
        market_time_ms=decision.market_time_ms,
        decided_at_ms=decision.decided_at_ms,
        expires_at_ms=decision.expires_at_ms,
        policy_revision=decision.policy_revision,
        executed=decision.executed,
        amplification=verdict.amplification,
    )


def decision_from(message: pb.Decision, *, trade_id: str = "") -> Decision:
    verdict = Verdict(
        action=_ACTIONS_BACK[message.action],
        reasons=tuple(message.reasons),
        strategy=message.strategy,
        confidence=message.confidence,
        propensity=message.propensity,
        quantity=_decimal(message.quantity),
        stop_price=_decimal(message.stop_price),
        take_profit_price=_decimal(message.take_profit_price),
        amplification=message.amplification,
        sizing=message.versions.get("sizing", "").partition("/")[2] if message.action != pb.ACTION_HOLD else "",
    )
    return Decision(
        decision_id=message.decision_id,
        symbol=message.symbol,
        verdict=verdict,
        reference_price=_decimal(message.reference_price),
        regime=message.regime,
        features=dict(message.features),
        feature_hash=message.feature_hash,
        versions=dict(message.versions),
        market_time_ms=message.market_time_ms,
        decided_at_ms=message.decided_at_ms,
        expires_at_ms=message.expires_at_ms,
        policy_revision=message.policy_revision,
        executed=message.executed,
        trade_id=trade_id,
    )


def decision_made(decision: Decision) -> events.DecisionMade:
    return events.DecisionMade(symbol=decision.symbol, decision=decision_to(decision))


def size_to(size: Size, sized_by: str) -> pb.SizePositionResponse:
    return pb.SizePositionResponse(
        quantity=text(size.quantity),
        notional=text(size.notional),
        stop_price=text(size.stop_price),
        risk_at_stop=text(size.risk_at_stop),
        reasons=size.reasons,
        model_id=sized_by,
    )


def state_to(state: SymbolState) -> pb.SymbolStrategy:
    arms = [
        pb.StrategyArm(
            strategy=arm.strategy,
            trades=arm.trades,
            mean_reward=arm.mean,
            uncertainty=arm.sigma,
            probability=arm.probability,
        )
        for arm in state.arms
    ]
    return pb.SymbolStrategy(symbol=state.symbol, active=state.active, regime=state.regime, arms=arms)


def direction_of(side: int) -> Direction:
    return Direction.LONG if side == trading_pb2.SIDE_BUY else Direction.SHORT


def row_of(candle: Any) -> Row:
    return (
        candle.open_time_ms,
        float(candle.open),
        float(candle.high),
        float(candle.low),
        float(candle.close),
        float(candle.volume),
    )


def quote_of(price: Any) -> Quote | None:
    """Return the quote of a PriceTick; None when a side of the book is missing."""
    bid, ask = _decimal(price.bid_price), _decimal(price.ask_price)
    return Quote(bid=bid, ask=ask, stale=price.stale) if bid > 0 and ask > 0 else None


def standing_of(symbol: str, *, equity: str, trades: Any, positions: Any) -> Standing:
    """Return where we stand, from execution's answers; a position without a trade belongs to nobody here."""
    trade = next((trade for trade in trades if trade.symbol == symbol), None)
    position = next((p for p in positions if p.symbol == symbol and _decimal(p.signed_quantity) != 0), None)
    holding = None
    if trade is not None:
        holding = _holding_of_trade(trade, position)
    elif position is not None:
        holding = _holding_of_stranger(position)
    return Standing(equity=_decimal(equity) if equity else None, holding=holding)


def _holding_of_trade(trade: Any, position: Any) -> Holding:
    quantity = abs(_decimal(position.signed_quantity)) if position is not None else _decimal(trade.quantity)
    entry = _decimal(position.entry_price) if position is not None else _decimal(trade.entry_price)
    return Holding(
        trade_id=trade.trade_id,
        strategy=trade.strategy,
        direction=direction_of(trade.side),
        quantity=quantity,
        entry_price=entry,
        stop_price=_decimal(trade.stop_price) or None,
        initial_risk=_decimal(trade.initial_risk),
        opened_at_ms=trade.opened_at_ms,
        protected=trade.status == orders.TRADE_STATUS_PROTECTED,
        settled=trade.status not in _UNSETTLED,
    )


def _holding_of_stranger(position: Any) -> Holding:
    signed = _decimal(position.signed_quantity)
    return Holding(
        trade_id="",
        strategy="",
        direction=Direction.LONG if signed > 0 else Direction.SHORT,
        quantity=abs(signed),
        entry_price=_decimal(position.entry_price),
        stop_price=_decimal(position.stop_price) or None,
        initial_risk=ZERO,
        opened_at_ms=0,
        protected=bool(position.stop_price),
        settled=True,
    )


def closed_trade_of(message: Any) -> ClosedTrade | None:
    """Return what a TradeClosed teaches; None when no reward can be computed from it."""
    trade = message.trade
    risk = _decimal(trade.initial_risk)
    if risk <= 0 or not trade.net_pnl:
        return None
    return ClosedTrade(
        trade_id=trade.trade_id,
        strategy=trade.strategy,
        decision_id=trade.decision_id,
        reward=float(_decimal(trade.net_pnl) / risk),
        closed_at_ms=trade.closed_at_ms,
    )


def _some(value: Decimal) -> str:
    return text(value) if value else ""


def _decimal(value: str) -> Decimal:
    return Decimal(value) if value else ZERO
