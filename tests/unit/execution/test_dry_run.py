"""What other policies would have made of the last entries: the gate itself, asked again on what it saw then."""

from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from perpmesh.execution.adapters import frozen_json
from perpmesh.execution.domain.dry_run import Judgement, judged_again
from perpmesh.execution.domain.words import Action, Stage
from perpmesh.kernel.errors import Refused

from .bench import ETH, Bench

D = Decimal


@dataclass(frozen=True)
class Row:
    name: str
    amount: Decimal


async def try_out(bench: Bench, limit: int = 0, **values: str):
    named = {key.replace("__", "."): value for key, value in values.items()}
    return await bench.cases.try_policies.run(named, limit)


async def test_the_policies_that_hold_now_change_no_verdict():
    bench = Bench()
    await bench.start()
    await bench.buy("a", stop="59500")
    for name, stop in (("b", "2900"), ("c", "3001")):
        with pytest.raises(Refused):
            await bench.buy(name, "2", symbol=ETH, stop=stop)
    found = await try_out(bench, risk__max_open_risk_pct="0.02")
    assert [verdict.judgement.reasons == verdict.proposed for verdict in found.verdicts] == [True] * 3
    assert (found.admitted, found.proposed_admitted) == (1, 1)


async def test_a_tighter_limit_would_have_refused_and_a_wider_one_let_through():
    bench = Bench()
    await bench.start()
    await bench.buy("a", "0.01", stop="59500")  # 600 USDT of 10,000; 5 USDT at the stop
    with pytest.raises(Refused, match="risk per trade"):
        await bench.buy("b", "1", symbol=ETH, stop="2900")  # 100 USDT at the stop where 50 are allowed
    tight = await try_out(bench, risk__max_risk_per_trade_pct="0.0004")
    newest, oldest = tight.verdicts
    assert (oldest.newly_refused, oldest.proposed) == (True, ("RISK_PER_TRADE",))
    assert (newest.newly_refused, newest.newly_admitted) == (False, False)
    wide = await try_out(bench, risk__max_risk_per_trade_pct="0.011")
    assert [verdict.newly_admitted for verdict in wide.verdicts] == [True, False]
    assert wide.proposed_admitted == 2


async def test_reasons_that_are_no_policys_stand_whatever_is_proposed():
    """A refusal over the stage's size or a missing lease is not lifted by generous limits."""
    bench = Bench()
    await bench.start()
    bench.lend(stage=Stage.QUARTER)
    with pytest.raises(Refused):
        await bench.buy("a", "0.02", stop="59500")
    bench.clock.advance(3_000)
    with pytest.raises(Refused):
        await bench.buy("b", "0.01", stop="59500")
    found = await try_out(bench, risk__max_risk_per_trade_pct="0.05", execution__price_stale_ms="60000")
    assert [verdict.proposed for verdict in found.verdicts] == [("LEASE_EXPIRED", "STAGE_SIZE"), ("STAGE_SIZE",)]


async def test_decisions_are_judged_again_too_newest_first_and_at_most_as_many_as_asked_for():
    bench = Bench()
    await bench.start()
    for number in range(45):  # more than two pages
        await bench.cases.decide.act(bench.decision(f"d{number}", Action.LONG, "5"))
    found = await try_out(bench, 41, risk__max_open_risk_pct="0.03")
    assert [verdict.judgement.wish.decision_id for verdict in found.verdicts] == [f"d{n}" for n in range(44, 3, -1)]


async def test_what_the_gate_does_not_ask_is_said():
    bench = Bench()
    await bench.start()
    found = await try_out(bench, ai__min_confidence="0.9", execution__orders_per_minute="3")
    assert found.not_evaluated == ("ai.min_confidence",)


async def test_nothing_is_changed_by_asking():
    bench = Bench()
    await bench.start()
    await bench.buy("a", stop="59500")
    orders, events, judged = dict(bench.log.orders), list(bench.log.events), list(bench.log.judged)
    await try_out(bench, risk__max_risk_per_trade_pct="0.0001")
    assert (bench.log.orders, bench.log.events, bench.log.judged) == (orders, events, judged)
    assert bench.amount() == D("0.01")


async def test_what_the_gate_saw_is_read_back_as_it_was_written():
    bench = Bench()
    await bench.start()
    await bench.buy("a", stop="59500")
    with pytest.raises(Refused):
        await bench.buy("b", "2", symbol=ETH, stop="2900")
    bench.clock.advance(3_000)
    with pytest.raises(Refused):
        await bench.buy("c", stop="59500")
    assert len(bench.log.judged) == 3
    for judgement in bench.log.judged:
        again = frozen_json.load(Judgement, frozen_json.dump(judgement))
        assert judged_again(again, judgement.world.limits).proposed == judgement.reasons
        assert frozen_json.dump(again) == frozen_json.dump(judgement)
        assert replace(again, world=judgement.world, market=judgement.market) == judgement


@pytest.mark.parametrize("written", ["{}", "[]", "null", '{"client_id": 5}', "not json"])
def test_what_another_version_wrote_is_not_read_as_something_else(written):
    with pytest.raises(frozen_json.Unreadable):
        frozen_json.load(Judgement, written)


def test_a_field_of_another_kind_is_not_taken():
    with pytest.raises(frozen_json.Unreadable):
        frozen_json.load(Row, '{"name": 5, "amount": "1"}')
    with pytest.raises(frozen_json.Unreadable):
        frozen_json.load(Row, '{"name": "x", "amount": "much"}')
