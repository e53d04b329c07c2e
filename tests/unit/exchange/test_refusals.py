"""Every refusal has Binance's code and text, and changes nothing."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from perpmesh.exchange import commands as c
from perpmesh.exchange.errors import TEXTS, ExchangeError
from perpmesh.exchange.filters import quantity_lots
from perpmesh.exchange.symbols import default_symbols
from perpmesh.exchange.words import (
    MarginChange,
    MarginType,
    OrderType,
    PositionSide,
    PriceMatch,
    Side,
    SymbolStatus,
    TimeInForce,
)

from .conftest import BTC, ETH, Bench, D

BUY, SELL = Side.BUY, Side.SELL
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
Act = Callable[[Bench], object]


def place(**fields) -> Act:
    base = {"account": "alice", "symbol": BTC, "side": BUY, "type": OrderType.MARKET, "quantity": D("0.01")}
    return lambda bench: bench.do(c.PlaceOrder(**(base | fields)))


def limit(
    price: str | None = "59000", quantity: str = "0.01", tif: TimeInForce | None = TimeInForce.GTC, **more
) -> Act:
    asked = None if price is None else D(price)
    return place(type=OrderType.LIMIT, price=asked, quantity=D(quantity), time_in_force=tif, **more)


def algo(**fields) -> Act:
    base = {
        "account": "alice", "symbol": BTC, "side": SELL, "type": OrderType.STOP_MARKET,
        "trigger_price": D(59000), "quantity": D("0.01"),
    }  # fmt: skip
    return lambda bench: bench.do(c.PlaceAlgoOrder(**(base | fields)))


def closing(**fields) -> Act:
    return algo(**({"quantity": None, "close_position": True} | fields))


def do(command: c.Command) -> Act:
    return lambda bench: bench.do(command)


def hedge(bench: Bench) -> None:
    bench.do(c.SetPositionMode("alice", dual_side=True))


def nothing(bench: Bench) -> None:
    """The account as it comes."""


def many_orders(bench: Bench) -> None:
    bench.do(c.Deposit("alice", D(1_000_000)))
    for _ in range(200):
        bench.limit(BUY, "0.001", "59000")


def many_stops(bench: Bench) -> None:
    for n in range(200):
        bench.stop(SELL, str(59000 - n), quantity=D("0.01"))


def isolated_position(bench: Bench) -> None:
    bench.do(c.SetMarginType("alice", BTC, MarginType.ISOLATED))
    bench.market(BUY, "0.01")


def amend(**fields) -> Act:
    base = {"account": "alice", "symbol": BTC, "side": BUY, "quantity": D("0.01"), "price": D(58900), "order_id": 1}
    return lambda bench: bench.do(c.AmendOrder(**(base | fields)))


def top_up(**fields) -> Act:
    base = {"account": "alice", "symbol": BTC, "amount": D(10), "type": MarginChange.ADD}
    return lambda bench: bench.do(c.AdjustPositionMargin(**(base | fields)))


def closed(bench: Bench) -> None:
    bench.do(c.ChangeSymbol(BTC, SymbolStatus.CLOSE))


def resting_before_settlement(bench: Bench) -> None:
    bench.limit(BUY, "0.01", "59000")
    bench.do(c.ChangeSymbol(BTC, SymbolStatus.PRE_SETTLE))


def slow_and_rich(bench: Bench) -> None:
    bench.do(c.Deposit("alice", D(1_000_000)))
    bench.do(c.SetLeverage("alice", BTC, 125))
    bench.limit(BUY, "0.01", "59000")


def amended_ten_thousand_times(bench: Bench) -> None:
    bench.limit(BUY, "0.01", "59000")
    for n in range(10_000):
        bench.do(c.AmendOrder("alice", BTC, BUY, D("0.01"), D(58_999 - n % 2), order_id=1))


CASES: list[tuple[int, str, Act, Act]] = [
    (-1102, "Mandatory parameter 'quantity' was not sent, was empty/null, or malformed.", nothing, place(quantity=None)),
    (-1102, "Mandatory parameter 'price' was not sent, was empty/null, or malformed.", nothing, limit(None)),
    (-1102, "Mandatory parameter 'timeInForce' was not sent, was empty/null, or malformed.", nothing, limit(tif=None)),
    (-1102, "Mandatory parameter 'triggerPrice' was not sent, was empty/null, or malformed.", nothing, algo(trigger_price=None)),
    (-1102, "Mandatory parameter 'orderId' was not sent, was empty/null, or malformed.", nothing, do(c.CancelOrder("alice", BTC))),
    (-1102, "Mandatory parameter 'algoId' was not sent, was empty/null, or malformed.", nothing, do(c.CancelAlgoOrder("alice"))),
    (-1102, "Mandatory parameter 'callbackRate' was not sent, was empty/null, or malformed.", nothing, algo(type=OrderType.TRAILING_STOP_MARKET)),
    (-1102, "Mandatory parameter 'goodTillDate' was not sent, was empty/null, or malformed.", nothing, limit(tif=TimeInForce.GTD)),
    (-1106, "Parameter 'price' sent when not required.", nothing, place(price=D(59000))),
    (-1106, "Parameter 'timeInForce' sent when not required.", nothing, place(time_in_force=TimeInForce.GTC)),
    (-1106, "Parameter 'reduceonly' sent when not required.", hedge, place(position_side=LONG, reduce_only=True)),
    (-1111, "Precision is over the maximum defined for this asset.", nothing, place(quantity=D("0.0101"))),
    (-1111, "Precision is over the maximum defined for this asset.", nothing, limit("59000.001")),
    (-1115, "Invalid timeInForce.", nothing, limit(tif=TimeInForce.GTE_GTC)),
    (-1116, "Invalid orderType.", nothing, algo(type=OrderType.MARKET)),
    (-1121, "Invalid symbol.", nothing, place(symbol="DOGEUSDT")),
    (-1121, "Invalid symbol.", nothing, do(c.SetLeverage("alice", "DOGEUSDT", 5))),
    (-2007, "Invalid callBack rate.", nothing, algo(type=OrderType.TRAILING_STOP_MARKET, callback_rate=D(21))),
    (-1130, "Data sent for parameter 'account' is not valid.", nothing, do(c.CreateAccount("alice", D(1)))),
    (-2011, "Unknown order sent.", nothing, do(c.CancelOrder("alice", BTC, order_id=77))),
    (-2011, "Unknown order sent.", nothing, do(c.CancelAlgoOrder("alice", algo_id=77))),
    (-2013, "Order does not exist.", nothing, lambda bench: bench.engine.order("alice", BTC, order_id=77)),
    (-2013, "Order does not exist.", nothing, lambda bench: bench.engine.algo("alice", client_algo_id="x")),
    (-2015, "Invalid API-key, IP, or permissions for action.", nothing, place(account="nobody")),
    (-2018, "Balance is insufficient.", nothing, do(c.Deposit("alice", D(-10_001)))),
    (-2019, "Margin is insufficient.", nothing, place(quantity=D(4))),
    (-2019, "Margin is insufficient.", nothing, limit("59000", "4")),
    (-2021, "Order would immediately trigger.", nothing, algo(trigger_price=D(60001))),
    (-2021, "Order would immediately trigger.", nothing, algo(type=OrderType.TRAILING_STOP_MARKET, callback_rate=D(1), activate_price=D(59000))),
    (-2022, "ReduceOnly Order is rejected.", nothing, place(reduce_only=True)),
    (-2022, "ReduceOnly Order is rejected.", lambda b: b.market(BUY, "0.1"), place(reduce_only=True)),
    (-2022, "ReduceOnly Order is rejected.", hedge, place(side=SELL, position_side=LONG)),
    (-2025, "Reach max open order limit.", many_orders, limit("59000", "0.001")),
    (-2027, "Exceeded the maximum allowable position at current leverage.", lambda b: b.do(c.SetLeverage("alice", BTC, 125)), place(quantity=D("0.9"))),
    (-2027, "Exceeded the maximum allowable position at current leverage.", lambda b: b.market(BUY, "2"), do(c.SetLeverage("alice", BTC, 125))),
    (-2028, "Leverage is smaller than permitted: insufficient margin balance.", lambda b: b.market(BUY, "2"), do(c.SetLeverage("alice", BTC, 1))),
    (-4001, "Price less than 0.", nothing, limit("-1")),
    (-4002, "Price greater than max price.", nothing, limit("4529764.1")),
    (-4003, "Quantity less than or equal to zero.", nothing, place(quantity=D(0))),
    (-4003, "Quantity less than or equal to zero.", nothing, place(quantity=D(-1))),
    (-4005, "Quantity greater than max quantity.", nothing, place(quantity=D(121))),
    (-4005, "Quantity greater than max quantity.", nothing, limit("59000", "1001")),
    (-4006, "Stop price less than zero.", nothing, algo(trigger_price=D(-1))),
    (-4007, "Stop price greater than max price.", nothing, algo(trigger_price=D("4529764.1"))),
    (-4013, "Price less than min price.", nothing, limit("556.7")),
    (-4014, "Price not increased by tick size.", nothing, limit("59000.05")),
    (-4014, "Price not increased by tick size.", nothing, algo(trigger_price=D("59000.05"))),
    (-4015, "Client order id is not valid.", nothing, place(client_order_id="a b")),
    (-4015, "Client order id length should not be more than 36 chars", nothing, place(client_order_id="x" * 37)),
    (-4015, "Client order id is not valid.", nothing, algo(client_algo_id="")),
    (-4016, "Limit price can't be higher than 63000.", nothing, limit("63000.1")),
    (-4024, "Limit price can't be lower than 57000.", nothing, limit("56999.9", side=SELL)),
    (-4028, "Leverage 126 is not valid", nothing, do(c.SetLeverage("alice", BTC, 126))),
    (-4028, "Leverage 0 is not valid", nothing, do(c.SetLeverage("alice", BTC, 0))),
    (-4045, "Reach max stop order limit.", many_stops, algo(trigger_price=D(58000))),
    (-4046, "No need to change margin type.", nothing, do(c.SetMarginType("alice", BTC, MarginType.CROSSED))),
    (-4047, "Margin type cannot be changed if there exists open orders.", limit(), do(c.SetMarginType("alice", BTC, MarginType.ISOLATED))),
    (-4048, "Margin type cannot be changed if there exists position.", place(), do(c.SetMarginType("alice", BTC, MarginType.ISOLATED))),
    (-4059, "No need to change position side.", nothing, do(c.SetPositionMode("alice", dual_side=False))),
    (-4061, "Order's position side does not match user's setting.", nothing, place(position_side=LONG)),
    (-4061, "Order's position side does not match user's setting.", hedge, place()),
    (-4061, "Order's position side does not match user's setting.", hedge, algo()),
    (-4067, "Position side cannot be changed if there exists open orders.", algo(), do(c.SetPositionMode("alice", dual_side=True))),
    (-4068, "Position side cannot be changed if there exists position.", place(), do(c.SetPositionMode("alice", dual_side=True))),
    (-4116, "clientOrderId is duplicated", limit(client_order_id="one"), place(client_order_id="one")),
    (-4116, "clientOrderId is duplicated", algo(client_algo_id="one"), algo(client_algo_id="one")),
    (-4120, "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.", nothing, place(type=OrderType.STOP_MARKET)),
    (-4130, "An open stop or take profit order with GTE and closePosition in the direction is existing.", closing(), closing(trigger_price=D(58000))),
    (-4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit", lambda b: b.book("50000", "70000"), place()),
    (-4135, "Invalid activation price.", nothing, algo(type=OrderType.TRAILING_STOP_MARKET, callback_rate=D(1), activate_price=D(0))),
    (-4136, "Target strategy invalid for orderType STOP,closePosition true", nothing, closing(type=OrderType.STOP)),
    (-4137, "Quantity must be zero with closePosition equals true", nothing, closing(quantity=D(1))),
    (-4138, "Reduce only must be true with closePosition equals true", nothing, closing(reduce_only=True)),
    (-4161, "Leverage reduction is not supported in Isolated Margin Mode with open positions", isolated_position, do(c.SetLeverage("alice", BTC, 5))),
    (-4164, "Order's notional must be no smaller than 50 (unless you choose reduce only).", lambda b: b.price("40000"), place(quantity=D("0.001"))),
    (-4164, "Order's notional must be no smaller than 20 (unless you choose reduce only).", nothing, limit("2900", "0.006", symbol=ETH)),
    (-4183, "Limit price can't be higher than 63105.", nothing, algo(side=BUY, type=OrderType.STOP, trigger_price=D(60100), price=D(63106), quantity=D("0.01"))),
    (-4184, "Limit price can't be lower than 56050.", nothing, algo(type=OrderType.STOP, trigger_price=D(59000), price=D(56049), quantity=D("0.01"))),
    (-5021, "Due to the order could not be filled immediately, the FOK order has been rejected. The order will not be recorded in the order history", nothing, limit(tif=TimeInForce.FOK)),
    (-5022, "Due to the order could not be executed as maker, the Post Only order will be rejected. The order will not be recorded in the order history", nothing, limit("60010", tif=TimeInForce.GTX)),
    (-1117, "Invalid side.", limit(), amend(side=SELL)),
    (-1130, "Data sent for parameter 'feeTier' is not valid.", nothing, do(c.SetFeeTier("alice", 10))),
    (-1130, "Data sent for parameter 'commissionRate' is not valid.", nothing, do(c.SetCommission("alice", BTC, D("-0.1"), D("0.0005")))),
    (-1130, "Data sent for parameter 'tick' is not valid.", nothing, do(c.ChangeSymbol(BTC, tick=D("0.01")))),
    (-2013, "Order does not exist.", nothing, amend()),
    (-2019, "Margin is insufficient.", limit(), amend(quantity=D(4))),
    (-2027, "Exceeded the maximum allowable position at current leverage.", slow_and_rich, amend(quantity=D(2))),
    (-4014, "Price not increased by tick size.", limit(), amend(price=D("59000.05"))),
    (-4014, "Price not increased by tick size.", lambda b: b.do(c.ChangeSymbol(BTC, tick=D("0.5"))), limit("59000.2")),
    (-4016, "Limit price can't be higher than 63000.", limit(), amend(price=D(63001))),
    (-4049, "Add margin only support for isolated position.", nothing, top_up()),
    (-4050, "Cross balance insufficient.", isolated_position, top_up(amount=D(10_000))),
    (-4051, "Isolated balance insufficient.", isolated_position, top_up(type=MarginChange.REDUCE, amount=D(1))),
    (-4054, "Cannot add position margin: position is 0.", do(c.SetMarginType("alice", BTC, MarginType.ISOLATED)), top_up()),
    (-4055, "Amount must be positive.", isolated_position, top_up(amount=D(0))),
    (-4061, "Order's position side does not match user's setting.", isolated_position, top_up(position_side=LONG)),
    (-4108, "Symbol is on delivering or delivered or settling or closed or pre-trading.", closed, limit()),
    (-4108, "Symbol is on delivering or delivered or settling or closed or pre-trading.", closed, algo()),
    (-4140, "Invalid symbol status for opening position", do(c.ChangeSymbol(BTC, SymbolStatus.PRE_SETTLE)), limit()),
    (-5024, "Symbol is not in trading status. Order amendment is not permitted.", resting_before_settlement, amend()),
    (-5026, "Exceed maximum modify order limit.", amended_ten_thousand_times, amend(price=D(58000))),
    (-5027, "No need to modify the order.", limit(), amend(price=D(59000))),
    (-5029, "Order's notional must be no smaller than 20", limit("2900", "0.1", symbol=ETH), amend(symbol=ETH, quantity=D("0.006"), price=D(2900))),
    (-5038, "Price match only supports order type: LIMIT, STOP AND TAKE_PROFIT", nothing, place(price_match=PriceMatch.QUEUE)),
    (-5038, "Price match only supports order type: LIMIT, STOP AND TAKE_PROFIT", nothing, algo(price_match=PriceMatch.QUEUE)),
    (-5040, "The goodTillDate timestamp must be greater than the current time plus 600 seconds and smaller than 253402300799000 (UTC 9999-12-31 23:59:59)", nothing, limit(tif=TimeInForce.GTD, good_till_date=1_800_000_000_500)),
    (-5040, "The goodTillDate timestamp must be greater than the current time plus 600 seconds and smaller than 253402300799000 (UTC 9999-12-31 23:59:59)", nothing, limit(tif=TimeInForce.GTD, good_till_date=253_402_300_799_000)),
    (-5041, "No depth matches this BBO order", nothing, limit(None, price_match=PriceMatch.OPPONENT_5)),
    (-1106, "Parameter 'price' sent when not required.", nothing, limit(price_match=PriceMatch.QUEUE)),
    (-5047, "The original order is not a reduce-only order.", limit(), amend(reduce_only=True)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "message", "before", "act"), CASES, ids=[f"{i}{case[0]}" for i, case in enumerate(CASES)]
)
def test_refused_with_the_exact_words_and_nothing_changed(bench: Bench, code, message, before, act) -> None:
    before(bench)
    books = bench.engine.state_hash()
    with pytest.raises(ExchangeError) as caught:
        act(bench)
    assert (caught.value.code, caught.value.message) == (code, message)
    assert bench.engine.state_hash() == books


# Not reachable with the two shipped symbols, whose least quantity is one step; and only LIMIT orders rest.
UNREACHABLE = {-4004, -4023, -5025}


def test_a_coarse_symbol_shows_the_two_filters_that_the_shipped_ones_cannot() -> None:
    coarse = replace(default_symbols()[0], step=D("0.01"), min_quantity=D("0.05"))
    for quantity, code in (("0.01", -4004), ("0.055", -4023)):
        with pytest.raises(ExchangeError) as caught:
            quantity_lots(coarse, D(quantity), market=True)
        assert caught.value.code == code


def test_every_text_we_keep_is_one_we_say() -> None:
    assert set(TEXTS) - {case[0] for case in CASES} == UNREACHABLE


def test_a_small_exit_is_not_asked_for_its_notional(bench: Bench) -> None:
    bench.market(BUY, "0.001")
    bench.price("40000")
    bench.market(SELL, "0.001", reduce_only=True)
    assert bench.amount() == 0
