"""One life of the mesh from a plan: processes, paths, the market, the people, and what befalls them."""

import asyncio
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

from perpmesh.risk_safety.adapters.memory import MemoryPolicyStore, MemoryRiskStore
from perpmesh.testing.simulation.exchange import STEP_SECONDS, Exchange
from perpmesh.testing.simulation.life import Disk, Life, World
from perpmesh.testing.simulation.loop import VirtualClock
from perpmesh.testing.simulation.paths import Bus, OutboxLog, Stream
from perpmesh.testing.simulation.plan import SYMBOLS, Mishap, Plan
from perpmesh.testing.simulation.processes import ExecutionLife, SafetyLife
from perpmesh.testing.simulation.referee import Referee
from perpmesh_api.market_data.v1 import market_data_service_pb2 as market_pb


class Simulation:
    """Everything there is, put together."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.loop = asyncio.get_running_loop()
        self.world = World(self.loop)
        self.clock = VirtualClock(self.loop)
        self.log = OutboxLog()
        self.safety_store, self.policy_store = MemoryRiskStore(), MemoryPolicyStore()
        self.referee = Referee(self.clock, self.log, self.safety_store)
        self.exchange = Exchange(self.clock, self.referee, self._chance("market"))
        self.bus = Bus(self.world, plan, self._chance("bus"))
        self.disks = {name: Disk(self._chance(f"disk of {name}")) for name in ("execution", "risk_safety")}
        self.transcript: list[str] = []
        self.faulty = True
        self.prices_down_until = self.user_stream_down_until = 0.0
        self._lives = 0
        self._events = self._chance("user events")
        self.execution: ExecutionLife
        self.safety: SafetyLife
        self.exchange.moved = self._moved

    def _chance(self, of: str) -> Random:
        return Random(f"{self.plan.seed}/{of}")  # noqa: S311 - a seeded life

    def say(self, text: str) -> None:
        self.transcript.append(f"{self.loop.time():9.4f} {text}")

    # Lives.

    def _life(self, name: str, again: Callable[[], None]) -> Life:
        self._lives += 1
        life = Life(self.world, name, self._lives, self._chance(f"life {self._lives}"))
        life.on_fall = lambda: self.kill(life, again)
        self.say(f"{name} starts")
        return life

    def start_safety(self) -> None:
        self.safety = SafetyLife(
            self._life("risk_safety", self.start_safety), clock=VirtualClock(self.loop), store=self.safety_store,
            policies=self.policy_store, disk=self.disks["risk_safety"], bus=self.bus, log=self.log,
            referee=self.referee,
        )  # fmt: skip
        self.safety.start()

    def start_execution(self) -> None:
        self.referee.pass_time()
        skew = self.plan.skew_ms if self.faulty else 0
        life = self._life("execution", self.start_execution)
        self.execution = ExecutionLife(
            life, clock=VirtualClock(self.loop, skew), log=self.log, disk=self.disks["execution"],
            exchange=self.exchange, plan=self.plan, chance=self._chance(f"road {life.number}"), referee=self.referee,
            policies=self.plan.policies, say=self.say, dial=self._dial,
        )  # fmt: skip
        self.referee.life = life
        self.execution.start()

    async def execution_runs(self) -> None:
        """Return when some life of execution can hear."""
        while not self.execution.life.runs:  # noqa: ASYNC110 - each life has its own event
            await asyncio.sleep(0.2)

    def _dial(self, holder: Life) -> Stream:
        stream = Stream(self.world, self.plan, self._chance(f"stream {self.loop.time()}"), holder, self.safety.life)
        if self.safety.life.alive:
            self.safety.accept(stream)
        else:
            stream.break_off()
        return stream

    def kill(self, life: Life, again: Callable[[], None], seconds: float = 0.5) -> None:
        """Kill it as kill -9 does; a supervisor starts it again."""
        if not life.alive:
            return
        self.referee.pass_time()
        self.referee.tally.kills += 1
        self.say(f"{life.name} is killed at its call {life.calls}")
        life.kill()
        for stream in self.safety.streams:
            if life in (stream.holder, stream.keeper):
                stream.break_off()
        self.loop.call_later(seconds, again)

    def process(self, name: str) -> tuple[Life, Callable[[], None]]:
        if name == "execution":
            return self.execution.life, self.start_execution
        return self.safety.life, self.start_safety

    # The market, and what execution hears of it and of its account.

    async def _market(self) -> None:
        while True:
            await asyncio.sleep(STEP_SECONDS)
            for symbol in SYMBOLS:
                self.exchange.step(symbol)
                self.quote(symbol)

    def quote(self, symbol: str) -> None:
        """Send the newest price to execution."""
        if self.loop.time() < self.prices_down_until:
            return
        price, tick = self.exchange.price(symbol), self.exchange.engine.specs[symbol].tick
        message = market_pb.PriceTick(
            symbol=symbol, last_price=str(price), mark_price=str(price), bid_price=str(price - tick),
            ask_price=str(price + tick), market_time_ms=self.clock.now_ms(),
        ).SerializeToString()  # fmt: skip
        self.loop.call_later(0.002, self.execution.tick, message)

    def _moved(self, symbol: str) -> None:
        if self.loop.time() < self.user_stream_down_until or self._events.random() < self._drops:
            return
        late = self._events.uniform(0.001, 0.01) + (1 if self._events.random() < self.plan.reorders / 3 else 0)
        for _ in range(2 if self._events.random() < self.plan.repeats else 1):
            self.loop.call_later(late, self._tell, symbol)

    @property
    def _drops(self) -> float:
        return self.plan.drops if self.faulty else 0.0

    def _tell(self, *symbols: str) -> None:
        if self.execution.life.runs:
            self.execution.cases.reconciler.moved(symbols)

    # What goes wrong.

    def befall(self, mishap: Mishap) -> None:
        """Let it happen now, and end after its time."""
        self.say(f"mishap: {mishap.kind} {mishap.seconds:.1f} s")
        now, until = self.loop.time(), self.loop.time() + mishap.seconds
        what, _, rest = mishap.kind.partition(" ")
        if what == "kill":
            life, again = self.process(rest.split(" ")[0])
            if rest.endswith("at a call"):
                life.falls_at = life.calls + mishap.count
            else:
                self.kill(life, again, 0.2 + mishap.seconds / 4)
        elif what == "pause":
            life, _ = self.process(rest)
            self.referee.pass_time()
            life.pause()
            self.loop.call_later(mishap.seconds, self._resume, life)
        else:
            self._break(mishap.kind, now, until)

    def _resume(self, life: Life) -> None:
        self.referee.pass_time()
        life.resume()

    def _break(self, kind: str, now: float, until: float) -> None:
        if kind == "bus down":
            self.bus.down_until = until
        elif kind == "prices down":
            self.prices_down_until = until
        elif kind == "user stream down":
            self.user_stream_down_until = until
            self.loop.call_later(until - now, self._tell)
        elif kind == "lease stream cut":
            for stream in self.safety.streams:
                stream.break_off()
        elif kind == "exchange down":
            self.exchange.down_until = until
        elif kind.endswith("disk full"):
            disk = self.disks["execution" if kind.startswith("execution") else "risk_safety"]
            disk.full = True
            self.loop.call_later(until - now, setattr, disk, "full", False)  # noqa: FBT003
        elif kind == "slow disk":
            for disk in self.disks.values():
                disk.slow = True
                self.loop.call_later(until - now, setattr, disk, "slow", False)  # noqa: FBT003

    def make_peace(self) -> None:
        """No faults any more."""
        self.say("peace")
        self.faulty = False
        for disk in self.disks.values():
            disk.full = disk.slow = False
        for name in ("execution", "risk_safety"):
            self.process(name)[0].falls_at = -1

    def work(self) -> Coroutine[Any, Any, None]:
        """What the world does by itself."""
        return self._market()
