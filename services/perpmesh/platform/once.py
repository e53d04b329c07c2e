"""A request that acts is done once: a repeat of its request_id gets the first answer, whoever asks and whenever."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

import sqlalchemy as sa
from google.protobuf.message import Message

from perpmesh.kernel.errors import Invalid
from perpmesh.kernel.time import Clock
from perpmesh.platform.database import Database, requests, upsert

M = TypeVar("M", bound=Message)
RETAINED_MS = 7 * 24 * 3_600_000


class Once:
    """Remembers answers by (method, request_id). Two calls with one id at the same time do the work once."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}

    async def __call__(self, method: str, request: Message, answer: type[M], act: Callable[[], Awaitable[M]]) -> M:
        """Return the remembered answer, or `act`, remember and return its answer. Errors are not remembered.

        Raises:
            Invalid: the request_id was used before with another request (reason REQUEST_ID_REUSED).
        """
        request_id = str(getattr(request, "request_id", ""))
        if not request_id:
            return await act()
        lock = self._locks.setdefault((method, request_id), asyncio.Lock())
        try:
            async with lock:
                if known := await self._find(method, request_id, _fingerprint(request)):
                    return answer.FromString(known)
                response = await act()
                await self._remember(method, request_id, _fingerprint(request), response)
                return response
        finally:
            if not lock.locked():
                self._locks.pop((method, request_id), None)

    async def _find(self, method: str, request_id: str, fingerprint: str) -> bytes | None:
        query = sa.select(requests).where(requests.c.method == method, requests.c.request_id == request_id)
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            return None
        if row.fingerprint != fingerprint:
            raise Invalid(
                f"request_id {request_id} was used before, for another {method}",
                reason="REQUEST_ID_REUSED",
                field="request_id",
            )
        return bytes(row.response)

    async def _remember(self, method: str, request_id: str, fingerprint: str, response: Message) -> None:
        now = self._clock.now_ms()
        async with self._database.transaction() as tx:
            await tx.execute(sa.delete(requests).where(requests.c.created_ms < now - RETAINED_MS))
            await upsert(
                tx, requests, method=method, request_id=request_id, fingerprint=fingerprint,
                response=response.SerializeToString(), created_ms=now,
            )  # fmt: skip


def _fingerprint(request: Message) -> str:
    return hashlib.sha256(request.SerializeToString(deterministic=True)).hexdigest()
