"""The stores in memory, for simulations and tests: what is in them survives a restart of the core, as on disk."""

import copy
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from perpmesh.risk_safety.application.ports import HistoryQuery, ResetRecord
from perpmesh.risk_safety.domain.attempts import Attempt
from perpmesh.risk_safety.domain.ess import Latch
from perpmesh.risk_safety.domain.losses import EquityFigures, TradeFigures
from perpmesh.risk_safety.domain.policy_records import Adoption, Change, Setting
from perpmesh.risk_safety.domain.staging import Standing


class MemoryPolicyTransaction:
    """See ports.PolicyTransaction."""

    def __init__(self, changes: list[Change], settings: dict[str, Setting], adopted: dict[str, Adoption]) -> None:
        self._changes = changes
        self._settings = settings
        self._adopted = adopted

    async def revision(self) -> int:
        return self._changes[-1].revision if self._changes else 0

    async def setting(self, key: str) -> Setting | None:
        return self._settings.get(key)

    async def changes_of_request(self, request_id: str) -> Sequence[Change]:
        return [change for change in self._changes if change.request_id == request_id]

    async def record(self, changes: Sequence[Change]) -> None:
        self._changes += changes
        for change in changes:
            self._settings[change.key] = Setting(
                key=change.key, value=change.new, revision=change.revision, actor=change.actor, at_ms=change.at_ms
            )
        first = changes[0]
        self._adopted["risk_safety"] = Adoption(service="risk_safety", revision=first.revision, at_ms=first.at_ms)


class MemoryPolicyStore:
    """See ports.PolicyStore."""

    def __init__(self) -> None:
        self._changes: list[Change] = []
        self._settings: dict[str, Setting] = {}
        self._adopted: dict[str, Adoption] = {}

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[MemoryPolicyTransaction]:
        before = copy.copy(self._changes), dict(self._settings), dict(self._adopted)
        try:
            yield MemoryPolicyTransaction(self._changes, self._settings, self._adopted)
        except BaseException:
            self._changes, self._settings, self._adopted = before
            raise

    async def everything(self) -> tuple[Mapping[str, Setting], int]:
        return dict(self._settings), self._changes[-1].revision if self._changes else 0

    async def history(self, query: HistoryQuery) -> Sequence[Change]:
        found = [
            change
            for change in sorted(self._changes, key=lambda change: (-change.revision, change.key))
            if query.key in ("", change.key)
            and query.actor in ("", change.actor)
            and (not query.before or change.revision < query.before)
        ]
        return found[: query.limit]

    async def adoptions(self) -> Sequence[Adoption]:
        return [self._adopted[name] for name in sorted(self._adopted)]

    async def adopt(self, adoption: Adoption) -> None:
        self._adopted[adoption.service] = adoption


class MemoryRiskStore:
    """See ports.EssStore and, as `losses`, ports.LossStore. Set `broken` to make every write fail."""

    def __init__(self) -> None:
        self.latch: Latch | None = None
        self.trips: list[Latch] = []
        self.resets: list[ResetRecord] = []
        self.losses = MemoryLossStore()
        self.standing = Standing(epoch=0)
        self.alerts: dict[str, str] = {}
        self.tried: list[Attempt] = []
        self.heartbeat_ms = 0
        self.broken = False

    async def load(self) -> Latch | None:
        return self.latch

    async def save(self, latch: Latch) -> None:
        self._write()
        self.latch = latch

    async def trip(self, latch: Latch) -> None:
        self._write()
        self.latch = latch
        self.trips.append(latch)

    async def reset(
        self, latch: Latch, record: ResetRecord, figures: Callable[[], tuple[EquityFigures, TradeFigures]]
    ) -> None:
        self._write()
        self.latch = latch
        self.resets.append(record)
        self.losses.equity, self.losses.trades = figures()

    async def load_standing(self) -> tuple[Standing, Mapping[str, str]]:
        return self.standing, self.alerts

    async def save_healthy_ms(self, epoch: int, ms: int) -> None:
        self._write()
        trades = self.standing.clean_trades if self.standing.epoch == epoch else 0
        self.standing = Standing(epoch=epoch, healthy_ms=ms, clean_trades=trades)

    async def record(self, attempt: Attempt, *, heartbeat_ms: int) -> None:
        self._write()
        self.tried.append(replace(attempt, sequence=len(self.tried) + 1))
        self.heartbeat_ms = heartbeat_ms or self.heartbeat_ms

    async def attempts(self, action: str, limit: int) -> Sequence[Attempt]:
        return [attempt for attempt in reversed(self.tried) if action in ("", attempt.action)][:limit]

    async def last_heartbeat_ms(self) -> int:
        return self.heartbeat_ms

    async def save_heartbeat(self, at_ms: int) -> None:
        self._write()
        self.heartbeat_ms = at_ms

    def _write(self) -> None:
        if self.broken:
            raise OSError("no space left on device")


class MemoryLossStore:
    """See ports.LossStore."""

    def __init__(self) -> None:
        self.equity = EquityFigures()
        self.trades = TradeFigures()

    async def load(self) -> tuple[EquityFigures, TradeFigures]:
        return self.equity, self.trades

    async def save_equity(self, newest: Callable[[], EquityFigures]) -> None:
        self.equity = newest()
