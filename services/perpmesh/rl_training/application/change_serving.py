"""Say which model serves: promote one, or go back to the one before."""

from collections.abc import Sequence

from perpmesh.kernel.time import Clock
from perpmesh.rl_training.application.ports import Artifacts, Registered, Registry
from perpmesh.rl_training.domain.model import Entry, Serving, Turn


class PromoteModel:
    """Makes a model the one that serves, if its artifact is whole and it knows the features that are served."""

    def __init__(self, registry: Registry, artifacts: Artifacts, clock: Clock, *, schema_hash: str) -> None:
        self._registry = registry
        self._artifacts = artifacts
        self._clock = clock
        self._schema_hash = schema_hash

    async def __call__(self, model_id: str, *, actor: str, reason: str, request_id: str = "") -> Registered:
        """Return the model that serves now. Raise NotFound, or Refused (SCHEMA_MISMATCH, MODEL_DAMAGED)."""
        found = await self._registry.get(model_id)
        found.model.must_match(self._schema_hash)
        await self._artifacts.read(found.model)
        entry = Entry(
            turn=Turn.PROMOTED, model_id=model_id, at_ms=self._clock.now_ms(),
            actor=actor, reason=reason, request_id=request_id,
        )  # fmt: skip
        await self._registry.enter(lambda log: _promotion(log, entry))
        return await self._registry.get(model_id)


class RollBackModel:
    """Makes the model before serve again, or none when there was none."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock

    async def __call__(self, *, actor: str, reason: str, request_id: str = "") -> Registered | None:
        """Return the model that serves now. Raise Refused (NOTHING_PROMOTED) when none did."""

        def write(log: Sequence[Entry]) -> Entry | None:
            if _written(log, request_id):
                return None  # done before a crash that forgot the answer
            return Entry(
                turn=Turn.ROLLED_BACK, model_id=Serving.of(log).roll_back().model_id, at_ms=self._clock.now_ms(),
                actor=actor, reason=reason, request_id=request_id,
            )  # fmt: skip

        return await self._registry.enter(write)


def _promotion(log: Sequence[Entry], entry: Entry) -> Entry | None:
    serves = Serving.of(log).model_id == entry.model_id
    return None if serves or _written(log, entry.request_id) else entry


def _written(log: Sequence[Entry], request_id: str) -> bool:
    return bool(request_id) and any(entry.request_id == request_id for entry in log)
