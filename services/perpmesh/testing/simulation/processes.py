"""Execution and risk_safety as they are composed in their main.py, over the simulation's world."""

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from random import Random
from typing import Any

from perpmesh.execution.adapters import wire
from perpmesh.execution.adapters.events_in import DecisionWorker
from perpmesh.execution.adapters.lease_client import LeaseClient
from perpmesh.execution.adapters.prices import PriceBoard
from perpmesh.execution.application.assembly import UseCases, assemble
from perpmesh.execution.application.desk import Desk
from perpmesh.execution.application.ledger import Ledger
from perpmesh.execution.application.tools import Tools
from perpmesh.kernel.errors import Unauthenticated
from perpmesh.platform.process import forever
from perpmesh.risk_safety.adapters import ess_wire
from perpmesh.risk_safety.adapters.memory import MemoryPolicyStore, MemoryRiskStore
from perpmesh.risk_safety.adapters.system import LoopAlarm
from perpmesh.risk_safety.application.core import SafetyCore
from perpmesh.risk_safety.application.ports import Signatory
from perpmesh.risk_safety.domain.ess import Latch, Stage
from perpmesh.risk_safety.domain.leases import MARGIN_MS
from perpmesh.risk_safety.domain.losses import TradeFigures
from perpmesh.risk_safety.domain.policy_catalogue import CATALOGUE
from perpmesh.risk_safety.domain.report import Answer, Verdict
from perpmesh.testing.simulation.exchange import Exchange, RoadVenue
from perpmesh.testing.simulation.life import Disk, Life, Stored
from perpmesh.testing.simulation.loop import VirtualClock
from perpmesh.testing.simulation.paths import AGAIN_SECONDS, Bus, OutboxLog, Stream
from perpmesh.testing.simulation.plan import SYMBOLS, Plan
from perpmesh.testing.simulation.referee import Referee
from perpmesh_api.ai_engine.v1 import decision_service_pb2 as ai_pb
from perpmesh_api.execution.v1 import order_events_pb2
from perpmesh_api.market_data.v1 import market_data_service_pb2 as market_pb
from perpmesh_api.risk_safety.v1 import risk_service_pb2 as lease_pb

ANY: Any = None  # settings of adapters that here reach no network


class Diary:
    """What execution says, for the transcript of a replay."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def info(self, event: str, **facts: Any) -> None:
        self._say(f"execution: {event} {facts}")

    warning = error = info


class Adopted:
    """The policies as execution has adopted them: the catalogue's defaults, and what was changed."""

    def __init__(self, changed: dict[str, str]) -> None:
        self._changed = changed
        self.revision = len(changed)

    def decimal(self, key: str) -> Decimal:
        return Decimal(str(self._changed.get(key, CATALOGUE[key].default)))

    def integer(self, key: str) -> int:
        return int(self.decimal(key))

    def boolean(self, key: str) -> bool:
        return bool(self._changed.get(key, CATALOGUE[key].default))

    def text(self, key: str) -> str:
        return str(self._changed.get(key, CATALOGUE[key].default))


class ExecutionLife:
    """One life of execution."""

    def __init__(  # noqa: PLR0913 - a composition root
        self, life: Life, *, clock: VirtualClock, log: OutboxLog, disk: Disk, exchange: Exchange, plan: Plan,
        chance: Random, referee: Referee, policies: dict[str, str], say: Callable[[str], None],
        dial: Callable[[Life], Stream],
    ) -> None:  # fmt: skip
        self.life = life
        self._log = log
        self._dial = dial
        stored: Any = Stored(log, life, disk)
        self.prices = PriceBoard(ANY, clock)
        venue = RoadVenue(exchange, life, plan, chance, referee)
        tools = Tools(
            venue=venue, ledger=Ledger(stored), desk=Desk(clock, self.prices), policies=Adopted(policies),
            sleep=life.sleep, diary=Diary(say),
        )  # fmt: skip
        self.cases: UseCases = assemble(tools, SYMBOLS)
        self.worker = DecisionWorker(stored, self.cases.decide)
        self.lease = LeaseClient(ANY, stored, self.cases)

    def start(self) -> None:
        self.life.start(self._run())

    async def _run(self) -> None:
        await self.cases.tools.ledger.load()
        loops = [
            ("upkeep", self.cases.upkeep.run), ("reconcile", self.cases.reconciler.run), ("lease", self._hold),
            ("decisions", self.worker.run), ("follow", self.cases.reconciler.follow),
            ("countdown", self.cases.countdown.run),
        ]  # fmt: skip
        await asyncio.gather(*(forever(name, step) for name, step in loops))

    async def _hold(self) -> None:
        await self.lease.converse(self._call)

    async def _call(self, words: AsyncIterator[Any]) -> AsyncIterator[Any]:
        stream = self._dial(self.life)
        speaking = asyncio.create_task(self._speak(words, stream))
        try:
            async for message in stream.heard():
                yield lease_pb.HoldEntryLeaseResponse.FromString(message)
        finally:
            stream.cut = True
            speaking.cancel()

    async def _speak(self, words: AsyncIterator[Any], stream: Stream) -> None:
        async for word in words:
            stream.say(stream.asked, word.SerializeToString())

    def tick(self, message: bytes) -> None:
        """Hear a price, unless the process is stopped."""
        if self.life.runs:
            self.prices.heard(market_pb.PriceTick.FromString(message))

    def decide(self, message: bytes) -> None:
        """Take a decision in, as often as it comes; it is done once."""
        work = wire.decision(ai_pb.Decision.FromString(message), "")
        self._log.decisions[work.decision_id] = work
        self.worker.wake()


