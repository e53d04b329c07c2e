"""Every interleaving, within bounds: when Trip has returned no entry can reach the exchange, and two never hold at once.

`make model` explores larger bounds. What it found, and the argument: docs/adr/0007-the-entry-lease.md.
"""

import os

import pytest

from perpmesh.execution.application.entry_lease import ENGINE_GRACE_MS
from perpmesh.execution.domain.lease import MAX_WINDOW_MS, MIN_WINDOW_MS
from perpmesh.risk_safety.domain.leases import FULL_LEASE_MS, MARGIN_MS

from .lease_model import GRACE, LEASE, MARGIN, MAX_WINDOW, MIN_WINDOW, Bounds, Model, Without

CLOCK_RATE = 0.02  # by how much the clocks of two machines may differ; NTP slews by at most 0.0005

QUICK = {
    "a grant crosses a revocation": Bounds(holders=1, words=2),
    "two would hold": Bounds(holders=2, entering=0),
    "a clock in doubt": Bounds(holders=1, error=2),
}
DEEP = {
    "a slow clock": Bounds(holders=1, slips=True),
    "trip, reset, trip": Bounds(holders=1, last_epoch=4),
    "more messages": Bounds(holders=1, asks=2, words=3),
    "a holder is replaced": Bounds(holders=2),
    "two enter": Bounds(holders=2, entering=2),
}
NEEDS = {  # what a safeguard is needed for may lie outside the smallest bounds
    Without.REMEMBERING_REVOKED_EPOCHS: Bounds(holders=1, words=2),
    Without.EPOCH_OF_AN_ACKNOWLEDGEMENT: Bounds(holders=1, last_epoch=4),
    Without.ONE_HOLDER_AT_A_TIME: Bounds(holders=2),
    Without.CLOCK_ERROR_IN_THE_WINDOW: Bounds(holders=1, error=2),
}


@pytest.mark.parametrize("name", QUICK)
def test_no_interleaving_breaks_the_lease(name: str):
    found = Model(QUICK[name]).explore()
    assert not found.broken, "\n".join(found.trace)
    assert found.states > 5_000


@pytest.mark.skipif("MODEL" not in os.environ, reason="minutes: make model")
@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", DEEP)
def test_no_interleaving_breaks_the_lease_within_larger_bounds(name: str):
    found = Model(DEEP[name]).explore()
    print(f"\n{name}: {found.states:,} states")
    assert not found.broken, "\n".join(found.trace)


@pytest.mark.parametrize("without", [one for one in Without if one is not Without.NOTHING])
def test_each_safeguard_is_needed(without: Without):
    found = Model(NEEDS.get(without, Bounds(holders=1)), without).explore()
    assert found.broken, f"without {without.name} all {found.states} states are fine"


def test_the_margin_outlasts_the_engines_delay_and_clocks_of_different_rates():
    longest_ms = FULL_LEASE_MS * (1 + CLOCK_RATE) + ENGINE_GRACE_MS
    assert longest_ms < FULL_LEASE_MS + MARGIN_MS


def test_the_models_ticks_keep_the_order_of_the_real_times():
    assert 0 < MIN_WINDOW_MS <= MAX_WINDOW_MS <= FULL_LEASE_MS
    assert 0 < MIN_WINDOW <= MAX_WINDOW <= LEASE
    assert 0 < ENGINE_GRACE_MS < MARGIN_MS < FULL_LEASE_MS
    assert 0 < GRACE < MARGIN < LEASE
