"""What the safety core asks of the world."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from perpmesh.risk_safety.domain.attempts import Attempt
from perpmesh.risk_safety.domain.ess import Latch, Stage
from perpmesh.risk_safety.domain.losses import EquityFigures, TradeFigures
from perpmesh.risk_safety.domain.policy_records import Adoption, Change, Setting
from perpmesh.risk_safety.domain.staging import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryQuery:
    """Which lines of the audit are wanted."""

    key: str = ""  # empty: of every policy
    actor: str = ""  # empty: by anybody
    before: int = 0  # below this revision; 0: up to the newest
    limit: int | None = None  # None: all of them


class PolicyTransaction(Protocol):
    """One change of the PolicyStore: all of it becomes durable, with its events, or none."""

    async def revision(self) -> int:
        """Return the newest revision; 0 when nothing was ever set."""
        ...

    async def setting(self, key: str) -> Setting | None: ...

    async def changes_of_request(self, request_id: str) -> Sequence[Change]:
        """Return the changes that this request made, by key; none when it made none."""
        ...

    async def record(self, changes: Sequence[Change]) -> None:
        """Write one revision: its settings, its audit, one event policy.updated, and our own adoption of it."""
        ...


class PolicyStore(Protocol):
    """Where policies are kept."""

    def changing(self) -> AbstractAsyncContextManager[PolicyTransaction]: ...

    async def everything(self) -> tuple[Mapping[str, Setting], int]:
        """Return all settings by key, and the newest revision."""
        ...

    async def history(self, query: HistoryQuery) -> Sequence[Change]:
        """Return what is asked for, the newest revision first, in each revision by key."""
        ...

    async def adoptions(self) -> Sequence[Adoption]: ...

    async def adopt(self, adoption: Adoption) -> None:
        """Write that we ourselves run this revision, and tell the others."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetRecord:
    """The audit of one reset."""

    epoch: int
    stage: Stage
    operator: str
    approver: str
    reason: str
    at_ms: int


class StageStore(Protocol):
    """Where it is kept what the stage has earned. Clean trades are written with the event that closed them."""

    async def load_standing(self) -> tuple[Standing, Mapping[str, str]]:
        """Return what was earned, and the open critical alerts by id, in words."""
        ...

    async def save_healthy_ms(self, epoch: int, ms: int) -> None: ...


class OperatorStore(Protocol):
    """Where it is kept who tried what, and when an operator was last heard of."""

    async def record(self, attempt: Attempt, *, heartbeat_ms: int) -> None:
        """Write an attempt, and the heartbeat that it is; 0: it is none."""
        ...

    async def attempts(self, action: str, limit: int) -> Sequence[Attempt]:
        """Return attempts, of one action or of all when it is empty, newest first."""
        ...

    async def last_heartbeat_ms(self) -> int:
        """Return the wall time of the newest heartbeat; 0 when there was none."""
        ...

    async def save_heartbeat(self, at_ms: int) -> None: ...


class EssStore(StageStore, OperatorStore, Protocol):
    """Where the latch is kept. Every write is durable when it returns, with its event."""

    async def load(self) -> Latch | None:
        """Return the latch as it was last written; None in a fresh state folder."""
        ...

    async def save(self, latch: Latch) -> None:
        """Write a change that is nobody else's news: a release, a pause."""
        ...

    async def trip(self, latch: Latch) -> None:
        """Write a tripped latch, its evidence, and the event ess.tripped."""
        ...

    async def reset(
        self, latch: Latch, record: ResetRecord, figures: Callable[[], tuple[EquityFigures, TradeFigures]]
    ) -> None:
        """Write a reset latch, its audit, what is measured from now on, and the event ess.reset.

        `figures` is asked inside the transaction, so that what was counted meanwhile is not lost.
        """
        ...


class LossStore(Protocol):
    """Where the figures of the loss limits are kept."""

    async def load(self) -> tuple[EquityFigures, TradeFigures]: ...

    async def save_equity(self, newest: Callable[[], EquityFigures]) -> None:
        """Write what `newest` returns inside the transaction."""
        ...


@dataclass(frozen=True, slots=True)
class Signatory:
    """Who a token stands for."""

    subject: str
    role: str


class Signatures(Protocol):
    """Checks the tokens of a reset."""

    def verify(self, token: str, *, field: str) -> Signatory:
        """Return whom `token` stands for; raise Unauthenticated, naming `field`, when it does not hold."""
        ...


class Alarm(Protocol):
    """Waits."""

    async def wait(self, changed: asyncio.Event, ms: int) -> None:
        """Return when `changed` is set, or after `ms`."""
        ...
