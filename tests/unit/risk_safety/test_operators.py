"""The dead man's switch, and the record of what was tried."""

from decimal import Decimal

import pytest

from perpmesh.risk_safety.domain.attempts import Attempt, harmless
from perpmesh.risk_safety.domain.ess import EssState
from perpmesh.risk_safety.domain.losses import TradeFigures
from perpmesh.risk_safety.domain.report import Verdict

from .conftest import Life

LIMIT_S = 60
TOKEN = "eyJhbGciOiJFUzI1NiIsImtpZCI6Im1lc2gifQ.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl"


async def switched_on(life: Life) -> None:
    await life.core.operators.heard()
    await life.set("ess.operator_heartbeat_s", str(LIMIT_S))


async def test_no_heartbeat_is_asked_for_unless_policy_does(life: Life):
    life.advance(10 * 86_400_000)
    assert (await life.ask()).verdict is Verdict.GRANTED
    assert not life.core.operators.hearing().silent


async def test_without_a_heartbeat_no_new_risk_and_with_one_again_at_once(life: Life):
    await switched_on(life)
    life.advance(LIMIT_S * 1_000)
    assert (await life.ask()).verdict is Verdict.GRANTED
    life.advance(1)
    answer = await life.ask()
    assert (answer.verdict, answer.reason) == (Verdict.WITHHELD, "OPERATOR_SILENT")
    assert not life.core.desk.status().can_execute
    assert life.core.ess.latch.state is EssState.ARMED  # nothing is latched
    await life.core.operators.heard()
    assert (await life.ask()).verdict is Verdict.GRANTED


async def test_a_mesh_that_never_heard_of_an_operator_takes_no_risk(life: Life):
    await life.set("ess.operator_heartbeat_s", str(LIMIT_S))
    assert (await life.ask()).reason == "OPERATOR_SILENT"


async def test_a_restart_neither_renews_a_heartbeat_nor_loses_it(life: Life):
    await switched_on(life)
    life.advance(30_000)
    await life.settled()  # 2.1 s more
    assert not life.core.operators.hearing().silent
    life.advance(28_000)
    assert (await life.ask()).reason == "OPERATOR_SILENT"


async def test_a_clock_set_back_during_a_restart_lengthens_no_heartbeat(life: Life):
    await switched_on(life)
    life.clock.step_wall(-3_600_000)
    assert not life.core.operators.hearing().silent  # while we live, the boot clock counts
    await life.settled()
    assert (await life.ask()).reason == "OPERATOR_SILENT"


@pytest.mark.parametrize(
    ("role", "outcome", "heard"),
    [("operator", "DONE", True), ("operator", "STAGE_GATE", False), ("viewer", "DONE", False), ("service", "DONE", False)],
)  # fmt: skip
async def test_what_an_operator_has_done_is_a_heartbeat_and_nothing_else_is(
    life: Life, role: str, outcome: str, heard: bool
):
    await life.core.operators.attempted(Attempt(at_ms=0, action="Trip", actor="x", role=role, outcome=outcome))
    assert (life.core.operators.hearing().heard_at_ms == life.clock.now_ms()) is heard
    assert (life.store.heartbeat_ms == life.clock.now_ms()) is heard


async def test_a_trip_that_a_limit_pulled_is_in_the_record_too(life: Life):
    life.core.losses.take(TradeFigures(consecutive_losses=8))
    await life.core.watch.tick()
    await life.core.watch.tick()
    (line,) = await life.core.operators.attempts("", 0)
    assert (line.action, line.actor, line.role, line.outcome) == ("Trip", "risk_safety", "service", "DONE")
    assert line.asked == {"trigger": "consecutive losses", "reason": "8 losing trades in a row reached 8"}
    assert line.at_ms == life.clock.now_ms()


async def test_a_record_that_cannot_be_written_undoes_no_trip(life: Life):
    await life.ask(equity=Decimal(10_000))
    life.core.losses.take(TradeFigures(consecutive_losses=8))

    async def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    life.store.record = full  # type: ignore[method-assign]
    with pytest.raises(OSError, match="no space"):
        await life.core.watch.tick()
    life.advance(2_100)
    await life.core.watch.tick()
    assert life.core.ess.latch.state is EssState.TRIPPED


async def test_a_token_in_somebodys_words_is_not_kept(life: Life):
    await life.core.operators.attempted(
        Attempt(
            at_ms=0, action="Reset", actor="x", role="viewer", asked={"reason": f"my token {TOKEN}!"}, message=TOKEN
        )
    )
    (line,) = life.store.tried
    assert (line.asked["reason"], line.message) == ("my token (token)!", "(token)")


def test_endless_words_are_cut():
    assert len(harmless("x" * 10_000)) == 500
