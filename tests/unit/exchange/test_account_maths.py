"""Margins, liquidation prices, fees and funding come out to the digit."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from perpmesh.exchange import commands as c
from perpmesh.exchange.events import AccountUpdated, MarginCalled, OrderUpdated, PositionLiquidated
from perpmesh.exchange.funding import payment
from perpmesh.exchange.symbols import MONEY, default_symbols
from perpmesh.exchange.words import BalanceReason, Execution, IncomeType, MarginType, PositionSide, Side

from .conftest import BTC, ETH, Bench, D

CENT, MICRO, NOTHING = D("0.01"), D("0.000001"), D(0)


def buy(bench: Bench, price: str, quantity: str, symbol: str = BTC) -> None:
    bench.do(c.SetBook(symbol, (), ((D(price), D(100)),)))
    bench.mark(price, symbol)
    bench.market(Side.BUY, quantity, symbol=symbol)


def sell(bench: Bench, price: str, quantity: str, symbol: str = BTC) -> None:
    bench.do(c.SetBook(symbol, ((D(price), D(100)),), ()))
    bench.mark(price, symbol)
    bench.market(Side.SELL, quantity, symbol=symbol)


def set_cross_wallet(bench: Bench, wallet: str) -> None:
    bench.do(c.Deposit("alice", D(wallet) - bench.engine.account("alice").cross_wallet))


def position(bench: Bench, symbol: str = BTC):
    return bench.engine.positions("alice", symbol)[0]


def vector(case: str) -> dict[str, Decimal]:
    """Return the reference vector whose description begins with `case`."""
    text = (Path(__file__).parent / "account_math_vectors.json").read_text()
    (found,) = [v for v in json.loads(text, parse_float=Decimal)["vectors"] if v["case"].startswith(case)]
    return found


def assert_liquidates_at(
    bench: Bench, expected: dict[str, Decimal], balance: Callable[[Decimal], Decimal], others: Decimal = NOTHING
) -> None:
    """Hold a liquidation price, its tier, and what is left and needed there (`others`: by the rest) to the vector."""
    held = position(bench)
    price, spec = held.liquidation_price, bench.engine.specs[BTC]
    notional = abs(held.amount) * price
    tier = spec.bracket_of(int(notional * MONEY))
    assert price.quantize(CENT) == expected["liq"]
    assert tier.number == expected["bracket"]
    assert balance(price).quantize(MICRO) == expected["check_margin_balance"]
    assert (notional * tier.maintenance_rate - tier.cum + others).quantize(MICRO) == expected["check_maint"]


def test_isolated_long_liquidates_where_the_exchange_says(bench: Bench) -> None:
    bench.do(c.SetMarginType("alice", BTC, MarginType.ISOLATED))
    bench.do(c.SetLeverage("alice", BTC, 10))
    buy(bench, "60000", "0.1")
    assert position(bench).isolated_wallet == 600
    assert_liquidates_at(bench, vector("isolated long"), lambda price: 600 + D("0.1") * (price - 60_000))


def test_cross_short_liquidates_where_the_exchange_says(bench: Bench) -> None:
    sell(bench, "60000", "2")
    set_cross_wallet(bench, "10000")
    assert_liquidates_at(bench, vector("cross short"), lambda price: 10_000 - 2 * (price - 60_000))


def test_cross_long_leans_on_the_profit_of_the_other_position(bench: Bench) -> None:
    expected = vector("cross long")
    buy(bench, "3000", "10", ETH)
    bench.mark("3100", ETH)
    buy(bench, "60000", "1")
    set_cross_wallet(bench, "8000")
    eth = position(bench, ETH)
    assert (eth.maint_margin, eth.unrealized) == (expected["TMM"], expected["UPNL"])
    assert_liquidates_at(bench, expected, lambda price: 8000 + eth.unrealized + price - 60_000, eth.maint_margin)


def test_maintenance_margin_funding_and_commission_are_those_of_the_vectors(bench: Bench) -> None:
    btc = default_symbols()[0]
    assert btc.maintenance(264_000 * MONEY) == vector("maint margin 264000")["value"] * MONEY
    assert payment(30_000 * MONEY, D("0.0001")) == vector("funding long 0.5")["payment"] * MONEY
    buy(bench, "60000", "0.01")
    assert bench.engine.trades("alice")[0].commission == vector("commission taker")["value"]


def test_maintenance_is_continuous_at_every_tier_edge() -> None:
    for spec in default_symbols():
        for lower, upper in zip(spec.brackets, spec.brackets[1:], strict=False):
            edge = lower.cap
            below = edge * lower.maintenance_ppm - lower.cum * 1_000_000
            above = edge * upper.maintenance_ppm - upper.cum * 1_000_000
            assert below == above
            assert upper.floor == lower.cap


def test_the_tiers_are_the_published_ones() -> None:
    btc, eth = default_symbols()
    published = [0, 50, 950, 11_450, 131_450, 481_450, 2_981_450, 14_481_450, 26_481_450, 41_481_450]
    assert [b.cum for b in btc.brackets] == [*published, 121_481_450, 421_481_450]
    assert [b.cum for b in eth.brackets][4:] == [
        131_450, 381_450, 2_006_450, 9_506_450, 17_506_450, 27_506_450, 80_506_450, 280_506_450,
    ]  # fmt: skip


def test_a_long_pays_funding_when_the_rate_is_positive(bench: Bench) -> None:
    buy(bench, "60000", "0.5")
    before = bench.engine.account("alice").wallet
    events = bench.do(c.SettleFunding(BTC, D("0.0001")))
    assert bench.engine.account("alice").wallet == before - 3
    row = bench.engine.income("alice")[-1]
    assert (row.type, row.amount) == (IncomeType.FUNDING_FEE, D(-3))
    update = next(e for e in events if isinstance(e, AccountUpdated))
    assert (update.reason, update.balance_change, update.positions) == (BalanceReason.FUNDING_FEE, D(-3), ())


@pytest.mark.parametrize(
    ("notional", "rate", "pays"), [(30_000, "0.0001", -3), (-30_000, "0.0001", 3), (30_000, "-0.0001", 3)]
)
def test_funding_follows_side_and_sign(notional: int, rate: str, pays: int) -> None:
    assert payment(notional * MONEY, D(rate)) == pays * MONEY


def test_the_taker_pays_five_hundredths_of_a_per_cent(bench: Bench) -> None:
    buy(bench, "60000", "0.01")
    (trade,) = bench.engine.trades("alice")
    assert trade.commission == D("0.3")
    assert not trade.maker


def test_the_maker_pays_two_hundredths_of_a_per_cent(bench: Bench) -> None:
    bench.limit(Side.BUY, "0.01", "59900")
    bench.tape("59899.9", "5", Side.SELL)
    (trade,) = bench.engine.trades("alice")
    assert trade.commission == D(59900) * D("0.01") * D("0.0002")
    assert trade.maker
    assert trade.price == 59900


def test_open_orders_hold_margin_and_let_it_go(bench: Bench) -> None:
    bench.do(c.SetLeverage("alice", BTC, 10))
    bench.limit(Side.BUY, "0.5", "59000")
    account = bench.engine.account("alice")
    assert account.open_order_initial_margin == D("0.5") * 59000 / 10
    assert account.available == 10_000 - account.open_order_initial_margin
    bench.do(c.CancelAllOrders("alice", BTC))
    assert bench.engine.account("alice").available == 10_000


def test_buys_and_sells_hold_the_worse_of_the_two_not_their_sum(bench: Bench) -> None:
    bench.do(c.SetLeverage("alice", BTC, 10))
    bench.limit(Side.BUY, "0.5", "59000")
    bench.limit(Side.SELL, "0.4", "61000")
    assert bench.engine.account("alice").open_order_initial_margin == D(2950)


def test_available_never_counts_a_profit_as_withdrawable(bench: Bench) -> None:
    buy(bench, "60000", "0.1")
    bench.mark("62000")
    account = bench.engine.account("alice")
    assert account.cross_unrealized == 200
    assert account.available - account.max_withdraw == 200


def test_entry_price_is_the_volume_weighted_mean_and_stays_when_reduced(bench: Bench) -> None:
    buy(bench, "60000", "0.1")
    buy(bench, "61000", "0.3")
    assert position(bench).entry_price == 60750
    sell(bench, "62000", "0.2")
    assert position(bench).entry_price == 60750
    assert bench.engine.trades("alice")[-1].realized == D("0.2") * 1250


def test_a_flip_starts_at_the_fill_price(bench: Bench) -> None:
    buy(bench, "60000", "0.1")
    sell(bench, "61000", "0.3")
    flipped = position(bench)
    assert (flipped.amount, flipped.entry_price) == (D("-0.2"), D(61000))
    assert bench.engine.trades("alice")[-1].realized == 100


def test_break_even_is_the_entry_moved_by_the_fees(bench: Bench) -> None:
    buy(bench, "60000", "0.1")
    assert position(bench).break_even_price == 60030


def test_isolated_margin_comes_back_in_proportion(bench: Bench) -> None:
    bench.do(c.SetMarginType("alice", BTC, MarginType.ISOLATED))
    bench.do(c.SetLeverage("alice", BTC, 10))
    buy(bench, "60000", "0.4")
    sell(bench, "60000", "0.1")
    assert position(bench).isolated_wallet == 1800
    sell(bench, "60000", "0.3")
    account = bench.engine.account("alice")
    assert position(bench).isolated_wallet == 0
    assert account.cross_wallet == account.wallet


def test_isolated_funding_is_paid_by_the_position(bench: Bench) -> None:
    bench.do(c.SetMarginType("alice", BTC, MarginType.ISOLATED))
    bench.do(c.SetLeverage("alice", BTC, 10))
    buy(bench, "60000", "0.5")
    cross = bench.engine.account("alice").cross_wallet
    events = bench.do(c.SettleFunding(BTC, D("0.0001")))
    assert bench.engine.account("alice").cross_wallet == cross
    assert position(bench).isolated_wallet == 2997
    assert [p.symbol for e in events if isinstance(e, AccountUpdated) for p in e.positions] == [BTC]


def test_an_account_under_water_is_liquidated_and_never_owes(bench: Bench) -> None:
    buy(bench, "60000", "3")
    bench.do(c.SetBook(BTC, ((D(56000), D(100)),), ((D(56001), D(100)),)))
    events = bench.mark("56700")
    assert bench.amount() == 0
    assert any(isinstance(e, PositionLiquidated) for e in events)
    forced = [e for e in events if isinstance(e, OrderUpdated) and e.execution is Execution.CALCULATED]
    assert forced
    assert all(e.order.client_order_id.startswith("autoclose-") for e in forced)
    assert bench.engine.account("alice").wallet >= 0
    assert any(row.type is IncomeType.INSURANCE_CLEAR for row in bench.engine.income("alice"))


def test_liquidation_fee_goes_to_the_insurance_fund(bench: Bench) -> None:
    buy(bench, "60000", "3")
    bench.do(c.SetBook(BTC, ((D(56800), D(100)),), ((D(56801), D(100)),)))
    liquidation = position(bench).liquidation_price
    bench.mark(str((liquidation - 1).quantize(CENT)))
    cleared = [r.amount for r in bench.engine.income("alice") if r.type is IncomeType.INSURANCE_CLEAR]
    assert len(cleared) == 1
    assert cleared[0] < 0
    assert bench.engine.ledger().insurance == -cleared[0]


def test_a_gap_through_bankruptcy_is_paid_by_the_insurance_fund(bench: Bench) -> None:
    buy(bench, "60000", "3")
    bench.do(c.SetBook(BTC, (), ()))
    bench.mark("50000")
    assert bench.engine.account("alice").wallet == 0
    assert bench.engine.ledger().insurance < 0


def test_one_isolated_loss_leaves_the_rest_alone(bench: Bench) -> None:
    bench.do(c.SetMarginType("alice", BTC, MarginType.ISOLATED))
    bench.do(c.SetLeverage("alice", BTC, 20))
    buy(bench, "60000", "0.1")
    buy(bench, "3000", "1", ETH)
    cross = bench.engine.account("alice").cross_wallet
    bench.do(c.SetBook(BTC, ((D(57000), D(100)),), ()))
    bench.mark("57000")
    assert bench.amount() == 0
    assert bench.amount(symbol=ETH) == 1
    assert bench.engine.account("alice").cross_wallet >= cross


def test_the_margin_call_comes_once_and_before_the_liquidation(bench: Bench) -> None:
    buy(bench, "60000", "3")
    price = position(bench).liquidation_price
    near = (price + 50).quantize(CENT)
    assert any(isinstance(e, MarginCalled) for e in bench.mark(str(near)))
    assert not any(isinstance(e, MarginCalled) for e in bench.mark(str(near - 1)))
    assert bench.amount() == 3


def test_hedge_keeps_both_sides_apart(bench: Bench) -> None:
    bench.do(c.SetPositionMode("alice", dual_side=True))
    bench.market(Side.BUY, "0.2", position_side=PositionSide.LONG)
    bench.market(Side.SELL, "0.1", position_side=PositionSide.SHORT)
    long, short = bench.engine.positions("alice", BTC)
    assert (long.position_side, long.amount) == (PositionSide.LONG, D("0.2"))
    assert (short.position_side, short.amount) == (PositionSide.SHORT, D("-0.1"))
    bench.market(Side.SELL, "0.2", position_side=PositionSide.LONG)
    assert [p.amount for p in bench.engine.positions("alice", BTC)] == [D(0), D("-0.1")]


def test_both_sides_of_a_hedge_are_liquidated_at_the_price_that_empties_the_account(bench: Bench) -> None:
    bench.do(c.SetPositionMode("alice", dual_side=True))
    bench.market(Side.BUY, "2.5", position_side=PositionSide.LONG)
    bench.market(Side.SELL, "0.5", position_side=PositionSide.SHORT)
    price = bench.engine.positions("alice", BTC)[0].liquidation_price
    bench.mark(str((price + 1).quantize(CENT)))
    assert bench.engine.positions("alice", BTC)[0].amount == D("2.5")
    bench.do(c.SetBook(BTC, (), ()))
    bench.mark(str((price - 1).quantize(CENT)))
    assert [p.amount for p in bench.engine.positions("alice", BTC)] == [0, 0]


def test_a_hedge_has_one_liquidation_price_even_where_its_sides_are_in_different_tiers(bench: Bench) -> None:
    bench.do(c.SetPositionMode("alice", dual_side=True))
    bench.do(c.Deposit("alice", D(40_000)))
    bench.do(c.SetBook(BTC, ((D(59_999), D(100)),), ((D(60_001), D(100)),)))
    bench.market(Side.BUY, "12", position_side=PositionSide.LONG)
    bench.market(Side.SELL, "0.85", position_side=PositionSide.SHORT)  # 51,000 at entry, below 50,000 at the end
    long, short = bench.engine.positions("alice", BTC)
    price = long.liquidation_price
    assert price == short.liquidation_price
    assert 0 < D("0.85") * price < 50_000
    wallet = bench.engine.account("alice").cross_wallet
    equity = wallet + long.amount * (price - long.entry_price) + short.amount * (price - short.entry_price)
    needed = 12 * price * D("0.0065") - 950 + D("0.85") * price * D("0.004")
    assert equity == pytest.approx(needed, abs=D("0.000001"))


def test_a_close_worse_than_bankruptcy_leaves_no_debt(bench: Bench) -> None:
    bench.do(c.SetLeverage("alice", BTC, 100))
    bench.do(c.Deposit("alice", D(-9300)))
    buy(bench, "60000", "0.8")
    bench.do(c.SetBook(BTC, ((D(58500), D(100)),), ()))
    bench.market(Side.SELL, "0.8")
    assert bench.engine.account("alice").wallet == 0
    assert bench.engine.ledger().insurance < 0
