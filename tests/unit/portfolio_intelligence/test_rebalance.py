"""What a rebalance proposes, for any portfolio and any targets."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from perpmesh.kernel.instrument import Instrument
from perpmesh.kernel.money import text
from perpmesh.portfolio_intelligence.domain.rebalance import Intent, Market, Proposal, Side, Step, propose

SYMBOLS = ("BTCUSDT", "ETHUSDT")
STEP = Decimal("0.001")


def market(symbol: str, price: str = "1000", largest: str = "120") -> Market:
    instrument = Instrument(
        symbol=symbol, tick=Decimal("0.1"), step=STEP, min_quantity=STEP, max_quantity=Decimal(1000),
        market_max_quantity=Decimal(largest), min_notional=Decimal(50),
    )  # fmt: skip
    mark = Decimal(price)
    return Market(
        instrument=instrument, mark_price=mark, bid_price=mark - Decimal("0.1"), ask_price=mark + Decimal("0.1"),
        taker_rate=Decimal("0.0005"),
    )  # fmt: skip


MARKETS = {symbol: market(symbol) for symbol in SYMBOLS}


def proposed(held: dict[str, str], targets: dict[str, str], band: str = "0.02", equity: str = "10000") -> Proposal:
    return propose(
        equity=Decimal(equity), held={s: Decimal(q) for s, q in held.items()}, targets={s: Decimal(w) for s, w in targets.items()},
        markets=MARKETS, band=Decimal(band),
    )  # fmt: skip


def brief(step: Step) -> tuple[str, str, str, str]:
    return step.symbol, step.intent.value, step.side.value, text(step.quantity)


def test_an_entry_costs_its_fee_and_half_the_spread() -> None:
    (step,) = proposed({}, {"BTCUSDT": "0.5"}).steps
    assert brief(step) == ("BTCUSDT", "ENTRY", "BUY", "5")
    assert step.estimated_cost == Decimal(5) * (Decimal(1000) * Decimal("0.0005") + Decimal("0.1"))
    assert (step.current_weight, step.target_weight) == (0, Decimal("0.5"))


def test_a_smaller_target_is_a_reduce_only_step() -> None:
    (step,) = proposed({"BTCUSDT": "5"}, {"BTCUSDT": "0.2"}).steps
    assert brief(step) == ("BTCUSDT", "EXIT", "SELL", "3")


def test_a_symbol_without_a_target_is_to_be_flat() -> None:
    (step,) = proposed({"ETHUSDT": "-2.5"}, {}).steps
    assert brief(step) == ("ETHUSDT", "EXIT", "BUY", "2.5")


def test_a_flip_is_an_exit_and_then_an_entry() -> None:
    steps = proposed({"BTCUSDT": "2"}, {"BTCUSDT": "-0.3"}).steps
    assert [brief(step) for step in steps] == [
        ("BTCUSDT", "EXIT", "SELL", "2"),
        ("BTCUSDT", "ENTRY", "SELL", "3"),
    ]
    assert [(step.current_weight, step.target_weight) for step in steps] == [
        (Decimal("0.2"), Decimal(0)),
        (Decimal(0), Decimal("-0.3")),
    ]


def test_reductions_come_before_entries_whatever_their_names() -> None:
    steps = proposed({"ETHUSDT": "5"}, {"BTCUSDT": "0.5"}).steps
    assert [step.intent for step in steps] == [Intent.EXIT, Intent.ENTRY]


def test_a_deviation_inside_the_band_is_left_alone() -> None:
    proposal = proposed({"BTCUSDT": "5"}, {"BTCUSDT": "0.519"})
    assert proposal.steps == []
    assert proposal.within_band == ["BTCUSDT"]


def test_an_entry_under_the_minimum_notional_is_left_out_with_its_reason() -> None:
    proposal = proposed({}, {"ETHUSDT": "0.0049"}, band="0")
    assert proposal.steps == []
    assert proposal.left_out == ["ETHUSDT: under the minimum notional"]


def test_a_reduction_under_the_minimum_notional_is_proposed_all_the_same() -> None:
    (step,) = proposed({"ETHUSDT": "0.04"}, {}, band="0").steps
    assert brief(step) == ("ETHUSDT", "EXIT", "SELL", "0.04")


def test_more_than_the_largest_market_order_is_cut_and_said() -> None:
    proposal = proposed({}, {"BTCUSDT": "2"}, equity="100000")
    assert brief(proposal.steps[0]) == ("BTCUSDT", "ENTRY", "BUY", "120")
    assert proposal.left_out == ["BTCUSDT: 80 beyond the largest market order"]


weights = st.decimals("-2", "2", places=3)
quantities = st.integers(-40_000, 40_000).map(lambda lots: lots * STEP)


@given(
    held=st.dictionaries(st.sampled_from(SYMBOLS), quantities),
    targets=st.dictionaries(st.sampled_from(SYMBOLS), weights),
    band=st.decimals("0", "0.1", places=3),
    equity=st.decimals("100", "20000", places=2),
)
def test_following_the_steps_leads_to_the_targets_and_never_past_them(
    held: dict[str, Decimal], targets: dict[str, Decimal], band: Decimal, equity: Decimal
) -> None:
    proposal = propose(equity=equity, held=held, targets=targets, markets=MARKETS, band=band)
    after = dict(held)
    seen_entry = False
    for step in proposal.steps:
        assert step.quantity > 0
        assert step.quantity % STEP == 0
        signed = step.quantity if step.side is Side.BUY else -step.quantity
        before = after.get(step.symbol, Decimal(0))
        after[step.symbol] = before + signed
        if step.intent is Intent.EXIT:
            assert not seen_entry
            assert abs(after[step.symbol]) == abs(before) - step.quantity
        else:
            seen_entry = True
            assert step.quantity * 1000 >= 50
            assert abs(after[step.symbol]) == abs(before) + step.quantity
    excused = {reason.partition(":")[0] for reason in proposal.left_out} | set(proposal.within_band)
    for symbol in {*held, *targets} - excused:
        wanted = targets.get(symbol, Decimal(0)) * equity / 1000
        assert abs(after.get(symbol, Decimal(0)) - wanted) < STEP
    for symbol in proposal.within_band:
        assert abs(held.get(symbol, Decimal(0)) * 1000 / equity - targets.get(symbol, Decimal(0))) <= band + Decimal(
            "0.00000001"
        )
