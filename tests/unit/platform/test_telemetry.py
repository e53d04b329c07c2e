"""Logs carry the trace and never a secret."""

import json
from collections.abc import Iterator

import pytest
import structlog

from perpmesh.platform import telemetry


@pytest.fixture(autouse=True)
def afresh() -> Iterator[None]:
    """A logger writes where standard output was when it was set up; here that is gone after the test."""
    yield
    structlog.reset_defaults()


SECRETS = {
    "api_secret": "hunter2", "token": "hunter2", "url": "/order?symbol=X&signature=hunter2", "authorization": "Bearer hunter2",
    "listen_key": "hunter2", "note": "ws?listenKey=hunter2",
}  # fmt: skip


def test_no_secret_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.set_up("test")
    telemetry.log("x").info("said", **SECRETS)
    printed = capsys.readouterr().out
    assert "hunter2" not in printed
    assert json.loads(printed)["event"] == "said"


def test_a_span_goes_on_under_the_trace_it_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.set_up("test")
    with telemetry.span("first"):
        parent, trace = telemetry.traceparent(), telemetry.current_trace_id()
    assert telemetry.current_trace_id() == ""
    with telemetry.span("second", traceparent=parent):
        assert telemetry.current_trace_id() == trace
        telemetry.log("x").info("inside")
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["trace_id"] == trace
    assert telemetry.trace_id_of(parent) == trace
