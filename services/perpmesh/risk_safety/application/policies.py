"""Read and change policies: typed, ranged, audited, by compare-and-set on the store's revision."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from perpmesh.kernel.errors import Invalid, NotFound, Stale
from perpmesh.kernel.time import Clock
from perpmesh.risk_safety.application.ports import HistoryQuery, PolicyStore, PolicyTransaction
from perpmesh.risk_safety.domain.policy import PolicySpec, PolicyValue, RawValue, stored
from perpmesh.risk_safety.domain.policy_catalogue import CATALOGUE
from perpmesh.risk_safety.domain.policy_history import Difference, Values, differences, values_at
from perpmesh.risk_safety.domain.policy_records import Adoption, Change, Setting
from perpmesh.risk_safety.domain.profiles import PROFILES, Profile

OURSELVES = "risk_safety"
HISTORY_DEFAULT = 100
EVERYTHING = HistoryQuery()
DEFAULTS: Values = {key: spec.default for key, spec in CATALOGUE.items()}
OWNERS = sorted({spec.owner for spec in CATALOGUE.values()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy with its value now."""

    spec: PolicySpec
    value: PolicyValue
    setting: Setting | None  # None: nobody set it, it is the default


@dataclass(frozen=True, slots=True, kw_only=True)
class Warrant:
    """On whose word policies change, why, and from which revision."""

    expected_revision: int | None  # None: no check
    actor: str
    reason: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyUpdate(Warrant):
    """What a caller wants changed."""

    key: str
    raw: RawValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What differs between two revisions; `right` is the newest when a profile stands there."""

    left: int
    right: int
    differences: Sequence[Difference]


def spec_of(key: str) -> PolicySpec:
    """Return the catalogue's row; raise NotFound (UNKNOWN_POLICY) when there is none."""
    try:
        return CATALOGUE[key]
    except KeyError:
        raise NotFound(f"no policy is called {key}", reason="UNKNOWN_POLICY", field="key") from None


