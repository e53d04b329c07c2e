"""The promoted model: served when it fits, refused when it does not, changed without a restart."""

import asyncio
import hashlib
import io

import numpy as np
import pytest
from tests.adapters.ai_engine.conftest import living
from tests.unit.ai_engine.builders import bars_of, rising

from perpmesh.ai_engine.adapters.model_client import ModelClient, serving_of
from perpmesh.ai_engine.domain.sizing import BASELINE
from perpmesh.features import FEATURE_NAMES, SCHEMA_HASH
from perpmesh.platform import grpc_client
from perpmesh_api.ai_engine.v1 import decision_service_pb2 as pb
from perpmesh_api.common.v1 import trading_pb2
from perpmesh_api.rl_training.v1.model_registry_service_pb2 import FetchModelResponse, Model

WIDTH = len(FEATURE_NAMES)


def promoted(bias=0.0, schema=SCHEMA_HASH, width=WIDTH, **changes) -> FetchModelResponse:
    """A model of one layer whose answer is sigmoid(bias) for whatever it sees."""
    file = io.BytesIO()
    np.savez(
        file, schema_hash=np.array(schema), version=np.array("v1"), obs_mean=np.zeros(width), obs_std=np.ones(width),
        w0=np.zeros((1, width)), b0=np.array([bias]), activation=np.array("tanh"), output=np.array("sigmoid"),
    )  # fmt: skip
    artifact = file.getvalue()
    known = {"model_id": "m1", "content_hash": hashlib.sha256(artifact).hexdigest()}
    return FetchModelResponse(model=Model(**{**known, **changes}), artifact=artifact)


def test_a_model_that_fits_is_served():
    assert serving_of(promoted()).name == "m1"


@pytest.mark.parametrize(
    "answer",
    [FetchModelResponse(), promoted(schema="another"), promoted(width=3), promoted(content_hash="0" * 64)],
    ids=["none promoted", "another schema", "another width", "another hash"],
)
def test_a_model_that_does_not_fit_leaves_the_volatility_target_alone(answer):
    assert serving_of(answer).name == BASELINE


async def test_another_model_serves_as_soon_as_it_is_told_of(world):
    async with grpc_client.channel(world.settings.address("rl_training")) as channel:
        client = ModelClient(channel)
        keeping = asyncio.create_task(client.keep_current())
        await asyncio.wait_for(world.registry.asked.get(), 10)
        assert client.serving.name == BASELINE
        world.registry.answer = promoted()
        client.another()
        await asyncio.wait_for(world.registry.asked.get(), 10)
        while client.serving.name != "m1":
            await asyncio.sleep(0.01)
        keeping.cancel()


async def test_a_promoted_model_scales_the_size(world):
    bars = bars_of(rising(430, slope=0.0003) + np.random.default_rng(4).normal(0, 200, 430))
    for symbol in ("BTCUSDT", "ETHUSDT"):
        world.market.past(symbol, bars)
    request = pb.SizePositionRequest(symbol="BTCUSDT", side=trading_pb2.SIDE_BUY)
    sizes = []
    for world.registry.answer in (FetchModelResponse(), promoted(bias=-3.0)):
        async with living(world) as engine:
            await asyncio.wait_for(world.registry.asked.get(), 10)
            serving = world.registry.answer.model.model_id
            while (await engine.api.GetStrategy(pb.GetStrategyRequest())).model_id != serving:
                await asyncio.sleep(0.01)
            sizes.append(await engine.api.SizePosition(request))
    assert [size.model_id for size in sizes] == [BASELINE, "m1"]
    assert float(sizes[1].notional) < 0.2 * float(sizes[0].notional)
