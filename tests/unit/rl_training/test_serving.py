"""Which model serves follows from the log alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpmesh.kernel.errors import Refused
from perpmesh.rl_training.domain.model import Entry, Model, Serving, Turn, content_hash

MODEL_IDS = st.sampled_from(["a", "b", "c"])


def test_rolling_back_leads_to_the_model_before_then_to_none() -> None:
    serving = Serving().promote("a").promote("b")
    assert serving.roll_back().model_id == "a"
    assert serving.roll_back().roll_back().model_id == ""


def test_there_is_nothing_to_roll_back_when_nothing_was_promoted() -> None:
    with pytest.raises(Refused) as refusal:
        Serving().roll_back()
    assert refusal.value.reason == "NOTHING_PROMOTED"


@given(before=st.lists(MODEL_IDS), model_id=MODEL_IDS)
def test_a_rollback_undoes_exactly_one_promotion(before: list[str], model_id: str) -> None:
    serving = Serving()
    for one in before:
        serving = serving.promote(one)
    after = serving.promote(model_id)
    assert after.model_id == model_id
    assert after == serving or after.roll_back() == serving


@given(steps=st.lists(st.one_of(MODEL_IDS, st.none()), max_size=30))
def test_the_log_and_the_steps_tell_the_same_story(steps: list[str | None]) -> None:
    serving, log = Serving(), []
    for model_id in steps:
        if model_id is None and not serving.stack:
            continue
        serving = serving.roll_back() if model_id is None else serving.promote(model_id)
        turn = Turn.ROLLED_BACK if model_id is None else Turn.PROMOTED
        log.append(Entry(turn=turn, model_id=serving.model_id, at_ms=1, actor="", reason=""))
    assert Serving.of(log) == serving


def test_a_model_of_other_features_is_refused() -> None:
    model = Model(
        content_hash=content_hash(b"x"), job_id="j", feature_schema_hash="old", data_hash="d", code_version="v",
        seed=0, total_steps=1, evaluations=(), created_at_ms=1,
    )  # fmt: skip
    model.must_match("old")
    with pytest.raises(Refused) as refusal:
        model.must_match("new")
    assert refusal.value.reason == "SCHEMA_MISMATCH"
