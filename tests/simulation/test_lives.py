"""Many seeded lives of the mesh in virtual time, with faults and kills; the exchange says what happened in them."""

import os
import subprocess
import sys

import pytest

LIVES, PARTS = 200, 4


def simulate(*arguments: str, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    """Run it as `make simulate` does, in a process of its own."""
    command = [sys.executable, "-m", "perpmesh.testing.simulation", *arguments]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_lost_doubled_unprotected_or_let_through(part: int):
    each = LIVES // PARTS
    done = simulate("--seeds", str(each), "--first", str(part * each))
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-2_000:]


def test_a_seed_tells_the_same_life_in_another_process():
    first, second = simulate("--replay", "111", hash_seed="1"), simulate("--replay", "111", hash_seed="2")
    assert "execution is killed" in first.stdout
    assert first.stdout == second.stdout
