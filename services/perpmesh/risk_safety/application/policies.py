"""Read and change policies: typed, ranged, audited, by compare-and-set on the store's revision."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from perpmesh.kernel.errors import NotFound, Stale
from perpmesh.kernel.time import Clock
from perpmesh.risk_safety.application.ports import PolicyStore, PolicyTransaction
from perpmesh.risk_safety.domain.policy import PolicySpec, PolicyValue, RawValue
from perpmesh.risk_safety.domain.policy_catalogue import CATALOGUE
from perpmesh.risk_safety.domain.policy_records import Adoption, Change, Setting

OURSELVES = "risk_safety"
HISTORY_DEFAULT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy with its value now."""

    spec: PolicySpec
    value: PolicyValue
    setting: Setting | None  # None: nobody set it, it is the default


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyUpdate:
    """What a caller wants changed."""

    key: str
    raw: RawValue
    expected_revision: int | None  # None: no check
    actor: str
    reason: str
    request_id: str


def spec_of(key: str) -> PolicySpec:
    """Return the catalogue's row; raise NotFound (UNKNOWN_POLICY) when there is none."""
    try:
        return CATALOGUE[key]
    except KeyError:
        raise NotFound(f"no policy is called {key}", reason="UNKNOWN_POLICY", field="key") from None


class PolicyBook:
    """All policies at one revision, in memory; changed only after the change is durable. Call `open` first."""

    def __init__(self, store: PolicyStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._settings: dict[str, Setting] = {}
        self.revision = 0

    async def open(self) -> None:
        """Read the store, and say that we run its newest revision."""
        settings, self.revision = await self._store.everything()
        self._settings = dict(settings)
        await self._store.adopt(Adoption(service=OURSELVES, revision=self.revision, at_ms=self._clock.now_ms()))

    def get(self, key: str) -> Policy:
        """Return one policy; raise NotFound when there is none of that name."""
        spec, setting = spec_of(key), self._settings.get(key)
        return Policy(spec=spec, value=setting.value if setting else spec.default, setting=setting)

    def all(self) -> list[Policy]:
        return [self.get(key) for key in sorted(CATALOGUE)]

    def decimal(self, key: str) -> Decimal:
        return Decimal(self.get(key).value)

    def integer(self, key: str) -> int:
        return int(self.get(key).value)

    def text(self, key: str) -> str:
        return str(self.get(key).value)

    async def update(self, update: PolicyUpdate) -> Change:
        """Make one change durable and return it; a repeat of its request returns the first change.

        Raises:
            NotFound: no policy has that key.
            Invalid: the value is of the wrong type or out of range.
            Stale: the store has moved on since the caller read it.
        """
        value = spec_of(update.key).parse(update.raw)
        async with self._store.changing() as tx:
            earlier = await tx.change_of_request(update.request_id) if update.request_id else None
            change = earlier or await self._next(tx, update, value)
            if not earlier:
                await tx.record(change)
        if not earlier:
            self._take(change)
        return change

    async def _next(self, tx: PolicyTransaction, update: PolicyUpdate, value: PolicyValue) -> Change:
        revision = await tx.revision()
        if update.expected_revision not in (None, revision):
            raise Stale(
                f"the store is at revision {revision}, not {update.expected_revision}: read it again",
                reason="STALE_REVISION",
                field="expected_revision",
                metadata={"revision": str(revision)},
            )
        setting = await tx.setting(update.key)
        return Change(
            revision=revision + 1, key=update.key, old=setting.value if setting else spec_of(update.key).default,
            new=value, actor=update.actor, reason=update.reason, at_ms=self._clock.now_ms(),
            request_id=update.request_id,
        )  # fmt: skip

    def _take(self, change: Change) -> None:
        self._settings[change.key] = Setting(
            key=change.key, value=change.new, revision=change.revision, actor=change.actor, at_ms=change.at_ms
        )
        self.revision = max(self.revision, change.revision)

    async def history(self, key: str, limit: int) -> Sequence[Change]:
        """Return the audit of one policy, or of all when `key` is empty, newest first."""
        if key:
            spec_of(key)
        return await self._store.history(key, limit or HISTORY_DEFAULT)

    async def adoptions(self) -> Sequence[Adoption]:
        return await self._store.adoptions()
