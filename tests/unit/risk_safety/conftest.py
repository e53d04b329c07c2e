"""A safety core over memory stores, on a clock that moves only when told to, and words for living beside it."""

import asyncio
from decimal import Decimal

import pytest

from perpmesh.kernel.errors import Unauthenticated
from perpmesh.kernel.time import ManualClock
from perpmesh.risk_safety.adapters.memory import MemoryPolicyStore, MemoryRiskStore
from perpmesh.risk_safety.application.core import SafetyCore
from perpmesh.risk_safety.application.policies import PolicyUpdate
from perpmesh.risk_safety.application.ports import Signatory
from perpmesh.risk_safety.domain.ess import Latch, Stage, Trigger, TripMode, TripOrder
from perpmesh.risk_safety.domain.report import Acknowledgement, Answer, Report

MARKET_MS = 1_700_000_000_000


class SteppedAlarm:
    """Waits until something changed or the clock was moved."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Event] = []

    async def wait(self, changed: asyncio.Event, ms: int) -> None:  # noqa: ARG002 - the clock rings
        self._waiting.append(changed)
        try:
            await changed.wait()
        finally:
            self._waiting.remove(changed)

    def ring(self) -> None:
        for event in self._waiting:
            event.set()


class NamedSignatures:
    """A token is "role:subject"."""

    def verify(self, token: str, *, field: str) -> Signatory:
        role, _, subject = token.partition(":")
        if not subject:
            raise Unauthenticated(f"{field} does not hold", reason="BAD_TOKEN", field=field)
        return Signatory(subject=subject, role=role)


class Life:
    """The stores, the clock, and the core that lives now; `restart` begins another life over the same stores."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.alarm = SteppedAlarm()
        self.policies = MemoryPolicyStore()
        self.store = MemoryRiskStore()
        self.gates = {"gated": False, "live": False}

    async def start(self, stage: Stage = Stage.FULL) -> SafetyCore:
        self.core = SafetyCore(
            policy_store=self.policies, ess_store=self.store, loss_store=self.store.losses,
            signatures=NamedSignatures(), clock=self.clock, alarm=self.alarm, **self.gates,
        )  # fmt: skip
        await self.core.open(Latch(stage=stage))
        return self.core

    async def settled(self) -> None:
        """Start, and let the time pass in which unknown holders may be alive."""
        await self.start()
        self.advance(2_100)

    def advance(self, ms: int) -> None:
        self.clock.advance(ms)
        self.alarm.ring()

    async def ask(self, **said: object) -> Answer:
        answers: list[Answer] = []
        await self.core.desk.hear(report(**said), answers.append)
        return answers[-1]

    async def acknowledge(
        self,
        holder_id: str = "execution-1",
        epoch: int | None = None,
        canceled_orders: tuple[str, ...] = (),
        **left: object,
    ) -> None:
        epoch = self.core.ess.latch.epoch if epoch is None else epoch
        word = Acknowledgement(epoch=epoch, canceled_orders=canceled_orders)
        await self.ask(holder_id=holder_id, acknowledged=word, **left)

    async def set(self, key: str, value: object) -> None:
        await self.core.policies.update(
            PolicyUpdate(key=key, raw=value, expected_revision=None, actor="t", reason="", request_id="")  # type: ignore[arg-type]
        )

    def trip(self, mode: TripMode = TripMode.BLOCK, request_id: str = "") -> asyncio.Task:  # type: ignore[type-arg]
        order = TripOrder(trigger=Trigger.MANUAL, reason="drill", actor="t", mode=mode, request_id=request_id)
        return asyncio.ensure_future(self.core.ess.trip(order))


def report(**said: object) -> Report:
    """A holder's report in which nothing is wrong, but for what is said."""
    good = {
        "holder_id": "execution-1", "request_sequence": 1, "newest_trade_sequence": 0, "equity": Decimal(10_000),
        "unprotected_positions": 0, "reconciled": True, "market_time_ms": MARKET_MS, "price_age_ms": 100,
        "execution_errors": 0, "ledger_mismatch": "",
    }  # fmt: skip
    return Report(**{**good, **said})  # type: ignore[arg-type]


async def turns(count: int = 20) -> None:
    """Let everything that can run now run."""
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.fixture
async def life() -> Life:
    life = Life()
    await life.settled()
    return life
