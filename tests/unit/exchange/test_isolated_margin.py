"""An isolated position's margin is the account's to move, within what the position needs."""

import pytest

from perpmesh.exchange import commands as c
from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange.events import AccountUpdated, IncomeBooked
from perpmesh.exchange.words import BalanceReason, MarginChange, MarginType, PositionSide, Side

from .conftest import BTC, Bench, D


def move(bench: Bench, kind: MarginChange, amount: str, side: PositionSide | None = None) -> list:
    return bench.do(c.AdjustPositionMargin("alice", BTC, D(amount), kind, side))


@pytest.fixture
def held(bench: Bench) -> Bench:
    """A long of 0.1 BTC at 60,000 with 10 x: 600 USDT of margin."""
    bench.do(c.SetMarginType("alice", BTC, MarginType.ISOLATED))
    bench.do(c.SetLeverage("alice", BTC, 10))
    bench.do(c.SetBook(BTC, ((D(59_999), D(9)),), ((D(60_000), D(9)),)))
    bench.market(Side.BUY, "0.1")
    return bench


def place(bench: Bench):
    return bench.engine.positions("alice", BTC)[0]


def test_more_margin_moves_the_liquidation_away(held: Bench) -> None:
    before, wallet = place(held), held.engine.account("alice").wallet
    events = move(held, MarginChange.ADD, "100.5")
    after = place(held)
    assert (after.isolated_wallet, held.engine.account("alice").wallet) == (D("700.5"), wallet)
    assert before.liquidation_price - after.liquidation_price == pytest.approx(D("100.5") / (D("0.1") * D("0.996")))
    (update,) = [e for e in events if isinstance(e, AccountUpdated)]
    assert (update.reason, update.balance_change) == (BalanceReason.MARGIN_TRANSFER, 0)
    assert update.wallet - update.cross_wallet == D("700.5")
    assert [p.isolated_wallet for p in update.positions] == [D("700.5")]
    assert not any(isinstance(e, IncomeBooked) for e in events)


def test_only_what_was_added_can_be_taken_back(held: Bench) -> None:
    move(held, MarginChange.ADD, "100")
    with pytest.raises(ExchangeError) as caught:
        move(held, MarginChange.REDUCE, "100.00000001")
    assert caught.value.code == -4051
    move(held, MarginChange.REDUCE, "100")
    assert place(held).isolated_wallet == 600


def test_a_loss_binds_margin_and_a_profit_does_not_free_more(held: Bench) -> None:
    move(held, MarginChange.ADD, "100")
    held.mark("59500")
    with pytest.raises(ExchangeError):
        move(held, MarginChange.REDUCE, "55.00000001")  # 700 - 50 of loss - 595 needed
    move(held, MarginChange.REDUCE, "55")
    held.mark("60500")
    with pytest.raises(ExchangeError):
        move(held, MarginChange.REDUCE, "40.00000001")  # 645 - 605 needed
    move(held, MarginChange.REDUCE, "40")


def test_the_history_tells_every_move(held: Bench) -> None:
    move(held, MarginChange.ADD, "100")
    move(held, MarginChange.REDUCE, "30")
    rows = held.engine.margin_changes("alice", BTC)
    assert [(r.type, r.amount, r.position_side) for r in rows] == [
        (MarginChange.ADD, D(100), PositionSide.BOTH),
        (MarginChange.REDUCE, D(30), PositionSide.BOTH),
    ]
    assert rows[-1].time == held.wall_ms


def test_each_side_of_a_hedge_has_margin_of_its_own(bench: Bench) -> None:
    bench.do(c.SetPositionMode("alice", dual_side=True))
    bench.do(c.SetMarginType("alice", BTC, MarginType.ISOLATED))
    bench.market(Side.BUY, "0.1", position_side=PositionSide.LONG)
    bench.market(Side.SELL, "0.1", position_side=PositionSide.SHORT)
    before = [p.isolated_wallet for p in bench.engine.positions("alice", BTC)]
    move(bench, MarginChange.ADD, "50", PositionSide.SHORT)
    assert [p.isolated_wallet for p in bench.engine.positions("alice", BTC)] == [before[0], before[1] + 50]
