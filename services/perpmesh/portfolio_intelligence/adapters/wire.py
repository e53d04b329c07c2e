"""Where protobuf meets the words of the books."""

from decimal import ROUND_HALF_EVEN, Decimal

from perpmesh.kernel.money import text
from perpmesh.platform.settings import VenueKind
from perpmesh.portfolio_intelligence.application.propose_rebalance import Target
from perpmesh.portfolio_intelligence.domain.account import Holding
from perpmesh.portfolio_intelligence.domain.books import Trade
from perpmesh.portfolio_intelligence.domain.equity import EquityPoint
from perpmesh.portfolio_intelligence.domain.rebalance import Intent, Proposal, Side, Step
from perpmesh.portfolio_intelligence.domain.summary import Summary
from perpmesh_api.common.v1 import trading_pb2
from perpmesh_api.execution.v1 import order_service_pb2
from perpmesh_api.portfolio_intelligence.v1 import portfolio_events_pb2 as events
from perpmesh_api.portfolio_intelligence.v1 import portfolio_service_pb2 as pb

RATIO = Decimal("0.0001")
ENVIRONMENTS = {
    VenueKind.SIMULATED: trading_pb2.ENVIRONMENT_SIMULATED,
    VenueKind.TESTNET: trading_pb2.ENVIRONMENT_TESTNET,
    VenueKind.LIVE: trading_pb2.ENVIRONMENT_LIVE,
}
SIDES = {Side.BUY: trading_pb2.SIDE_BUY, Side.SELL: trading_pb2.SIDE_SELL}
INTENTS = {Intent.ENTRY: trading_pb2.INTENT_ENTRY, Intent.EXIT: trading_pb2.INTENT_EXIT}


def trade_from(trade: order_service_pb2.Trade, *, closed: bool) -> Trade:
    """Return what the books need of a trade. One that is closed always has a closing time, or it counts as open."""
    return Trade(
        trade_id=trade.trade_id,
        symbol=trade.symbol,
        opened_at_ms=trade.opened_at_ms,
        closed_at_ms=(trade.closed_at_ms or trade.opened_at_ms) if closed else 0,
        net_pnl=Decimal(trade.net_pnl or "0") if closed else Decimal(0),
    )


def summary_to(summary: Summary, *, age_ms: int, environment: VenueKind) -> pb.Summary:
    account = summary.account
    factor = summary.profit_factor
    return pb.Summary(
        wallet_balance=text(account.wallet_balance),
        equity=text(account.equity),
        available_balance=text(account.available_balance),
        unrealized_pnl=text(account.unrealized_pnl),
        realized_pnl_today=text(summary.realized_today),
        realized_pnl_total=text(summary.realized_total),
        commission_total=text(summary.commission_total),
        funding_total=text(summary.funding_total),
        gross_exposure=text(account.gross_exposure),
        net_exposure=text(account.net_exposure),
        positions=[_position(held, account.equity) for held in account.holdings],
        trades=summary.trades,
        wins=summary.wins,
        profit_factor="" if factor is None else text(factor.quantize(RATIO, rounding=ROUND_HALF_EVEN)),
        peak_equity=text(summary.peak_equity),
        drawdown=text(summary.drawdown),
        market_time_ms=summary.market_time_ms,
        age_ms=max(age_ms, 0),
        books_agree=summary.books_agree,
        environment=ENVIRONMENTS[environment],
    )


def _position(held: Holding, equity: Decimal) -> pb.HeldPosition:
    return pb.HeldPosition(
        symbol=held.symbol,
        signed_quantity=text(held.signed_quantity),
        entry_price=text(held.entry_price),
        mark_price=text(held.mark_price),
        notional=text(abs(held.signed_notional)),
        unrealized_pnl=text(held.unrealized_pnl),
        weight=text(held.weight(equity)),
    )


def targets_from(request: pb.RebalanceRequest) -> list[Target]:
    return [Target(target.symbol, Decimal(target.weight)) for target in request.targets]


def band_from(request: pb.RebalanceRequest) -> Decimal | None:
    return Decimal(request.no_trade_band) if request.no_trade_band else None


def proposal_to(proposal_id: str, proposal: Proposal) -> pb.RebalanceResponse:
    return pb.RebalanceResponse(
        proposal_id=proposal_id,
        steps=[_step(step) for step in proposal.steps],
        within_band=proposal.within_band,
        left_out=proposal.left_out,
    )


def proposed_event(proposal_id: str, proposal: Proposal) -> events.RebalanceProposed:
    return events.RebalanceProposed(proposal_id=proposal_id, steps=[_step(step) for step in proposal.steps])


def _step(step: Step) -> pb.RebalanceStep:
    return pb.RebalanceStep(
        symbol=step.symbol,
        side=SIDES[step.side],
        quantity=text(step.quantity),
        intent=INTENTS[step.intent],
        current_weight=text(step.current_weight),
        target_weight=text(step.target_weight),
        estimated_cost=text(step.estimated_cost),
    )


def point_to(point: EquityPoint) -> pb.EquityPoint:
    return pb.EquityPoint(market_time_ms=point.market_time_ms, equity=text(point.equity))
