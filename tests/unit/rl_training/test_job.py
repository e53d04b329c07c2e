"""A job goes through its life in one direction."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpmesh.kernel.errors import Refused
from perpmesh.rl_training.domain.job import Child, Job, JobStatus

STEPS: dict[str, Callable[[Job], Job]] = {
    "begun": lambda job: job.begun(2),
    "trained_by": lambda job: job.trained_by(Child(pid=7, started_at=1.0)),
    "progressed": lambda job: job.progressed(5, -0.1),
    "succeeded": lambda job: job.succeeded("m", 3),
    "failed": lambda job: job.failed("why", 3),
    "canceled": lambda job: job.canceled(3),
}


def queued() -> Job:
    return Job(job_id="j", total_steps=10, seed=0, created_at_ms=1)


@given(names=st.lists(st.sampled_from(sorted(STEPS)), max_size=8))
def test_an_ended_job_stays_as_it_ended(names: list[str]) -> None:
    job = queued()
    for name in names:
        try:
            after = STEPS[name](job)
        except Refused:
            continue
        assert not job.status.final
        assert after.completed_steps >= job.completed_steps
        job = after
    assert (job.finished_at_ms > 0) == job.status.final
    assert (job.model_id != "") == (job.status is JobStatus.SUCCEEDED)
    assert not (job.status.final and job.child)


def test_a_job_that_waits_has_no_progress() -> None:
    with pytest.raises(Refused) as refusal:
        queued().progressed(1, 0.0)
    assert refusal.value.reason == "JOB_QUEUED"


def test_progress_never_exceeds_what_was_asked_for() -> None:
    assert queued().begun(2).progressed(4096, 0.1).completed_steps == 10
