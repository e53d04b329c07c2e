"""A trained policy as bytes: an .npz that any process with numpy can run, the same bytes for the same weights."""

import io
import zipfile
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from perpmesh.rl_training.domain.market import Floats

VERSION = "sizing-ppo/1"
DAWN_OF_ZIP = (1980, 1, 1, 0, 0, 0)  # no real date: equal weights must be equal bytes


def pack(*, schema_hash: str, mean: Floats, std: Floats, layers: Sequence[tuple[NDArray[np.float64], Floats]]) -> bytes:
    """Return the artifact of a perceptron; weights are [out, in], as perpmesh.features.mlp reads them."""
    arrays: dict[str, NDArray[np.generic]] = {
        "schema_hash": np.array(schema_hash),
        "version": np.array(VERSION),
        "obs_mean": np.asarray(mean, dtype=np.float64),
        "obs_std": np.asarray(std, dtype=np.float64),
        "activation": np.array("tanh"),
        "output": np.array("sigmoid multiplier in [0,1]"),
    }
    for number, (weights, bias) in enumerate(layers):
        arrays[f"w{number}"] = np.asarray(weights, dtype=np.float64)
        arrays[f"b{number}"] = np.asarray(bias, dtype=np.float64)
    return _zipped(arrays)


def _zipped(arrays: Mapping[str, NDArray[np.generic]]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            one = io.BytesIO()
            np.lib.format.write_array(one, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", DAWN_OF_ZIP), one.getvalue())
    return whole.getvalue()