def profile_of(name: str, *, field: str = "name") -> Profile:
    """Return a profile; raise NotFound (UNKNOWN_PROFILE), saying which there are, when there is none of that name."""
    try:
        return PROFILES[name]
    except KeyError:
        known = ", ".join(PROFILES)
        raise NotFound(
            f"no profile is called {name[:60]}; there are {known}", reason="UNKNOWN_PROFILE", field=field
        ) from None


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

    def values(self) -> Values:
        """Return every value that holds now."""
        return {key: self.get(key).value for key in CATALOGUE}

    def decimal(self, key: str) -> Decimal:
        return Decimal(self.get(key).value)

    def integer(self, key: str) -> int:
        return int(self.get(key).value)

    def text(self, key: str) -> str:
        return str(self.get(key).value)

    # Changes.

    async def update(self, update: PolicyUpdate) -> Change:
        """Make one change durable and return it; a repeat of its request returns the first change.

        Raises:
            NotFound: no policy has that key.
            Invalid: the value is of the wrong type or out of range.
            Stale: the store has moved on since the caller read it.
        """
        value = spec_of(update.key).parse(update.raw)
        (change,) = await self._change(update, {update.key: value}, even_if_same=True)
        return change

    async def apply_profile(self, name: str, warrant: Warrant) -> Sequence[Change]:
        """Set every policy of a profile in one revision, and return what changed: nothing when all had its values.

        Raises:
            NotFound: no profile is called that.
            Stale: the store has moved on since the caller read it.
        """
        return await self._change(warrant, profile_of(name).values, source=f"profile {name}")

    async def roll_back(self, revision: int, warrant: Warrant) -> Sequence[Change]:
        """Give every policy the value it had at `revision`, in one new revision, and return what changed.

        Raises:
            NotFound: the store never had that revision.
            Invalid: a value of then is none that its policy takes now; nothing was changed.
            Stale: the store has moved on since the caller read it.
        """
        values = {key: _taken_now(key, value) for key, value in (await self._at(revision, "to_revision")).items()}
        return await self._change(warrant, values, source=f"rollback to {revision}")

    async def _change(
        self, warrant: Warrant, values: Values, *, source: str = "", even_if_same: bool = False
    ) -> Sequence[Change]:
        async with self._store.changing() as tx:
            if warrant.request_id and (earlier := await tx.changes_of_request(warrant.request_id)):
                return earlier
            changes = await self._next(tx, warrant, values, source=source)
            changes = [change for change in changes if even_if_same or change.old != change.new]
            if changes:
                await tx.record(changes)
        self._take(changes)
        return changes

    async def _next(self, tx: PolicyTransaction, warrant: Warrant, values: Values, *, source: str) -> list[Change]:
        revision = await tx.revision()
        if warrant.expected_revision not in (None, revision):
            raise Stale(
                f"the store is at revision {revision}, not {warrant.expected_revision}: read it again",
                reason="STALE_REVISION",
                field="expected_revision",
                metadata={"revision": str(revision)},
            )
        now = self._clock.now_ms()
        settings = {key: await tx.setting(key) for key in values}
        return [
            Change(
                revision=revision + 1, key=key, old=setting.value if setting else spec_of(key).default,
                new=values[key], actor=warrant.actor, reason=warrant.reason, at_ms=now,
                request_id=warrant.request_id, source=source,
            )
            for key, setting in sorted(settings.items())
        ]  # fmt: skip

    def _take(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self._settings[change.key] = Setting(
                key=change.key, value=change.new, revision=change.revision, actor=change.actor, at_ms=change.at_ms
            )
            self.revision = max(self.revision, change.revision)

    # What was, and who runs what.

    async def history(self, key: str, limit: int, *, before: int = 0, actor: str = "") -> Sequence[Change]:
        """Return the audit of one policy, or of all when `key` is empty, newest first; `before` pages through it."""
        if key:
            spec_of(key)
        query = HistoryQuery(key=key, limit=limit or HISTORY_DEFAULT, before=before, actor=actor)
        return await self._store.history(query)

    async def diff(self, left: int | None, right: int | None, profile: str = "") -> Comparison:
        """Compare two revisions: `left` is the defaults when None (the newest, for a profile), `right` the newest.

        Raises:
            NotFound: the store never had such a revision; no profile is called that.
            Invalid: both a right revision and a profile are named.
        """
        if profile:
            return await self._against(profile_of(profile, field="profile"), left, right)
        left = left or 0
        right = self.revision if right is None else right
        found = differences(await self._at(left, "from_revision"), await self._at(right, "to_revision"))
        return Comparison(left=left, right=right, differences=found)

    async def _against(self, profile: Profile, left: int | None, right: int | None) -> Comparison:
        if right is not None:
            raise Invalid(
                "a profile stands in the place of to_revision: name one of them",
                reason="INVALID_FIELD",
                field="profile",
            )
        left = self.revision if left is None else left
        found = differences(await self._at(left, "from_revision"), profile.values)
        return Comparison(left=left, right=self.revision, differences=found)

    async def _at(self, revision: int, field: str) -> Values:
        if not 0 <= revision <= self.revision:
            raise NotFound(
                f"there is no revision {revision}: the newest is {self.revision}",
                reason="UNKNOWN_REVISION",
                field=field,
            )
        if revision == self.revision != 0:
            return self.values()
        return values_at(revision, await self._store.history(EVERYTHING) if revision else (), DEFAULTS)

    def is_active(self, profile: Profile) -> bool:
        """Whether every policy of a profile has its value now."""
        return all(self.get(key).value == value for key, value in profile.values.items())

    async def adoptions(self) -> Sequence[Adoption]:
        return await self._store.adoptions()

    def waiting_for(self, adoptions: Sequence[Adoption]) -> list[str]:
        """Return the owners of policies that have not said that they run the newest revision."""
        current = {adoption.service for adoption in adoptions if adoption.revision >= self.revision}
        return [owner for owner in OWNERS if owner not in current]


def _taken_now(key: str, value: PolicyValue) -> PolicyValue:
    """Return a value of the past as its policy takes it now: a range may have narrowed since."""
    return spec_of(key).parse(value if isinstance(value, bool) else stored(value))
