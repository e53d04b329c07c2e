"""Hand out a model's artifact, whole or not at all."""

from perpmesh.rl_training.application.ports import Artifacts, Registered, Registry


class FetchModel:
    """Reads an artifact and checks it against its hash."""

    def __init__(self, registry: Registry, artifacts: Artifacts) -> None:
        self._registry = registry
        self._artifacts = artifacts

    async def __call__(self, model_id: str) -> tuple[Registered, bytes] | None:
        """Return the named model, or for an empty name the one that serves; None when none does."""
        found = await (self._registry.get(model_id) if model_id else self._registry.serving())
        return None if found is None else (found, await self._artifacts.read(found.model))
