"""Waiting and checking tokens, the real ones."""

import asyncio
import contextlib

from perpmesh.kernel.errors import Unauthenticated
from perpmesh.platform.identity import Keyring
from perpmesh.risk_safety.application.ports import Signatory


class LoopAlarm:
    """See ports.Alarm. After a suspend it rings late, never early; whoever waited looks at the boot clock again."""

    async def wait(self, changed: asyncio.Event, ms: int) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), ms / 1000)


class KeyringSignatures:
    """See ports.Signatures."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def verify(self, token: str, *, field: str) -> Signatory:
        try:
            identity = self._keyring.verify(token, field=field)
        except FileNotFoundError:
            raise Unauthenticated(
                "this mesh has no signing key, so no token can hold", reason="BAD_TOKEN", field=field
            ) from None
        return Signatory(subject=identity.subject, role=identity.role.value)
