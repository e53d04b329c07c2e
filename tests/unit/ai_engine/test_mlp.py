"""The served perceptron: the same numbers as its definition, and no artifact that does not fit."""

import io

import numpy as np
import pytest

from perpmesh.features.mlp import BadArtifact, load


def packed(**changes) -> bytes:
    chance = np.random.default_rng(2)
    arrays = {
        "schema_hash": np.array("abc"), "version": np.array("v1"), "obs_mean": chance.normal(size=3),
        "obs_std": np.array([1.0, 2.0, 0.5]), "w0": chance.normal(size=(4, 3)), "b0": chance.normal(size=4),
        "w1": chance.normal(size=(1, 4)), "b1": chance.normal(size=1), "activation": np.array("tanh"),
        "output": np.array("sigmoid multiplier in [0,1]"), **changes,
    }  # fmt: skip
    file = io.BytesIO()
    np.savez(file, **{name: array for name, array in arrays.items() if array is not None})
    return file.getvalue()


def test_it_computes_what_a_perceptron_is_defined_to_compute():
    with np.load(io.BytesIO(packed())) as a:
        seen = np.array([0.3, -1.0, 2.0])
        hidden = np.tanh(a["w0"] @ ((seen - a["obs_mean"]) / a["obs_std"]) + a["b0"])
        expected = 1.0 / (1.0 + np.exp(-(a["w1"] @ hidden + a["b1"])[0]))
    model = load(packed())
    assert model.multiplier(seen) == pytest.approx(expected, rel=1e-12)
    assert (model.schema_hash, model.version, model.inputs) == ("abc", "v1", 3)


def test_it_stays_within_bounds_however_far_its_input_is():
    model = load(packed())
    for scale in (1e-300, 1.0, 1e12):
        assert 0.0 <= model.multiplier(np.array([scale, -scale, scale])) <= 1.0


@pytest.mark.parametrize(
    "change",
    [
        {"w1": None}, {"obs_mean": None}, {"schema_hash": None}, {"w0": np.ones((4, 5))}, {"w1": np.ones((2, 4))},
        {"obs_std": np.zeros(3)}, {"b0": np.array([np.nan] * 4)}, {"activation": np.array("relu")},
        {"obs_mean": np.array(["a", "b", "c"])}, {"w0": np.array([object()] * 3, dtype=object)},
    ],
)  # fmt: skip
def test_an_artifact_that_does_not_fit_is_refused(change):
    with pytest.raises(BadArtifact):
        load(packed(**change))


@pytest.mark.parametrize("rubbish", [b"", b"PK\x03\x04 not really", b"\x80\x04N."])
def test_rubbish_is_refused(rubbish):
    with pytest.raises(BadArtifact):
        load(rubbish)
