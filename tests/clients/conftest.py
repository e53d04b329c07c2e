"""Two venues for the sessions: one whose market runs, and one whose market the session moves itself."""

import pytest
from tests.clients.market import quiet_days, serving


@pytest.fixture(scope="session")
def quiet(tmp_path_factory):
    return quiet_days(tmp_path_factory.mktemp("candles"))


@pytest.fixture
async def market(quiet):
    """A venue whose market stands at 100,000 and 4,000 until it is moved."""
    async with serving(data=quiet) as made:
        await made.stop()
        yield made


@pytest.fixture
async def running():
    """A venue whose market runs 60 times as fast as the wall clock, and withholds streams off their route."""
    async with serving(strict_routes=True) as made:
        yield made
