"""Whether an operator is there, and the record of everything that was tried."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from perpmesh.kernel.time import MS_PER_SECOND, Clock
from perpmesh.risk_safety.application.policies import PolicyBook
from perpmesh.risk_safety.application.ports import OperatorStore
from perpmesh.risk_safety.domain import policy_catalogue as keys
from perpmesh.risk_safety.domain.attempts import DONE, Attempt, harmless

OPERATOR, SERVICE = "operator", "service"
ATTEMPTS_DEFAULT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """When an operator was last heard of, wall clock (0: never), and whether that is too long ago."""

    heard_at_ms: int
    silent: bool


class Operators:
    """The dead man's switch, and the audit. Call `open` first."""

    def __init__(self, store: OperatorStore, policies: PolicyBook, clock: Clock) -> None:
        self._store = store
        self._policies = policies
        self._clock = clock
        self._heard_at_ms = 0
        self._heard_boot_ms: int | None = None

    async def open(self) -> None:
        """Recall when an operator was last heard of. A clock that was set back in between makes it unknown."""
        self._heard_at_ms = await self._store.last_heartbeat_ms()
        age = self._clock.now_ms() - self._heard_at_ms
        self._heard_boot_ms = self._clock.boot_ms() - age if self._heard_at_ms and age >= 0 else None

    @property
    def good_for_ms(self) -> int:
        """How long after a heartbeat entries go on; 0: no heartbeat is asked for."""
        return self._policies.integer(keys.OPERATOR_HEARTBEAT_S) * MS_PER_SECOND

    def hearing(self) -> Hearing:
        limit = self.good_for_ms
        heard = self._heard_boot_ms
        silent = limit > 0 and (heard is None or self._clock.boot_ms() - heard > limit)
        return Hearing(heard_at_ms=self._heard_at_ms, silent=silent)

    async def heard(self) -> None:
        """An operator is there."""
        self._note()
        await self._store.save_heartbeat(self._heard_at_ms)

    def _note(self) -> None:
        self._heard_at_ms, self._heard_boot_ms = self._clock.now_ms(), self._clock.boot_ms()

    async def attempted(self, attempt: Attempt) -> None:
        """Remember an attempt; what an operator has done says that it is there."""
        asked = {key: harmless(value) for key, value in attempt.asked.items()}
        line = replace(attempt, asked=asked, message=harmless(attempt.message), at_ms=self._clock.now_ms())
        is_heartbeat = line.role == OPERATOR and line.outcome == DONE
        if is_heartbeat:
            self._note()
        await self._store.record(line, heartbeat_ms=self._heard_at_ms if is_heartbeat else 0)

    async def attempts(self, action: str, limit: int) -> Sequence[Attempt]:
        """Return attempts, of one action or of all when it is empty, newest first."""
        return await self._store.attempts(action, limit or ATTEMPTS_DEFAULT)
