"""Prices taken from the book at the moment an order is accepted or triggers."""

import pytest

from perpmesh.exchange import commands as c
from perpmesh.exchange.state import FIRST_ALGO_ID
from perpmesh.exchange.words import AlgoStatus, OrderType, PriceMatch, Side, TimeInForce

from .conftest import BTC, Bench, D

BIDS = tuple((D(59_990 - n), D(1)) for n in range(20))
ASKS = tuple((D(60_010 + n), D(1)) for n in range(20))


@pytest.mark.parametrize(
    ("match", "side", "price"),
    [
        (PriceMatch.OPPONENT, Side.BUY, 60_010),
        (PriceMatch.OPPONENT, Side.SELL, 59_990),
        (PriceMatch.OPPONENT_5, Side.BUY, 60_014),
        (PriceMatch.OPPONENT_10, Side.SELL, 59_981),
        (PriceMatch.OPPONENT_20, Side.BUY, 60_029),
        (PriceMatch.QUEUE, Side.BUY, 59_990),
        (PriceMatch.QUEUE, Side.SELL, 60_010),
        (PriceMatch.QUEUE_5, Side.BUY, 59_986),
        (PriceMatch.QUEUE_10, Side.SELL, 60_019),
        (PriceMatch.QUEUE_20, Side.BUY, 59_971),
    ],
)
def test_each_word_names_a_level(bench: Bench, match: PriceMatch, side: Side, price: int) -> None:
    bench.do(c.SetBook(BTC, BIDS, ASKS))
    bench.do(c.PlaceOrder("alice", BTC, side, OrderType.LIMIT, D("0.01"), None, TimeInForce.GTC, price_match=match))
    order = bench.engine.order("alice", BTC, order_id=1)
    assert (order.price, order.price_match) == (price, match)


def test_orders_of_ours_are_levels_too(bench: Bench) -> None:
    bench.book("59990", "60010")
    bench.limit(Side.BUY, "0.01", "60000")
    bench.do(
        c.PlaceOrder(
            "alice", BTC, Side.BUY, OrderType.LIMIT, D("0.01"), None, TimeInForce.GTC, price_match=PriceMatch.QUEUE
        )
    )
    assert bench.engine.order("alice", BTC, order_id=2).price == 60_000


def test_a_stop_takes_its_price_when_it_triggers(bench: Bench) -> None:
    bench.market(Side.BUY, "0.1")
    bench.do(
        c.PlaceAlgoOrder(
            "alice", BTC, Side.SELL, OrderType.STOP, D(59_000), D("0.1"),
            reduce_only=True, price_match=PriceMatch.OPPONENT,
        )
    )  # fmt: skip
    bench.book("58990", "59010")
    bench.tape("59000")
    assert bench.engine.order("alice", BTC, order_id=2).price == 58_990
    assert bench.engine.algo("alice", algo_id=FIRST_ALGO_ID).status is AlgoStatus.FINISHED
