"""A venue is opened: as it was left, or new."""

from decimal import Decimal
from pathlib import Path

import pytest

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


class SlowClock(SystemClock):
    """A second and a half passes each time that somebody looks at it, as while a large file is read."""

    def __init__(self):
        self._passed_ms = 0

    def now_ms(self):
        self._passed_ms += 1_500
        return super().now_ms() + self._passed_ms


@pytest.mark.parametrize("data", [(), ("synthetic:1",), (f"raw_ws:{Path(__file__).parent / 'raw_ws'}",)])
def test_at_real_time_a_new_market_is_on_the_wall_clock_however_long_it_took_to_load(data):
    clock = SlowClock()
    venue, _, replay, _ = open_venue(Config(speed=1.0, data=data), clock)
    assert abs(replay.market_ms(clock.boot_ms()) - clock.now_ms()) <= 2_000
    assert venue.market_ms <= clock.now_ms()
