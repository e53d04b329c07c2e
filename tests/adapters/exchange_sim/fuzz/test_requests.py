"""Whatever is sent to whatever address: never a 500, never silence, always an error with a code, and books unchanged."""

import pytest
from hypothesis import given
from tests.adapters.exchange_sim.fuzz.arena import arena, seeds, tried
from tests.adapters.exchange_sim.fuzz.requests import Requests
from tests.adapters.exchange_sim.fuzz.wire import Sent


@pytest.fixture(scope="module")
def venue():
    with arena() as made:
        yield made


@tried(50)
@given(seeds)
def test_requests_that_get_through_the_door_are_answered_and_a_refusal_changes_nothing(venue, seed):
    requests = Requests(seed)
    for _ in range(10):
        venue.fire(requests.sensible())


@tried(50)
@given(seeds)
def test_requests_that_are_wrong_in_the_frame_are_refused_with_a_code(venue, seed):
    requests = Requests(seed)
    for _ in range(10):
        venue.fire(requests.broken())


def test_enough_of_what_makes_sense_is_accepted(venue):
    """The generator would prove nothing if it never got to where the orders are."""
    account = next(iter(venue.venue.engine.accounts()))
    assert len(venue.venue.engine.all_orders(account)) > 5


@pytest.mark.parametrize("size", [100_000, 1_100_000])
def test_a_long_address_and_a_big_body_are_refused_and_the_next_request_is_served(venue, size):
    for where in ("query", "body"):
        status, _ = venue.fire(Sent("POST", "/fapi/v1/order", (("symbol", "x" * size),), where=where))
        assert 400 <= status < 500
    assert venue.fire(Sent("GET", "/fapi/v1/ping"))[0] == 200
