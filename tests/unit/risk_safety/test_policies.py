"""The PolicyStore: typed, ranged, audited, and changed by compare-and-set."""

import asyncio
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpmesh.kernel.errors import Invalid, NotFound, Stale
from perpmesh.risk_safety.application.policies import PolicyUpdate
from perpmesh.risk_safety.domain.policy import TEXT_MAX, PolicyType, recalled, stored
from perpmesh.risk_safety.domain.policy_catalogue import CATALOGUE

from .conftest import Life

SLIPPAGE = CATALOGUE["execution.max_slippage_pct"]
LEVERAGE = CATALOGUE["execution.leverage"]
ENABLED = CATALOGUE["ai.amplification_enabled"]


def update(key: str, raw: object, *, expected: int | None = None, request_id: str = "") -> PolicyUpdate:
    return PolicyUpdate(
        key=key,
        raw=raw,
        expected_revision=expected,
        actor="ann",
        reason="because",
        request_id=request_id,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("spec", CATALOGUE.values(), ids=lambda spec: spec.key)
def test_every_default_is_a_value_its_own_policy_takes(spec):
    written = stored(spec.default)
    raw = spec.default if spec.type is PolicyType.BOOLEAN else written
    assert spec.parse(raw) == spec.default
    assert recalled(spec, written) == spec.default
    assert spec.description.endswith(".")
    assert spec.owner


@pytest.mark.parametrize("raw", ["0.02", "0.020", Decimal("0.02"), "0.02000"])
def test_a_number_and_its_text_mean_the_same_decimal(raw):
    assert stored(SLIPPAGE.parse(raw)) == "0.02"


@pytest.mark.parametrize(
    "raw", ["x", "", "1e-2", "0.11", "-0.01", True, None, Decimal("NaN"), Decimal("Infinity"), "0,02", " 1"]
)
def test_a_decimal_policy_refuses_what_is_no_decimal_in_its_range(raw):
    with pytest.raises(Invalid, match=r"a decimal from 0 to 0.1 \(fraction\)") as refusal:
        SLIPPAGE.parse(raw)
    assert refusal.value.field == "value"


@pytest.mark.parametrize("raw", ["3.5", Decimal("3.5"), 0.5, "0", "21", True, None])
def test_an_integer_policy_refuses_what_is_no_integer_in_its_range(raw):
    with pytest.raises(Invalid, match="an integer from 1 to 20"):
        LEVERAGE.parse(raw)


@pytest.mark.parametrize("raw", ["true", Decimal(1), None, ""])
def test_a_boolean_policy_takes_only_true_or_false(raw):
    with pytest.raises(Invalid, match="true or false"):
        ENABLED.parse(raw)


@pytest.mark.parametrize("raw", ["Auto", "", True, None, Decimal(1), "yes"])
def test_a_policy_with_choices_takes_one_of_them(raw):
    with pytest.raises(Invalid, match="one of auto, on, off"):
        CATALOGUE["ess.staged_reset"].parse(raw)


@pytest.mark.parametrize("raw", ["0.5@1", "", "0.5@1,0.3@2.5,0.2@4", "1@3"])
def test_a_ladder_is_a_list_of_shares_at_multiples_of_r(raw):
    assert CATALOGUE["execution.take_profit_ladder"].parse(raw) == raw


@pytest.mark.parametrize(
    "raw", ["0.5", "0.5@", "2@1", "0.5@1,", "0.5@1;0.5@2", "-0.5@1", "0.1@1,0.1@2,0.1@3,0.1@4,0.1@5,0.1@6"]
)
def test_what_is_no_ladder_is_refused(raw):
    with pytest.raises(Invalid):
        CATALOGUE["execution.take_profit_ladder"].parse(raw)


@pytest.mark.parametrize("raw", ["", "BTCUSDT,ETHUSDT", "BTCUSDT,ETHUSDT;SOLUSDT,AVAXUSDT,BTCUSDT_260327"])
def test_correlation_groups_are_lists_of_symbols(raw):
    assert CATALOGUE["risk.correlation_groups"].parse(raw) == raw


@pytest.mark.parametrize("raw", ["BTCUSDT ETHUSDT", "btcusdt", "BTCUSDT,", ";", "BTCUSDT;;ETHUSDT", Decimal(1)])
def test_what_would_group_nothing_by_mistake_is_refused(raw):
    with pytest.raises(Invalid):
        CATALOGUE["risk.correlation_groups"].parse(raw)


@given(st.sampled_from(list(CATALOGUE.values())), st.data())
def test_what_is_stored_is_what_was_meant(spec, data):
    if spec.type is PolicyType.BOOLEAN:
        raw = data.draw(st.booleans())
    elif spec.type is PolicyType.TEXT:
        form = st.from_regex(spec.pattern, fullmatch=True).filter(lambda written: len(written) <= TEXT_MAX)
        raw = data.draw(form if spec.pattern else st.sampled_from(spec.choices))
    else:
        places = 6 if spec.type is PolicyType.DECIMAL else 0
        raw = data.draw(st.decimals(spec.minimum, spec.maximum, places=places, allow_nan=False))
    value = spec.parse(raw)
    assert recalled(spec, stored(value)) == value == raw
    if not isinstance(raw, bool):
        assert spec.parse(stored(value)) == value


async def test_an_update_moves_the_revision_and_is_audited(life: Life):
    change = await life.core.policies.update(update("execution.leverage", "3"))
    assert (change.revision, change.old, change.new, change.actor, change.reason) == (1, 5, 3, "ann", "because")
    assert life.core.policies.get("execution.leverage").value == 3
    assert life.core.policies.revision == 1
    assert list(await life.core.policies.history("", 0)) == [change]
    assert [(a.service, a.revision) for a in await life.core.policies.adoptions()] == [("risk_safety", 1)]


async def test_of_two_writers_who_read_the_same_revision_one_wins(life: Life):
    """T11."""
    writers = [life.core.policies.update(update("execution.leverage", str(n), expected=0)) for n in (2, 3, 4)]
    results = await asyncio.gather(*writers, return_exceptions=True)
    won = [result for result in results if not isinstance(result, Exception)]
    lost = [result for result in results if isinstance(result, Stale)]
    assert (len(won), len(lost)) == (1, 2)
    assert {(error.reason, error.field) for error in lost} == {("STALE_REVISION", "expected_revision")}
    assert life.core.policies.get("execution.leverage").value == won[0].new
    assert life.core.policies.revision == 1


async def test_asking_twice_changes_once(life: Life):
    first = await life.core.policies.update(update("execution.leverage", "3", expected=0, request_id="r1"))
    again = await life.core.policies.update(update("execution.leverage", "3", expected=0, request_id="r1"))
    assert again == first
    assert life.core.policies.revision == 1


async def test_a_key_that_is_not_in_the_catalogue_does_not_exist(life: Life):
    for attempt in (lambda: life.core.policies.get("execution.max_slipage_pct"),):
        with pytest.raises(NotFound) as refusal:
            attempt()
        assert (refusal.value.reason, refusal.value.field) == ("UNKNOWN_POLICY", "key")
    with pytest.raises(NotFound):
        await life.core.policies.update(update("nope", "1"))
    with pytest.raises(NotFound):
        await life.core.policies.history("nope", 0)


async def test_policies_survive_a_restart(life: Life):
    await life.core.policies.update(update("execution.leverage", "3"))
    await life.core.policies.update(update("execution.leverage", "4"))
    core = await life.start()
    assert core.policies.revision == 2
    assert core.policies.get("execution.leverage").value == 4
    assert [change.new for change in await core.policies.history("execution.leverage", 1)] == [4]
