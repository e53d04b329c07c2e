"""What the services say of themselves, asked over gRPC; what nobody answers is not known."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import grpc

from perpmesh.monitoring_health.domain.rules import Facts
from perpmesh.platform.contracts import producer_of
from perpmesh_api.common.v1 import event_log_service_pb2, event_log_service_pb2_grpc
from perpmesh_api.execution.v1 import order_service_pb2, order_service_pb2_grpc
from perpmesh_api.portfolio_intelligence.v1 import portfolio_service_pb2, portfolio_service_pb2_grpc
from perpmesh_api.risk_safety.v1 import (
    emergency_stop_service_pb2,
    emergency_stop_service_pb2_grpc,
    policy_service_pb2,
    policy_service_pb2_grpc,
)

DEADLINE_SECONDS = 2.0


class GrpcInformants:
    """Implements `ports.Informants`."""

    def __init__(self, channels: Mapping[str, grpc.aio.Channel], streams: Sequence[str]) -> None:
        """`channels`: by service. `streams`: those whose lag is watched."""
        self._ess: Any = emergency_stop_service_pb2_grpc.EmergencyStopServiceStub(channels["risk_safety"])
        self._policy: Any = policy_service_pb2_grpc.PolicyServiceStub(channels["risk_safety"])
        self._orders: Any = order_service_pb2_grpc.OrderServiceStub(channels["execution"])
        self._portfolio: Any = portfolio_service_pb2_grpc.PortfolioServiceStub(channels["portfolio_intelligence"])
        self._logs: dict[str, Any] = {
            service: event_log_service_pb2_grpc.EventLogServiceStub(channel) for service, channel in channels.items()
        }
        self._streams = streams

    async def facts(self) -> Facts:
        ess, tradability, positions, summary, adoptions = await asyncio.gather(
            _told(self._ess.GetStatus, emergency_stop_service_pb2.GetStatusRequest()),
            _told(self._orders.GetTradability, order_service_pb2.GetTradabilityRequest()),
            _told(self._orders.ListPositions, order_service_pb2.ListPositionsRequest()),
            _told(self._portfolio.GetSummary, portfolio_service_pb2.GetSummaryRequest()),
            _told(self._policy.ListAdoptions, policy_service_pb2.ListAdoptionsRequest()),
        )
        return Facts(
            ess_tripped=_trip(ess.status) if ess else None,
            blockers=list(tradability.blockers) if tradability else None,
            unprotected=_unprotected(positions.positions) if positions else None,
            external=[position.symbol for position in positions.positions if position.external] if positions else None,
            books_agree=summary.summary.books_agree if summary else None,
            policy_behind=_behind(adoptions) if adoptions else None,
        )

    async def waiting_since(self, seen: Mapping[str, int]) -> Mapping[str, int]:
        answers = await asyncio.gather(*(self._waiting_at(producer, seen) for producer in self._logs))
        return {stream: since for answer in answers for stream, since in answer.items()}

    async def _waiting_at(self, producer: str, seen: Mapping[str, int]) -> Mapping[str, int]:
        """Ask one producer about its streams, one after the other: a look should not be a burst."""
        waiting: dict[str, int] = {}
        for stream in self._streams:
            if producer_of(stream) != producer:
                continue
            since = await self._oldest_after(stream, seen.get(stream, 0))
            if since is None:
                break  # it does not answer; component_down says so
            waiting[stream] = since
        return waiting

    async def _oldest_after(self, stream: str, sequence: int) -> int | None:
        request = event_log_service_pb2.ListEventsRequest(stream=stream, after_sequence=sequence, limit=1)
        answer = await _told(self._logs[producer_of(stream)].ListEvents, request)
        if answer is None:
            return None
        return int(answer.events[0].time_ms) if answer.events else 0


async def _told(method: Any, request: Any) -> Any:
    try:
        return await method(request, timeout=DEADLINE_SECONDS)
    except grpc.RpcError:
        return None


def _trip(status: Any) -> str:
    """Return why the stop holds; "" when it does not."""
    if status.state == emergency_stop_service_pb2.ESS_STATE_ARMED:
        return ""
    return str(status.trip.reason or "tripped")


def _unprotected(positions: Collection[Any]) -> list[str]:
    return [position.symbol for position in positions if not position.stop_price]


def _behind(adoptions: Any) -> Mapping[str, int]:
    return {each.service: max(adoptions.revision - each.revision, 0) for each in adoptions.adoptions}
