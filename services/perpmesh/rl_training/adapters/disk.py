"""Artifacts on disk, a folder per model, checked against their hash whenever they are read."""

import asyncio
import json
import os
from dataclasses import asdict
from pathlib import Path

from perpmesh.kernel.errors import Refused
from perpmesh.rl_training.domain.model import Model

ARTIFACT = "model.npz"
CARD = "model.json"


class DiskArtifacts:
    """`<folder>/<model id>/model.npz`, and beside it what is known about it as JSON, for people."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def keep(self, model: Model, artifact: bytes) -> None:
        await asyncio.to_thread(self._keep, model, artifact)

    async def read(self, model: Model) -> bytes:
        return await asyncio.to_thread(self._read, model)

    def _keep(self, model: Model, artifact: bytes) -> None:
        home = self._folder / model.model_id
        home.mkdir(parents=True, exist_ok=True)
        path = home / ARTIFACT
        if path.exists() and model.is_made_of(path.read_bytes()):
            return  # the same weights were learnt before
        _write_durably(home / CARD, json.dumps(card(model), indent=2, sort_keys=True).encode())
        _write_durably(path, artifact)

    def _read(self, model: Model) -> bytes:
        path = self._folder / model.model_id / ARTIFACT
        artifact = path.read_bytes() if path.exists() else b""
        if not model.is_made_of(artifact):
            raise Refused(
                f"the artifact of model {model.model_id} is missing or not what was registered",
                reason="MODEL_DAMAGED",
                field="model_id",
            )
        return artifact


def card(model: Model) -> dict[str, object]:
    """Return what is known about a model, for model.json."""
    return {"model_id": model.model_id, **asdict(model)}


def _write_durably(path: Path, content: bytes) -> None:
    """Write beside it, flush, then rename: after a crash there is the old file or the new one, nothing between."""
    fresh = path.with_suffix(path.suffix + ".new")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
