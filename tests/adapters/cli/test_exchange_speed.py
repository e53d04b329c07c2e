"""The speed of a replay on the command line."""

import pytest
from typer.testing import CliRunner

from perpmesh.cli.exchange import _speed
from perpmesh.cli.main import app


@pytest.mark.parametrize(("text", "speed"), [("1", 1.0), ("0.5", 0.5), ("60", 60.0), ("max", 0.0), ("0", 0.0)])
def test_a_speed_is_a_factor_or_as_fast_as_it_can(text, speed):
    assert _speed(text) == speed


@pytest.mark.parametrize("text", ["fast", "-1", "nan", "inf"])
def test_what_is_no_speed_is_refused_before_anything_starts(text):
    assert CliRunner().invoke(app, ["exchange", f"--speed={text}"]).exit_code == 2
