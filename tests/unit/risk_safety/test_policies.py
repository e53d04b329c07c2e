"""The PolicyStore: typed, ranged, audited, and changed by compare-and-set."""

import asyncio
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perpmesh.kernel.errors import Invalid, NotFound, Stale
from perpmesh.risk_safety.application.policies import Comparison, PolicyUpdate, Warrant
from perpmesh.risk_safety.domain.policy import TEXT_MAX, PolicyType, recalled, stored
from perpmesh.risk_safety.domain.policy_catalogue import CATALOGUE
from perpmesh.risk_safety.domain.policy_history import Difference, values_at
from perpmesh.risk_safety.domain.policy_records import Adoption, Change
from perpmesh.risk_safety.domain.profiles import PROFILES

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


def warrant(*, expected: int | None = None, request_id: str = "") -> Warrant:
    return Warrant(expected_revision=expected, actor="ann", reason="because", request_id=request_id)


def test_every_profile_sets_the_same_policies_to_values_they_take():
    sets = {frozenset(profile.values) for profile in PROFILES.values()}
    assert len(sets) == 1
    for profile in PROFILES.values():
        for key, value in profile.values.items():
            assert CATALOGUE[key].parse(value if isinstance(value, bool) else stored(value)) == value


def test_a_bolder_profile_is_nowhere_more_careful():
    """Every figure in them bounds risk from above, but for the two floors under what is acted on."""
    floors = {"ai.min_confidence", "ai.min_edge_cost_ratio"}
    careful, middle, bold = (PROFILES[name].values for name in ("conservative", "balanced", "aggressive"))
    for key in middle:
        rising = (careful[key], middle[key], bold[key])
        assert tuple(sorted(rising, reverse=key in floors)) == rising, key
    assert all(middle[key] == CATALOGUE[key].default for key in middle)


async def test_a_profile_is_applied_in_one_revision_and_says_before_and_after(life: Life):
    book = life.core.policies
    await book.update(update("execution.leverage", "3"))
    changes = await book.apply_profile("conservative", warrant(expected=1))
    assert {change.revision for change in changes} == {2} == {book.revision}
    assert {change.source for change in changes} == {"profile conservative"}
    assert "execution.leverage" not in {change.key for change in changes}  # it was 3 already
    assert {change.key: (change.old, change.new) for change in changes}["ess.max_daily_loss_pct"] == (
        Decimal("0.03"),
        Decimal("0.015"),
    )
    assert book.is_active(PROFILES["conservative"])
    assert not book.is_active(PROFILES["balanced"])
    assert await book.apply_profile("conservative", warrant()) == []
    assert book.revision == 2


async def test_a_profile_and_a_writer_who_read_the_same_revision_race_and_one_wins(life: Life):
    """T11."""
    book = life.core.policies
    results = await asyncio.gather(
        book.apply_profile("aggressive", warrant(expected=0)),
        book.update(update("execution.leverage", "2", expected=0)),
        book.apply_profile("conservative", warrant(expected=0)),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["Stale", "Stale", "list"]
    assert book.is_active(PROFILES["aggressive"])
    assert book.revision == 1


async def test_a_repeated_profile_request_returns_the_first_answer(life: Life):
    book = life.core.policies
    first = await book.apply_profile("conservative", warrant(request_id="p1"))
    await book.update(update("execution.leverage", "7"))
    assert await book.apply_profile("conservative", warrant(request_id="p1")) == first
    assert book.get("execution.leverage").value == 7


async def test_a_rollback_is_a_new_revision_with_the_old_values(life: Life):
    book = life.core.policies
    await book.update(update("execution.leverage", "3"))
    await book.update(update("execution.max_slippage_pct", "0.02"))
    await book.update(update("execution.leverage", "9"))
    changes = await book.roll_back(1, warrant(expected=3))
    assert [(c.revision, c.key, c.old, c.new, c.source) for c in changes] == [
        (4, "execution.leverage", 9, 3, "rollback to 1"),
        (4, "execution.max_slippage_pct", Decimal("0.02"), Decimal("0.01"), "rollback to 1"),
    ]
    assert (await book.diff(1, 4)).differences == []
    assert [change.new for change in await book.history("execution.leverage", 0)] == [3, 9, 3]
    await book.roll_back(0, warrant())
    assert (await book.diff(None, None)).differences == []
    with pytest.raises(NotFound) as refusal:
        await book.roll_back(6, warrant())
    assert (refusal.value.reason, refusal.value.field) == ("UNKNOWN_REVISION", "to_revision")


async def test_a_rollback_to_a_value_that_is_no_longer_taken_changes_nothing(life: Life):
    book = life.core.policies
    async with life.policies.changing() as tx:  # written by a version that allowed it
        older = Change(revision=1, key="execution.leverage", old=5, new=50, actor="ann", reason="", at_ms=1)
        await tx.record([older])
    core = await life.start()
    book = core.policies
    await book.update(update("execution.leverage", "2"))
    with pytest.raises(Invalid, match=r"execution\.leverage cannot be '50'"):
        await book.roll_back(1, warrant())
    assert (book.revision, book.get("execution.leverage").value) == (2, 2)


async def test_a_diff_shows_both_sides(life: Life):
    book = life.core.policies
    await book.update(update("execution.leverage", "3"))
    await book.update(update("ai.use_model", raw=False))
    assert await book.diff(None, None) == Comparison(
        left=0, right=2,
        differences=[Difference(key="ai.use_model", left=True, right=False),
                     Difference(key="execution.leverage", left=5, right=3)],
    )  # fmt: skip
    assert [found.key for found in (await book.diff(1, 2)).differences] == ["ai.use_model"]
    against = await book.diff(None, None, "balanced")
    assert against.differences == [Difference(key="execution.leverage", left=3, right=5)]
    with pytest.raises(NotFound, match="there are conservative, balanced, aggressive"):
        await book.diff(None, None, "reckless")
    with pytest.raises(Invalid):
        await book.diff(None, 1, "balanced")


async def test_the_history_is_read_page_by_page_and_by_person(life: Life):
    book = life.core.policies
    for value in ("2", "3", "4"):
        await book.update(update("execution.leverage", value))
    await book.apply_profile("balanced", Warrant(expected_revision=None, actor="bob", reason="", request_id=""))
    assert [change.revision for change in await book.history("", 2, before=4)] == [3, 2]
    assert [(change.actor, change.new) for change in await book.history("", 0, actor="bob")] == [("bob", 5)]


async def test_the_store_says_who_has_not_adopted_yet(life: Life):
    book = life.core.policies
    await book.update(update("execution.leverage", "3"))
    await life.policies.adopt(Adoption(service="execution", revision=0, at_ms=1))
    waiting = book.waiting_for(await book.adoptions())
    assert "execution" in waiting
    assert "risk_safety" not in waiting
    await life.policies.adopt(Adoption(service="execution", revision=1, at_ms=2))
    assert "execution" not in book.waiting_for(await book.adoptions())


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 9)), max_size=12), st.data())
def test_the_values_of_a_revision_follow_from_the_audit(writes, data):
    """Against the plain way: play the changes from the beginning."""
    defaults = {"a": 1, "b": 2, "c": 3}
    values, changes, seen = dict(defaults), [], [dict(defaults)]
    for number, (key, new) in enumerate(writes, 1):
        changes.append(Change(revision=number, key=key, old=values[key], new=new, actor="", reason="", at_ms=0))
        values[key] = new
        seen.append(dict(values))
    revision = data.draw(st.integers(0, len(writes)))
    assert values_at(revision, reversed(changes), defaults) == seen[revision]
