"""I7: what is in flight and what is open is counted together, at every moment, and never falls below nothing."""

import asyncio
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perpmesh.execution.application.stakes import exposure_of
from perpmesh.execution.domain.exposure import Exposure
from perpmesh.execution.domain.liquidation import liquidation_price
from perpmesh.execution.domain.risk_limits import LIMITS
from perpmesh.execution.domain.words import Side
from perpmesh.kernel.errors import Refused, Unavailable
from perpmesh.risk_safety.domain.policy_catalogue import CATALOGUE
from perpmesh.testing.engine_venue import ME

from .bench import BTC, ETH, Bench

D = Decimal
FAULTS = [None, None, None, "lost", "unanswered", -2019, -1007, -4061]


def at_stake(bench: Bench) -> Exposure:
    return exposure_of(bench.cases.tools.desk, bench.cases.tools.ledger)


async def started(**policies: str) -> Bench:
    bench = Bench(**policies)
    await bench.start()
    return bench


class Jitter:
    """Stands before the venue: a call takes a random number of turns, and everything is checked at each of them."""

    def __init__(self, bench: Bench, chance: Random, limit: Decimal) -> None:
        self.bench, self.chance, self.limit = bench, chance, limit
        self.inner = bench.venue._do
        bench.venue._do = self.act  # type: ignore[method-assign]

    async def act(self, method: str, call: Any) -> Any:
        for _ in range(self.chance.randint(0, 4)):
            await asyncio.sleep(0)
            self.check()
        return await self.inner(method, call)

    def check(self) -> None:
        exposure = at_stake(self.bench)
        assert all(stake.notional >= 0 and stake.risk >= 0 and stake.quantity > 0 for stake in exposure.stakes)
        real = sum((abs(self.bench.amount(s)) * p for s, p in ((BTC, D(60_000)), (ETH, D(3_000)))), D(0))
        assert exposure.gross >= real * D("0.999")  # nothing that the exchange holds is missing
        assert real <= self.limit


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_i7_no_interleaving_passes_a_limit_or_loses_count(seed: int):
    asyncio.run(interleave(Random(seed)))


async def interleave(chance: Random) -> None:
    limit = chance.choice([700, 1_300, 2_000])  # USDT, of entries worth 600 each
    bench = await started(**{"risk.max_gross_exposure": str(D(limit) / 10_000)})
    Jitter(bench, chance, D(limit))
    bench.venue.fault("send_entry", *[chance.choice(FAULTS) for _ in range(12)])
    wishes = [wish(bench, chance, number) for number in range(10)]
    await asyncio.gather(*wishes)
    assert bench.cases.tools.desk.reservations == {}
    assert (await settled(bench)).gross <= limit


async def wish(bench: Bench, chance: Random, number: int) -> None:
    for _ in range(chance.randint(0, 6)):
        await asyncio.sleep(0)
    symbol = chance.choice([BTC, ETH])
    quantity, stop = ("0.01", "59400") if symbol == BTC else ("0.2", "2970")
    try:
        await bench.buy(f"r{number}", quantity, symbol=symbol, stop=stop)
        if chance.random() < 0.5:
            await bench.cases.flatten.flatten(symbol, reason="enough")
    except (Refused, Unavailable):
        return


async def settled(bench: Bench) -> Exposure:
    """Wait out what is unknown, and return what is left: the positions alone."""
    bench.clock.advance(12_000)
    assert await bench.cases.reconciler.everything()
    left = at_stake(bench)
    assert {stake.symbol: stake.quantity for stake in left.stakes} == {
        symbol: bench.amount(symbol) for symbol in (BTC, ETH) if bench.amount(symbol)
    }
    return left


async def test_an_entry_whose_outcome_is_unknown_keeps_its_place_also_after_a_restart():
    bench = await started(**{"risk.max_open_risk_pct": "0.001"})  # 10 USDT
    bench.venue.fault("send_entry", "lost")
    with pytest.raises(Unavailable):
        await bench.buy("r1", "0.01", stop="59400")
    assert at_stake(bench).risk == 6
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            await bench.buy(f"e{bench.sequence}", "0.2", symbol=ETH, stop="2970")
        assert refused.value.reason == "OPEN_RISK"
        assert refused.value.metadata["open_risk_limit"] == "0.001"
        assert refused.value.metadata["open_risk_policy"] == "risk.max_open_risk_pct"
        await bench.start()
    await settled(bench)
    bench.lend()
    await bench.buy("e", "0.2", symbol=ETH, stop="2970")


