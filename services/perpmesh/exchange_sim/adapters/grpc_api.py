"""The control service: the replay's clock, accounts and faults. Bots do not need it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from perpmesh.exchange.commands import Deposit, SetFeeTier
from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange_sim.adapters.fault_wire import fault_to_wire, spec_from_wire
from perpmesh.exchange_sim.adapters.opening import add_account
from perpmesh.exchange_sim.adapters.origin import Origin
from perpmesh.exchange_sim.adapters.wire import replay_to_wire
from perpmesh.exchange_sim.application.fault_control import FaultControl, account_of
from perpmesh.exchange_sim.application.sequencer import Sequencer, Turn
from perpmesh.exchange_sim.domain.fault_plan import Armed
from perpmesh.exchange_sim.domain.replay_clock import UNBOUNDED, ReplayClock
from perpmesh.exchange_sim.domain.signature import public_key
from perpmesh.kernel.errors import Invalid, Refused
from perpmesh.kernel.time import MS_PER_DAY, MS_PER_SECOND
from perpmesh.platform.grpc_server import require_operator, serving
from perpmesh.platform.settings import EXCHANGE
from perpmesh_api.exchange_sim.v1 import exchange_control_service_pb2 as pb
from perpmesh_api.exchange_sim.v1 import exchange_control_service_pb2_grpc as pb_grpc
from perpmesh_api.exchange_sim.v1 import faults_pb2 as pb_faults

add_to_server = pb_grpc.add_ExchangeControlServiceServicer_to_server
JUMP_MAX_MS = 366 * MS_PER_DAY
SERVICE = "perpmesh_api.exchange_sim.v1.ExchangeControlService"


class ExchangeControlApi(pb_grpc.ExchangeControlServiceServicer):
    """Serves ExchangeControlService from the sequencer."""

    def __init__(self, sequencer: Sequencer, origin: Origin, faults: FaultControl) -> None:
        self._sequencer = sequencer
        self._origin = origin
        self._faults = faults

    async def GetReplay(self, request: pb.GetReplayRequest, context: Any) -> pb.GetReplayResponse:
        return pb.GetReplayResponse(replay=await self._replay())

    async def SetSpeed(self, request: pb.SetSpeedRequest, context: Any) -> pb.SetSpeedResponse:
        if request.unbounded == (request.speed > 0):
            raise Invalid(
                "speed must be greater than 0, or left out with unbounded true", reason="SPEED", field="speed"
            )
        speed = UNBOUNDED if request.unbounded else request.speed
        return pb.SetSpeedResponse(replay=await self._change(lambda clock, now: clock.at_speed(speed, now)))

    async def PauseReplay(self, request: pb.PauseReplayRequest, context: Any) -> pb.PauseReplayResponse:
        venue = self._sequencer.venue  # it stands still at its last tick, so that steps count from there

        def pause(clock: ReplayClock, now_ms: int) -> ReplayClock:
            return clock.pause(now_ms).moved_to(venue.market_ms, now_ms)

        return pb.PauseReplayResponse(replay=await self._change(pause))

    async def ResumeReplay(self, request: pb.ResumeReplayRequest, context: Any) -> pb.ResumeReplayResponse:
        return pb.ResumeReplayResponse(replay=await self._change(ReplayClock.resume))

    async def StepReplay(self, request: pb.StepReplayRequest, context: Any) -> pb.StepReplayResponse:
        require_operator()
        if not self._sequencer.replay.paused:
            raise Refused("pause the replay first: market time is moving by itself", reason="REPLAY_RUNNING")
        seconds = request.seconds if request.HasField("seconds") else 1
        await self._sequencer.step(seconds * MS_PER_SECOND)
        return pb.StepReplayResponse(replay=await self._replay())

    async def JumpReplay(self, request: pb.JumpReplayRequest, context: Any) -> pb.JumpReplayResponse:
        require_operator()
        if request.market_time_ms > self._sequencer.venue.market_ms + JUMP_MAX_MS:
            raise Invalid("that is more than 366 days ahead", reason="JUMP_TOO_FAR", field="market_time_ms")
        await self._sequencer.jump(request.market_time_ms)
        return pb.JumpReplayResponse(replay=await self._replay())

    async def CreateAccount(self, request: pb.CreateAccountRequest, context: Any) -> pb.CreateAccountResponse:
        require_operator()
        balance, secret = Decimal(request.balance), _secret(request)

        def job(turn: Turn) -> str:
            account = add_account(turn.venue, request.api_key, secret, balance, turn.wall_ms)
            if request.HasField("fee_tier"):
                turn.execute(SetFeeTier(account, request.fee_tier))
            return account

        return pb.CreateAccountResponse(account_id=await self._sequencer.submit(job))

    async def Deposit(self, request: pb.DepositRequest, context: Any) -> pb.DepositResponse:
        require_operator()
        account = account_of(self._sequencer.venue, request.account, "account")

        def job(turn: Turn) -> str:
            try:
                turn.execute(Deposit(account, Decimal(request.amount)))
            except ExchangeError as error:
                raise Refused(error.message, reason="DEPOSIT", field="amount") from None
            return f"{turn.venue.engine.account(account).wallet:f}"

        return pb.DepositResponse(account_id=account, balance=await self._sequencer.submit(job))

    async def AddFault(self, request: pb.AddFaultRequest, context: Any) -> pb.AddFaultResponse:
        require_operator()
        return pb.AddFaultResponse(fault=self._told(await self._faults.add(spec_from_wire(request.fault))))

    async def ListFaults(self, request: pb.ListFaultsRequest, context: Any) -> pb.ListFaultsResponse:
        return pb.ListFaultsResponse(faults=[self._told(each) for each in self._faults.faults()])

    async def RemoveFault(self, request: pb.RemoveFaultRequest, context: Any) -> pb.RemoveFaultResponse:
        require_operator()
        return pb.RemoveFaultResponse(fault=self._told(self._faults.remove(request.fault_id)))

    async def ClearFaults(self, request: pb.ClearFaultsRequest, context: Any) -> pb.ClearFaultsResponse:
        require_operator()
        return pb.ClearFaultsResponse(faults=[self._told(each) for each in self._faults.clear()])

    def _told(self, fault: Armed) -> pb_faults.Fault:
        return fault_to_wire(fault, self._faults.clock.now_ms())

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


@asynccontextmanager
async def control_service(listen: str, api: ExchangeControlApi) -> AsyncIterator[None]:
    """Serve the control service on host:port while the block runs; nothing when there is no address."""
    if not listen:
        yield
        return
    async with serving(EXCHANGE, listen) as grpc:
        add_to_server(api, grpc.server)
        await grpc.start([SERVICE])
        await grpc.ready()
        yield
