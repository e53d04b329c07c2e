"""The forward pass of a small trained policy, in numpy alone: who serves a model need not have what trained it."""

import io
import zipfile
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perpmesh.features.bars import Floats

ACTIVATION = "tanh"
OUTPUT = "sigmoid"  # how the artifact's word for its output begins


class BadArtifact(ValueError):
    """The bytes are no model that this code can run."""


@dataclass(frozen=True, slots=True, eq=False)
class Mlp:
    """A perceptron from an observation to a number in [0, 1]: standardise, tanh layers, one sigmoid."""

    schema_hash: str
    version: str
    mean: Floats
    std: Floats
    layers: tuple[tuple[NDArray[np.float64], Floats], ...]  # (weights [out, in], bias [out])

    @property
    def inputs(self) -> int:
        return int(self.mean.size)

    def multiplier(self, observation: Floats) -> float:
        """Return the output for one observation."""
        hidden = (np.asarray(observation, dtype=np.float64) - self.mean) / self.std
        for weights, bias in self.layers[:-1]:
            hidden = np.tanh(weights @ hidden + bias)
        weights, bias = self.layers[-1]
        return float(0.5 + 0.5 * np.tanh(0.5 * (weights @ hidden + bias)[0]))  # a sigmoid that cannot overflow


def load(artifact: bytes) -> Mlp:
    """Read an .npz with schema_hash, version, obs_mean, obs_std, w0, b0, w1, b1, …, activation and output.

    Raises:
        BadArtifact: keys are missing, shapes do not fit, numbers are not finite, or it is no .npz at all.
    """
    try:
        with np.load(io.BytesIO(artifact), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise BadArtifact("not an .npz of plain arrays") from error
    try:
        return _build(arrays)
    except KeyError as error:
        raise BadArtifact(f"{error.args[0]} is missing") from error


def _build(arrays: dict[str, NDArray[np.generic]]) -> Mlp:
    for key, expected in (("activation", ACTIVATION), ("output", OUTPUT)):
        if not str(arrays[key]).startswith(expected):
            raise BadArtifact(f"{key} is {str(arrays[key])!r}, only {expected!r} is served")
    depth = sum(1 for name in arrays if name.startswith("w"))
    layers = tuple((_numbers(arrays, f"w{i}"), _numbers(arrays, f"b{i}")) for i in range(depth))
    model = Mlp(
        str(arrays["schema_hash"]), str(arrays["version"]),
        _numbers(arrays, "obs_mean"), _numbers(arrays, "obs_std"), layers,
    )  # fmt: skip
    _check_shapes(model)
    return model


def _numbers(arrays: dict[str, NDArray[np.generic]], name: str) -> NDArray[np.float64]:
    try:
        values = arrays[name].astype(np.float64)
    except ValueError as error:
        raise BadArtifact(f"{name} holds no numbers") from error
    if not np.isfinite(values).all():
        raise BadArtifact(f"{name} holds numbers that are not finite")
    return values


def _check_shapes(model: Mlp) -> None:
    width = model.inputs
    if not model.layers or model.std.shape != model.mean.shape or not (model.std > 0).all():
        raise BadArtifact("obs_mean, obs_std and the layers do not fit together")
    for weights, bias in model.layers:
        if weights.shape != (bias.size, width):
            raise BadArtifact(f"a layer of shape {weights.shape} follows a width of {width}")
        width = bias.size
    if width != 1:
        raise BadArtifact(f"the last layer has {width} outputs, not one")