async def test_a_position_that_could_not_be_priced_counts_all_the_same(bench: Bench):
    bench.venue.fault("fills", *["lost"] * 20)
    await bench.buy("r1", "0.01", stop="59400")
    assert at_stake(bench).risk == pytest.approx(D(6), rel=D("0.01"))


async def test_a_position_without_a_known_stop_risks_all_of_its_worth(bench: Bench):
    bench.by_hand("SELL", "0.01")
    bench.cases.tools.desk.note_positions(await bench.venue.positions())
    assert at_stake(bench).risk == at_stake(bench).gross == 600


async def test_the_rate_counts_from_admission_so_that_many_at_once_do_not_pass_together():
    bench = await started(**{"execution.orders_per_minute": "1"})
    wishes = [bench.buy("b"), bench.buy("e", "0.2", symbol=ETH)]
    answers = await asyncio.gather(*wishes, return_exceptions=True)
    [refused] = [answer for answer in answers if isinstance(answer, Refused)]
    assert refused.reason == "ORDERS_PER_MINUTE"
    assert (refused.metadata["orders_per_minute_measured"], refused.metadata["orders_per_minute_limit"]) == ("2", "1")


async def test_i4_an_exit_goes_out_when_every_limit_forbids_an_entry(bench: Bench):
    await bench.buy("b", "0.02")
    await bench.buy("e", "0.2", symbol=ETH)
    for policy in {row.policy for row in LIMITS if row.policy} | {"execution.orders_per_minute"}:
        tightest = CATALOGUE[policy].maximum if "min_" in policy else CATALOGUE[policy].minimum
        bench.policies.changed[policy] = str(tightest)
    bench.cases.tools.desk.leverages.clear()
    bench.cases.tools.desk.brackets = {}
    with pytest.raises(Refused) as refused:
        await bench.buy("more", "0.01")
    assert {"RISK_PER_TRADE", "GROSS_EXPOSURE", "LEVERAGE", "LIQUIDATION_DISTANCE"} <= set(
        refused.value.metadata["reasons"].split(",")
    )
    await bench.exit("x1", "SELL", "0.01")
    assert bench.amount(BTC) == D("0.01")
    await bench.cases.flatten.flatten(reason="all")
    assert (bench.amount(BTC), bench.amount(ETH)) == (0, 0)


async def test_losses_in_a_row_cool_off_and_are_remembered_over_a_restart():
    bench = await started(**{"risk.cool_off_losses": "2", "risk.cool_off_ms": "60000"})
    for number in range(2):
        bench.lend()
        await bench.buy(f"r{number}")
        await bench.exit(f"x{number}", "SELL", "1")  # the spread and the fees are lost
    await bench.start()
    with pytest.raises(Refused) as refused:
        await bench.buy("r3")
    assert refused.value.reason == "LOSS_STREAK"
    [seen] = [r for r in bench.cases.reporter.tradability().limits if r.word == "LOSS_STREAK"]
    assert (seen.scope, seen.measured, seen.limit) == ("BTCUSDT manual", "2", "2")
    bench.clock.advance(61_000)
    await bench.cases.upkeep.once()
    await bench.cases.reconciler.everything()
    bench.lend()
    await bench.buy("r4")
    assert bench.amount() == D("0.01")


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("quantity", ["0.5", "1.5", "4"])
async def test_the_exchange_itself_liquidates_where_we_say(bench: Bench, side: Side, quantity: str):
    await bench.venue.prepare_symbol(BTC, 50)
    await bench.venue.prepare_symbol(ETH, 50)
    bench.by_hand("BUY", "5", ETH)
    bench.by_hand(side.value, quantity)
    await bench.cases.reconciler._read_account()
    desk = bench.cases.tools.desk
    desk.note_positions(await bench.venue.positions())
    found = liquidation_price(
        at_stake(bench), BTC, mark=D(60_000), equity=bench.engine.account(ME).margin_balance, brackets=desk.brackets
    )  # fmt: skip
    [held] = [p for p in bench.engine.positions(ME, BTC) if p.amount]
    assert found is not None
    assert abs(max(found, D(0)) - held.liquidation_price) <= D("0.01")
