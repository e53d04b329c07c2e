"""An orphan is ended only if it is the very process we started."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from perpmesh.rl_training.adapters.child import ChildTrainer
from perpmesh.rl_training.domain.job import Child


@pytest.fixture
def stranger() -> Iterator[Any]:
    command = [sys.executable, "-c", "import signal; signal.pause()"]
    with subprocess.Popen(command) as process:
        yield process
        process.kill()


def trainer(folder: Path) -> ChildTrainer:
    return ChildTrainer(folder, lambda *_: pytest.fail("nothing is started here"))


async def test_a_process_with_an_old_number_but_another_start_is_left_alone(stranger: Any, tmp_path: Path) -> None:
    started = psutil.Process(stranger.pid).create_time()
    await trainer(tmp_path).end_orphan(Child(pid=stranger.pid, started_at=started - 60))
    assert stranger.poll() is None


async def test_the_very_process_is_ended(stranger: Any, tmp_path: Path) -> None:
    started = psutil.Process(stranger.pid).create_time()
    await trainer(tmp_path).end_orphan(Child(pid=stranger.pid, started_at=started))
    assert stranger.wait(5) is not None


async def test_an_orphan_that_is_gone_is_no_trouble(stranger: Any, tmp_path: Path) -> None:
    started = psutil.Process(stranger.pid).create_time()
    stranger.kill()
    stranger.wait()
    await trainer(tmp_path).end_orphan(Child(pid=stranger.pid, started_at=started))
