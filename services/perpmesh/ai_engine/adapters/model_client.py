"""The promoted sizing model, fetched from the registry at start and whenever another one serves."""

import asyncio
import hashlib
from typing import Any

import grpc

from perpmesh.ai_engine.domain.sizing import FullSize, SizingPolicy
from perpmesh.features import FEATURE_NAMES, SCHEMA_HASH, FeatureVector
from perpmesh.features.mlp import BadArtifact, Mlp, load
from perpmesh.platform import telemetry
from perpmesh_api.rl_training.v1 import model_registry_service_pb2 as pb
from perpmesh_api.rl_training.v1 import model_registry_service_pb2_grpc as rpc

log = telemetry.log(__name__)
TIMEOUT_SECONDS = 10.0


class TrainedSize:
    """A promoted model. See domain.sizing.SizingPolicy."""

    def __init__(self, model_id: str, model: Mlp) -> None:
        self.name = model_id
        self._model = model

    def multiplier(self, features: FeatureVector) -> float:
        return self._model.multiplier(features.values)


class ModelClient:
    """See ports.Models. A model that cannot be served is refused, and the volatility target sizes alone."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: Any = rpc.ModelRegistryServiceStub(channel)
        self._another = asyncio.Event()
        self._serving: SizingPolicy = FullSize()

    @property
    def serving(self) -> SizingPolicy:
        return self._serving

    def another(self) -> None:
        """Say that another model may serve."""
        self._another.set()

    async def keep_current(self) -> None:
        """Fetch the promoted model, and again whenever told; run it inside `forever`."""
        while True:
            self._another.clear()
            answer = await self._stub.FetchModel(pb.FetchModelRequest(), wait_for_ready=True, timeout=TIMEOUT_SECONDS)
            self._serving = serving_of(answer)
            log.info("sizing", by=self._serving.name)
            await self._another.wait()


def serving_of(answer: pb.FetchModelResponse) -> SizingPolicy:
    """Return the policy an answer of the registry means."""
    model_id = answer.model.model_id
    if not model_id or not answer.artifact:
        return FullSize()
    try:
        return TrainedSize(model_id, _checked(answer))
    except BadArtifact as error:
        log.warning("model refused", model=model_id, reason=str(error))
        return FullSize()


def _checked(answer: pb.FetchModelResponse) -> Mlp:
    found = hashlib.sha256(answer.artifact).hexdigest()
    if found != answer.model.content_hash:
        raise BadArtifact(f"its content hash is {found[:16]}, the registry says {answer.model.content_hash[:16]}")
    model = load(answer.artifact)
    if model.schema_hash != SCHEMA_HASH:
        raise BadArtifact(f"it was trained on feature schema {model.schema_hash}, this is {SCHEMA_HASH}")
    if model.inputs != len(FEATURE_NAMES):
        raise BadArtifact(f"it wants {model.inputs} inputs, there are {len(FEATURE_NAMES)} features")
    return model
