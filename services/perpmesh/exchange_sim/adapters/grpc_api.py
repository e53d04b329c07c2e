"""The control service: the replay's clock and new accounts. Bots do not need it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from perpmesh.exchange_sim.adapters.opening import add_account
from perpmesh.exchange_sim.adapters.origin import Origin
from perpmesh.exchange_sim.adapters.wire import replay_to_wire
from perpmesh.exchange_sim.application.sequencer import Sequencer, Turn
from perpmesh.exchange_sim.domain.replay_clock import ReplayClock
from perpmesh.exchange_sim.domain.signature import public_key
from perpmesh.kernel.errors import Invalid
from perpmesh.platform.grpc_server import require_operator
from perpmesh_api.exchange_sim.v1 import exchange_control_service_pb2 as pb
from perpmesh_api.exchange_sim.v1 import exchange_control_service_pb2_grpc as pb_grpc

add_to_server = pb_grpc.add_ExchangeControlServiceServicer_to_server
SERVICE = "perpmesh_api.exchange_sim.v1.ExchangeControlService"


class ExchangeControlApi(pb_grpc.ExchangeControlServiceServicer):
    """Serves ExchangeControlService from the sequencer."""

    def __init__(self, sequencer: Sequencer, origin: Origin) -> None:
        self._sequencer = sequencer
        self._origin = origin

    async def GetReplay(self, request: pb.GetReplayRequest, context: Any) -> pb.GetReplayResponse:
        return pb.GetReplayResponse(replay=await self._replay())

    async def SetSpeed(self, request: pb.SetSpeedRequest, context: Any) -> pb.SetSpeedResponse:
        return pb.SetSpeedResponse(replay=await self._change(lambda clock, now: clock.at_speed(request.speed, now)))

    async def PauseReplay(self, request: pb.PauseReplayRequest, context: Any) -> pb.PauseReplayResponse:
        return pb.PauseReplayResponse(replay=await self._change(ReplayClock.pause))

    async def ResumeReplay(self, request: pb.ResumeReplayRequest, context: Any) -> pb.ResumeReplayResponse:
        return pb.ResumeReplayResponse(replay=await self._change(ReplayClock.resume))

    async def CreateAccount(self, request: pb.CreateAccountRequest, context: Any) -> pb.CreateAccountResponse:
        require_operator()
        balance, secret = Decimal(request.balance), _secret(request)

        def job(turn: Turn) -> str:
            return add_account(turn.venue, request.api_key, secret, balance, turn.wall_ms)

        return pb.CreateAccountResponse(account_id=await self._sequencer.submit(job))

    async def _change(self, change: Callable[[ReplayClock, int], ReplayClock]) -> pb.Replay:
        require_operator()
        await self._sequencer.change_clock(change)
        return await self._replay()

    async def _replay(self) -> pb.Replay:
        return await self._sequencer.submit(
            lambda turn: replay_to_wire(turn.venue, self._sequencer.replay, self._origin)
        )


def _secret(request: pb.CreateAccountRequest) -> str:
    """Return what the account's requests are checked with; raise when the public key is none."""
    if not request.public_key:
        return request.api_secret
    pem = request.public_key.strip()
    try:
        public_key(pem)
    except ValueError as error:
        raise Invalid(str(error), reason="PUBLIC_KEY_MALFORMED", field="public_key") from None
    return pem
