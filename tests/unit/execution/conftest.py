"""A bench with execution already at its desk."""

import pytest

from .bench import Bench


@pytest.fixture
async def bench() -> Bench:
    made = Bench()
    await made.start()
    return made
