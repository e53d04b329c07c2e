"""Execution at its desk, on the exchange itself; each test is named by the project and the issue where users met it."""

import pytest
from tests.unit.execution.bench import Bench


@pytest.fixture
async def bench() -> Bench:
    made = Bench()
    await made.start()
    return made
