"""Client ids: derived, distinct, and such as the exchange takes."""

import re

from hypothesis import given
from hypothesis import strategies as st

from perpmesh.kernel.ids import Leg, client_order_id, derived_id
from perpmesh.kernel.time import MS_PER_DAY, utc_day, utc_week

EXCHANGE_RULE = re.compile(r"^[.A-Z:/a-z0-9_-]{1,36}$")


@given(origin=st.text(min_size=1), leg=st.sampled_from(Leg), step=st.integers(0, 1000))
def test_the_exchange_takes_it_and_a_restart_derives_the_same(origin: str, leg: Leg, step: int) -> None:
    made = client_order_id(origin, leg, step)
    assert EXCHANGE_RULE.match(made)
    assert made == client_order_id(origin, leg, step)


def test_another_leg_step_or_origin_is_another_id() -> None:
    made = {client_order_id(origin, leg, step) for origin in ("a", "b") for leg in Leg for step in range(3)}
    assert len(made) == 2 * len(Leg) * 3


def test_parts_cannot_run_into_each_other() -> None:
    assert derived_id("ab", "c") != derived_id("a", "bc")


def test_a_week_begins_on_monday() -> None:
    monday = 4 * MS_PER_DAY  # 1970-01-05
    assert utc_week(monday) == utc_week(monday - 1) + 1
    assert utc_day(monday) == 4
