"""What the safety core asks of the world."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from perpmesh.risk_safety.domain.policy_records import Adoption, Change, Setting


class PolicyTransaction(Protocol):
    """One change of the PolicyStore: all of it becomes durable, with its events, or none."""

    async def revision(self) -> int:
        """Return the newest revision; 0 when nothing was ever set."""
        ...

    async def setting(self, key: str) -> Setting | None: ...

    async def change_of_request(self, request_id: str) -> Change | None:
        """Return the change that this request made, if it made one."""
        ...

    async def record(self, change: Change) -> None:
        """Write the setting, its audit line, the event policy.updated, and our own adoption of it."""
        ...


class PolicyStore(Protocol):
    """Where policies are kept."""

    def changing(self) -> AbstractAsyncContextManager[PolicyTransaction]: ...

    async def everything(self) -> tuple[Mapping[str, Setting], int]:
        """Return all settings by key, and the newest revision."""
        ...

    async def history(self, key: str, limit: int) -> Sequence[Change]:
        """Return changes of `key`, or of all keys when it is empty, newest first."""
        ...

    async def adoptions(self) -> Sequence[Adoption]: ...

    async def adopt(self, adoption: Adoption) -> None:
        """Write that we ourselves run this revision, and tell the others."""
        ...
