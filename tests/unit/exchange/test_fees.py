"""What a trade costs, by tier and by the account's own rates."""

import pytest

from perpmesh.exchange import commands as c
from perpmesh.exchange.words import Side

from .conftest import BTC, ETH, Bench, D

PUBLISHED = [  # maker and taker in per cent, USDT-margined futures, VIP 0 to 9
    ("0.0200", "0.0500"), ("0.0160", "0.0400"), ("0.0140", "0.0350"), ("0.0120", "0.0320"), ("0.0100", "0.0300"),
    ("0.0080", "0.0270"), ("0.0060", "0.0250"), ("0.0040", "0.0220"), ("0.0020", "0.0200"), ("0.0000", "0.0170"),
]  # fmt: skip


@pytest.mark.parametrize("tier", range(10))
def test_a_tier_pays_its_published_rates(bench: Bench, tier: int) -> None:
    maker, taker = (D(rate) / 100 for rate in PUBLISHED[tier])
    bench.do(c.SetFeeTier("alice", tier))
    assert (bench.engine.commission("alice", BTC).maker, bench.engine.commission("alice", BTC).taker) == (maker, taker)
    assert bench.engine.account("alice").fee_tier == tier
    bench.market(Side.BUY, "0.01")
    bench.limit(Side.BUY, "0.01", "59000")
    bench.tape("58999", "9", Side.SELL)
    took, made = bench.engine.trades("alice")
    assert (took.commission, made.commission) == (took.quote * taker, made.quote * maker)


def test_rates_of_its_own_go_before_the_tier(bench: Bench) -> None:
    bench.do(c.SetFeeTier("alice", 3))
    bench.do(c.SetCommission("alice", BTC, D(0), D("0.000123")))
    assert bench.engine.commission("alice", BTC).taker == D("0.000123")
    assert bench.engine.commission("alice", ETH).taker == D("0.00032")
    bench.market(Side.BUY, "0.1")
    assert bench.engine.trades("alice")[0].commission == bench.engine.trades("alice")[0].quote * D("0.000123")
