"""A venue is opened: as it was left, or new."""

from decimal import Decimal

from perpmesh.exchange_sim.adapters.opening import open_venue
from perpmesh.exchange_sim.config import Config
from perpmesh.platform.time import SystemClock


def test_a_new_insurance_fund_is_filled_and_an_old_one_is_left_as_it_is(tmp_path):
    held = []
    for wanted in (70, 9_000):
        venue, journal, *_ = open_venue(Config(state_dir=tmp_path, insurance=Decimal(wanted)), SystemClock())
        held.append((venue.engine.ledger().insurance, venue.engine.ledger().deposits))
        journal.close()
    assert held == [(70, 70), (70, 70)]
