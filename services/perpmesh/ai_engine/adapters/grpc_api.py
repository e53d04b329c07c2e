"""DecisionService: what the engine would do, what it did, and what it has learned."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from perpmesh.ai_engine.adapters import wire
from perpmesh.ai_engine.application.describe import Describe
from perpmesh.ai_engine.application.gather import Gather
from perpmesh.ai_engine.application.make_decision import MakeDecision
from perpmesh.ai_engine.application.mind import Mind
from perpmesh.ai_engine.application.size_position import SizePosition
from perpmesh.ai_engine.domain.decision import Action, Decision
from perpmesh.ai_engine.domain.market import decimal
from perpmesh.ai_engine.domain.sizing import BASELINE
from perpmesh.platform.broadcast import Broadcast
from perpmesh.platform.grpc_server import require_operator
from perpmesh.platform.once import Once
from perpmesh_api.ai_engine.v1 import decision_service_pb2 as pb
from perpmesh_api.ai_engine.v1 import decision_service_pb2_grpc as rpc

SERVICE = "perpmesh_api.ai_engine.v1.DecisionService"
DEFAULT_LIMIT = 50


class DecisionApi(rpc.DecisionServiceServicer):
    """One method per RPC; the platform has validated the request."""

    def __init__(self, decide: MakeDecision, gather: Gather, mind: Mind, once: Once, made: Broadcast[Decision]) -> None:
        self._make_decision = decide
        self._size_position = SizePosition(gather=gather)
        self._describe = Describe(mind=mind, bars=gather.bars, instruments=gather.instruments, journal=gather.journal)
        self._journal = gather.journal
        self._instruments = gather.instruments
        self._models = gather.models
        self._once = once
        self._made = made

    async def Decide(self, request: pb.DecideRequest, context: Any) -> pb.DecideResponse:
        if request.execute:
            require_operator()
        return await self._once("Decide", request, pb.DecideResponse, lambda: self._decide(request))

    async def _decide(self, request: pb.DecideRequest) -> pb.DecideResponse:
        decision = await self._make_decision.on_request(request.symbol, request.request_id, execute=request.execute)
        return pb.DecideResponse(decision=wire.decision_to(decision))

    async def SizePosition(self, request: pb.SizePositionRequest, context: Any) -> pb.SizePositionResponse:
        confidence = decimal(request.confidence if request.HasField("confidence") else 1.0)
        found = await self._size_position(request.symbol, wire.direction_of(request.side), confidence)
        return wire.size_to(*found)

    async def GetStrategy(self, request: pb.GetStrategyRequest, context: Any) -> pb.GetStrategyResponse:
        symbols = [request.symbol] if request.symbol else self._instruments.symbols
        states = [wire.state_to(await self._describe(symbol)) for symbol in symbols]
        serving = self._models.serving.name
        return pb.GetStrategyResponse(symbols=states, model_id="" if serving == BASELINE else serving)

    async def ListDecisions(self, request: pb.ListDecisionsRequest, context: Any) -> pb.ListDecisionsResponse:
        if request.symbol:
            self._instruments.get(request.symbol)
        found = await self._journal.newest(
            symbol=request.symbol, include_holds=request.include_holds, limit=request.limit or DEFAULT_LIMIT
        )
        return pb.ListDecisionsResponse(decisions=[wire.decision_to(decision) for decision in found])

    async def WatchDecisions(
        self, request: pb.WatchDecisionsRequest, context: Any
    ) -> AsyncIterator[pb.WatchDecisionsResponse]:
        """Send the newest decision of each symbol, then each one as it is made."""
        async for decision in self._watch(include_holds=request.include_holds):
            yield pb.WatchDecisionsResponse(decision=wire.decision_to(decision))

    async def _watch(self, *, include_holds: bool) -> AsyncIterator[Decision]:
        watching: Any = self._made.watch()  # an async generator, which its type does not say
        async with aclosing(watching) as coming:
            following = asyncio.ensure_future(anext(coming))  # watch first, then look back: nothing falls between
            await asyncio.sleep(0)
            sent = set()
            try:
                for symbol in self._instruments.symbols:
                    for decision in await self._journal.newest(symbol=symbol, include_holds=include_holds, limit=1):
                        sent.add(decision.decision_id)
                        yield decision
                while True:
                    decision = await following
                    following = asyncio.ensure_future(anext(coming))
                    wanted = include_holds or decision.verdict.action is not Action.HOLD
                    if wanted and decision.decision_id not in sent:
                        yield decision
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)


def register(server: Any, api: DecisionApi) -> str:
    """Serve DecisionService on `server`; return its full name."""
    rpc.add_DecisionServiceServicer_to_server(api, server)
    return SERVICE