class NamedSignatures:
    """A token is "role:subject"."""

    def verify(self, token: str, *, field: str) -> Signatory:
        role, _, subject = token.partition(":")
        if not subject:
            raise Unauthenticated(f"{field} does not hold", reason="BAD_TOKEN", field=field)
        return Signatory(subject=subject, role=role)


class SafetyLife:
    """One life of risk_safety."""

    def __init__(
        self, life: Life, *, clock: VirtualClock, store: MemoryRiskStore, policies: MemoryPolicyStore, disk: Disk,
        bus: Bus, log: OutboxLog, referee: Referee,
    ) -> None:  # fmt: skip
        self.life = life
        self._clock = clock
        self._store = store
        self._disk = disk
        self._bus = bus
        self._log = log
        self._referee = referee
        self.streams: list[Stream] = []
        ess: Any = Stored(store, life, disk)
        losses: Any = Stored(store.losses, life, disk)
        self.core = SafetyCore(
            policy_store=policies, ess_store=ess, loss_store=losses, signatures=NamedSignatures(), clock=clock,
            alarm=LoopAlarm(),
        )  # fmt: skip
        self.opened = asyncio.Event()

    def start(self) -> None:
        self.life.start(self._run())

    async def _run(self) -> None:
        await self.core.open(Latch(stage=Stage.FULL))
        self.opened.set()
        loops = [("watch", self.core.watch.keep), ("stages", self.core.stages.keep), ("trades", self._read_trades)]
        await asyncio.gather(*(forever(name, step) for name, step in loops))

    # The lease.

    def accept(self, stream: Stream) -> None:
        self.streams.append(stream)
        self.life.start(self._serve(stream))

    async def _serve(self, stream: Stream) -> None:
        await self.opened.wait()

        def link(answer: Answer) -> None:
            if answer.verdict is Verdict.GRANTED:
                until = self._clock.boot_ms() + answer.valid_for_ms + MARGIN_MS
                self._referee.lent_until_ms = max(self._referee.lent_until_ms, until)
            stream.say(stream.answers, ess_wire.lease_answer(answer).SerializeToString())

        self.core.desk.attach(link)
        try:
            while not stream.cut:
                message = await stream.asked.get()
                await self.life.awake()
                report = ess_wire.lease_report(lease_pb.HoldEntryLeaseRequest.FromString(message))
                await self.core.desk.hear(report, link)
        except Exception:  # noqa: BLE001 - a handler that fails ends its stream
            stream.break_off()
        finally:
            self.core.desk.detach(link)

    # The bus.

    async def _read_trades(self) -> None:
        """Read on from the newest trade that is counted: again from there after a gap, or after silence."""
        while True:
            newest, mark = len(self._log.stream), self.core.losses.trades.sequence
            if newest <= mark:
                self._log.grew.clear()
                await LoopAlarm().wait(self._log.grew, int(AGAIN_SECONDS * 1000))
                continue
            await self._bus.pause()
            await self.life.awake()
            sequence = mark + 2 if self._bus.overtakes() else mark + 1
            for _ in range(self._bus.times()):
                await self._on_trade(sequence)
            if self.core.losses.trades.sequence == mark:
                await asyncio.sleep(AGAIN_SECONDS / 4)

    async def _on_trade(self, sequence: int) -> None:
        losses = self.core.losses
        if sequence != losses.trades.sequence + 1 or sequence > len(self._log.stream):
            return  # seen before, or a gap: asked for again
        figures = _counted(losses.trades, sequence, *self._log.stream[sequence - 1])

        async def write() -> None:
            self._store.losses.trades = figures

        await self.life.outside("save_trades", lambda: self._disk.do(write, (), {}, writes=True))
        losses.take(figures)
        self.core.watch.look()


def _counted(trades: TradeFigures, sequence: int, kind: str, message: bytes) -> TradeFigures:
    if kind == "TradeOpened":
        return trades.seen(sequence)
    event = order_events_pb2.TradeClosed.FromString(message)
    return trades.closed(Decimal(event.trade.net_pnl), sequence)
