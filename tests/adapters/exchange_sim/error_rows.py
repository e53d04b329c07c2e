"""How each refusal of Binance is provoked by a request, in Binance's own words; and why the others cannot happen here.

In parameters a float stands for that many times the mark price.
"""

from decimal import Decimal
from typing import Any, NamedTuple

from perpmesh.exchange.commands import AmendOrder, ChangeSymbol, PlaceAlgoOrder, PlaceOrder, SetBook
from perpmesh.exchange.words import OrderType, Side, SymbolStatus, TimeInForce

BTC, ETH = "BTCUSDT", "ETHUSDT"
ORDER, ALGO, BATCH = "POST /fapi/v1/order", "POST /fapi/v1/algoOrder", "POST /fapi/v1/batchOrders"
AMEND, CANCEL, QUERY = "PUT /fapi/v1/order", "DELETE /fapi/v1/order", "GET /fapi/v1/order"
TRADES, KLINES, MARGIN = "GET /fapi/v1/userTrades", "GET /fapi/v1/klines", "POST /fapi/v1/positionMargin"
LEVERAGE, MARGIN_TYPE, MODE = "POST /fapi/v1/leverage", "POST /fapi/v1/marginType", "POST /fapi/v1/positionSide/dual"
DAY = 86_400_000


def market(**more: Any) -> dict[str, Any]:
    return {"symbol": BTC, "side": "BUY", "type": "MARKET", "quantity": "0.010", **more}


def limit(price: Any = 0.97, **more: Any) -> dict[str, Any]:
    return {**market(), "type": "LIMIT", "timeInForce": "GTC", "price": price, "newClientOrderId": "mine", **more}


def stop(trigger: Any = 0.97, **more: Any) -> dict[str, Any]:
    base = {"algoType": "CONDITIONAL", "symbol": BTC, "side": "SELL", "type": "STOP_MARKET", "quantity": "0.010"}
    return {**base, "triggerPrice": trigger, **more}


def closing(**more: Any) -> dict[str, Any]:
    return {**{name: value for name, value in stop().items() if name != "quantity"}, "closePosition": "true", **more}


def amend(**more: Any) -> dict[str, Any]:
    return {"symbol": BTC, "side": "BUY", "origClientOrderId": "mine", "quantity": "0.010", "price": 0.96, **more}


def without(params: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name not in names}


class Row(NamedTuple):
    """A refusal: after the requests of `before` and the machine's commands, `route` with `params` gets it."""

    code: int
    message: Any  # or a function of the mark price
    route: str
    params: dict[str, Any]
    before: tuple[tuple[str, dict[str, Any]], ...] = ()
    status: int = 400
    commands: Any = None  # a function of the account's name and the mark price


HEDGE = (MODE, {"dualSidePosition": "true"})
ISOLATED = (MARGIN_TYPE, {"symbol": BTC, "marginType": "ISOLATED"})
HELD, RESTING, WATCHING = (ORDER, market()), (ORDER, limit()), (ALGO, stop(clientAlgoId="mine"))
NOT_RECORDED = "The order will not be recorded in the order history"


def missing(name: str) -> str:
    return f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."


def invalid(name: str) -> str:
    return f"Data sent for parameter '{name}' is not valid."


def times(mark: Decimal, factor: str) -> str:
    """Write the mark times a factor, down to a whole tick."""
    price = (mark * Decimal(factor)).quantize(Decimal("0.1"), "ROUND_DOWN")
    return f"{price.normalize():f}"


def many_orders(account: str, mark: Decimal) -> list[Any]:
    price = (mark * Decimal("0.97")).quantize(Decimal("0.1"))
    order = PlaceOrder(account, BTC, Side.BUY, OrderType.LIMIT, Decimal("0.001"), price, TimeInForce.GTC)
    return [order] * 200


def many_stops(account: str, mark: Decimal) -> list[Any]:
    trigger = (mark * Decimal("0.9")).quantize(Decimal("0.1"))
    stop_order = PlaceAlgoOrder(account, BTC, Side.SELL, OrderType.STOP_MARKET, trigger, Decimal("0.010"))
    return [stop_order] * 200


def many_amendments(account: str, mark: Decimal) -> list[Any]:
    prices = [(mark * Decimal(factor)).quantize(Decimal("0.1")) for factor in ("0.95", "0.96")]
    return [
        AmendOrder(account, BTC, Side.BUY, Decimal("0.010"), prices[n % 2], client_order_id="mine")
        for n in range(10_000)
    ]


ROWS = [
    Row(-1020, "This operation is not supported.", "POST /fapi/v1/convert/getQuote", {}),
    Row(-1021, "Timestamp for this request is outside of the recvWindow.", QUERY, {"timestamp": 1}),
    Row(-1021, "Timestamp for this request was 1000ms ahead of the server's time.", QUERY, {"timestamp": 9 * 10**12}),
    Row(-1023, "Start time is greater than end time.", TRADES, {"symbol": BTC, "startTime": 2, "endTime": 1}),
    Row(
        -1100,
        "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'.",
        KLINES,
        {"symbol": "BTC USDT", "interval": "1m"},
    ),
    Row(-1102, missing("symbol"), ORDER, without(market(), "symbol")),
    Row(-1102, missing("symbol"), ORDER, market(symbol="")),
    Row(-1102, missing("side"), ORDER, without(market(), "side")),
    Row(-1102, missing("type"), ORDER, without(market(), "type")),
    Row(-1102, missing("quantity"), ORDER, without(market(), "quantity")),
    Row(-1102, missing("quantity"), ORDER, market(quantity="1_0")),
    Row(-1102, missing("quantity"), ORDER, market(quantity="NaN")),
    Row(-1102, missing("price"), ORDER, without(limit(), "price")),
    Row(-1102, missing("timeInForce"), ORDER, without(limit(), "timeInForce")),
    Row(-1102, missing("goodTillDate"), ORDER, limit(timeInForce="GTD")),
    Row(-1102, missing("triggerPrice"), ALGO, without(stop(), "triggerPrice")),
    Row(-1102, missing("callbackRate"), ALGO, stop(type="TRAILING_STOP_MARKET")),
    Row(-1102, missing("batchOrders"), BATCH, {}),
    Row(-1102, missing("leverage"), LEVERAGE, {"symbol": BTC}),
    Row(-1102, missing("amount"), MARGIN, {"symbol": BTC, "type": 1}),
    Row(-1102, missing("countdownTime"), "POST /fapi/v1/countdownCancelAll", {"symbol": BTC}),
    Row(
        -1102,
        "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
        CANCEL,
        {"symbol": BTC},
    ),
    Row(-1105, "Parameter 'newClientOrderId' was empty.", ORDER, market(newClientOrderId="")),
    Row(-1106, "Parameter 'price' sent when not required.", ORDER, market(price=0.97)),
    Row(-1106, "Parameter 'timeInForce' sent when not required.", ORDER, market(timeInForce="GTC")),
    Row(-1106, "Parameter 'goodTillDate' sent when not required.", ORDER, limit(goodTillDate=9 * 10**12)),
    Row(
        -1106,
        "Parameter 'reduceonly' sent when not required.",
        ORDER,
        market(positionSide="LONG", reduceOnly="true"),
        (HEDGE,),
    ),
    Row(-1109, "Invalid account.", "GET /fapi/v1/pmAccountInfo", {"asset": "USDT"}),
    Row(-1111, "Precision is over the maximum defined for this asset.", ORDER, market(quantity="0.0101")),
    Row(-1111, "Precision is over the maximum defined for this asset.", ORDER, limit("90000.001")),
    Row(-1115, "Invalid timeInForce.", ORDER, limit(timeInForce="NEVER")),
    Row(-1116, "Invalid orderType.", ORDER, market(type="WISH")),
    Row(-1117, "Invalid side.", ORDER, market(side="HOLD")),
    Row(-1117, "Invalid side.", AMEND, amend(side="SELL"), (RESTING,)),
    Row(-1120, "Invalid interval.", KLINES, {"symbol": BTC, "interval": "7m"}),
    Row(-1121, "Invalid symbol.", ORDER, market(symbol="DOGEUSDT")),
    Row(
        -1125,
        "This listenKey does not exist. Please use POST /fapi/v1/listenKey to recreate listenKey",
        "PUT /fapi/v1/listenKey",
        {},
    ),
    Row(
        -1127,
        "More than 1 hours between startTime and endTime.",
        "GET /fapi/v1/aggTrades",
        {"symbol": BTC, "startTime": 0, "endTime": DAY},
    ),
    Row(
        -1128,
        "Combination of optional parameters invalid.",
        TRADES,
        {"symbol": BTC, "fromId": 1, "startTime": 1},
    ),
    Row(-1130, invalid("limit"), TRADES, {"symbol": BTC, "limit": 0}),
    Row(-1130, invalid("closePosition"), ALGO, stop(closePosition="perhaps")),
    Row(-1130, invalid("algoType"), ALGO, stop(algoType="VP")),
    Row(-1130, invalid("type"), MARGIN, {"symbol": BTC, "amount": "1", "type": 3}),
    Row(-1130, invalid("incomeType"), "GET /fapi/v1/income", {"incomeType": "GIFT"}),
    Row(-1130, invalid("period"), "GET /futures/data/takerlongshortRatio", {"symbol": BTC, "period": "7m"}),
    Row(-1130, invalid("batchOrders"), BATCH, {"batchOrders": "{"}),
    Row(-1131, "recvWindow must be less than 60000.", QUERY, {"symbol": BTC, "recvWindow": 60_001}),
    Row(-1136, "Invalid newOrderRespType.", ORDER, market(newOrderRespType="FULL")),
    Row(
        -2007,
        "Invalid callBack rate.",
        ALGO,
        without(stop(type="TRAILING_STOP_MARKET", callbackRate=21), "triggerPrice"),
    ),
    Row(-2011, "Unknown order sent.", CANCEL, {"symbol": BTC, "orderId": 77}),
    Row(-2013, "Order does not exist.", QUERY, {"symbol": BTC, "orderId": 77}),
    Row(-2019, "Margin is insufficient.", ORDER, market(quantity="3")),
    Row(-2021, "Order would immediately trigger.", ALGO, stop(1.01)),
    Row(-2022, "ReduceOnly Order is rejected.", ORDER, market(reduceOnly="true")),
    Row(-2025, "Reach max open order limit.", ORDER, limit(quantity="0.001"), commands=many_orders),
    Row(
        -2027,
        "Exceeded the maximum allowable position at current leverage.",
        ORDER,
        market(quantity="1"),
        ((LEVERAGE, {"symbol": BTC, "leverage": 125}),),
    ),
    Row(
        -2028,
        "Leverage is smaller than permitted: insufficient margin balance.",
        LEVERAGE,
        {"symbol": BTC, "leverage": 1},
        ((ORDER, market(quantity="1")),),
    ),
    Row(-4001, "Price less than 0.", ORDER, limit("-1")),
    Row(-4002, "Price greater than max price.", ORDER, limit("4529764.1")),
    Row(-4003, "Quantity less than or equal to zero.", ORDER, market(quantity="0")),
    Row(-4005, "Quantity greater than max quantity.", ORDER, market(quantity="120.001")),
    Row(-4006, "Stop price less than zero.", ALGO, stop("-1")),
    Row(-4007, "Stop price greater than max price.", ALGO, stop("4529764.1")),
    Row(-4013, "Price less than min price.", ORDER, limit("556.7")),
    Row(-4015, "Client order id is not valid.", ORDER, market(newClientOrderId="a b")),
    Row(-4015, "Client order id length should not be more than 36 chars", ORDER, market(newClientOrderId="x" * 37)),
    Row(-4016, lambda mark: f"Limit price can't be higher than {times(mark, '1.05')}.", ORDER, limit(1.06)),
    Row(-4021, "'7' is not valid depth limit.", "GET /fapi/v1/depth", {"symbol": BTC, "limit": 7}),
    Row(-4024, lambda mark: f"Limit price can't be lower than {times(mark, '0.95')}.", ORDER, limit(0.94, side="SELL")),
    Row(-4028, "Leverage 126 is not valid", LEVERAGE, {"symbol": BTC, "leverage": 126}),
    Row(-4031, "Invalid parameter working type: INDEX", ALGO, stop(workingType="INDEX")),
    Row(
        -4032,
        "Exceed maximum cancel order size.",
        "DELETE /fapi/v1/batchOrders",
        {"symbol": BTC, "orderIdList": f"{[*range(11)]}"},
    ),
    Row(-4045, "Reach max stop order limit.", ALGO, stop(), commands=many_stops),
    Row(-4046, "No need to change margin type.", MARGIN_TYPE, {"symbol": BTC, "marginType": "CROSSED"}),
    Row(
        -4047,
        "Margin type cannot be changed if there exists open orders.",
        MARGIN_TYPE,
        {"symbol": BTC, "marginType": "ISOLATED"},
        (RESTING,),
    ),
    Row(
        -4048,
        "Margin type cannot be changed if there exists position.",
        MARGIN_TYPE,
        {"symbol": BTC, "marginType": "ISOLATED"},
        (HELD,),
    ),
    Row(
        -4049,
        "Add margin only support for isolated position.",
        MARGIN,
        {"symbol": BTC, "amount": "1", "type": 1},
        (HELD,),
    ),
    Row(-4050, "Cross balance insufficient.", MARGIN, {"symbol": BTC, "amount": "99999", "type": 1}, (ISOLATED, HELD)),
    Row(-4051, "Isolated balance insufficient.", MARGIN, {"symbol": BTC, "amount": "999", "type": 2}, (ISOLATED, HELD)),
    Row(
        -4054,
        "Cannot add position margin: position is 0.",
        MARGIN,
        {"symbol": BTC, "amount": "1", "type": 1},
        (ISOLATED,),
    ),
    Row(-4055, "Amount must be positive.", MARGIN, {"symbol": BTC, "amount": "0", "type": 1}, (ISOLATED, HELD)),
    Row(-4059, "No need to change position side.", MODE, {"dualSidePosition": "false"}),
    Row(-4060, "Invalid position side.", ORDER, market(positionSide="UP")),
    Row(-4061, "Order's position side does not match user's setting.", ORDER, market(positionSide="LONG")),
    Row(-4061, "Order's position side does not match user's setting.", ORDER, market(), (HEDGE,)),
    Row(-4062, "Invalid or improper reduceOnly value.", ORDER, market(reduceOnly="perhaps")),
    Row(
        -4067,
        "Position side cannot be changed if there exists open orders.",
        MODE,
        {"dualSidePosition": "true"},
        (WATCHING,),
    ),
    Row(
        -4068, "Position side cannot be changed if there exists position.", MODE, {"dualSidePosition": "true"}, (HELD,)
    ),
    Row(-4082, "Invalid number of batch place orders: 6", BATCH, {"batchOrders": f"[{','.join(['{}'] * 6)}]"}),
    Row(
        -4104,
        "Invalid contract type.",
        "GET /fapi/v1/continuousKlines",
        {"pair": BTC, "contractType": "OPTION", "interval": "1m"},
    ),
    Row(-4116, "clientOrderId is duplicated", ORDER, limit(), (RESTING,)),
    Row(-4116, "clientOrderId is duplicated", ALGO, stop(clientAlgoId="mine"), (WATCHING,)),
    Row(
        -4120,
        "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.",
        ORDER,
        market(type="STOP_MARKET", stopPrice=0.97),
    ),
    Row(
        -4130,
        "An open stop or take profit order with GTE and closePosition in the direction is existing.",
        ALGO,
        closing(),
        ((ALGO, closing()),),
    ),
    Row(
        -4135,
        "Invalid activation price.",
        ALGO,
        without(stop(type="TRAILING_STOP_MARKET", callbackRate=1, activatePrice="0"), "triggerPrice"),
    ),
    Row(
        -4136,
        "Target strategy invalid for orderType TRAILING_STOP_MARKET,closePosition true",
        ALGO,
        closing(type="TRAILING_STOP_MARKET", callbackRate=1),
    ),
    Row(-4137, "Quantity must be zero with closePosition equals true", ALGO, closing(quantity="1")),
    Row(-4138, "Reduce only must be true with closePosition equals true", ALGO, closing(reduceOnly="true")),
    Row(-4144, "Invalid pair.", "GET /fapi/v1/indexPriceKlines", {"pair": "DOGEUSDT", "interval": "1m"}),
    Row(
        -4161,
        "Leverage reduction is not supported in Isolated Margin Mode with open positions",
        LEVERAGE,
        {"symbol": BTC, "leverage": 2},
        (ISOLATED, HELD),
    ),
    Row(
        -4164,
        "Order's notional must be no smaller than 20 (unless you choose reduce only).",
        ORDER,
        market(symbol=ETH, quantity="0.005"),
    ),
    Row(-4165, "Maximum time interval is 7 days.", TRADES, {"symbol": BTC, "startTime": 1, "endTime": 8 * DAY}),
    Row(
        -4167,
        "Unable to adjust to Multi-Assets mode with symbols of USDⓈ-M Futures under isolated-margin mode.",
        "POST /fapi/v1/multiAssetsMargin",
        {"multiAssetsMargin": "true"},
        (ISOLATED,),
    ),
    Row(
        -4170,
        "Unable to adjust Multi-Assets Mode with open orders in USDⓈ-M Futures",
        "POST /fapi/v1/multiAssetsMargin",
        {"multiAssetsMargin": "true"},
        (RESTING,),
    ),
    Row(
        -4171,
        "Adjusted asset mode is currently set and does not need to be adjusted repeatedly",
        "POST /fapi/v1/multiAssetsMargin",
        {"multiAssetsMargin": "false"},
    ),
    Row(
        -4183,
        "Limit price can't be higher than 105000.",
        ALGO,
        stop("100000", type="STOP", side="BUY", price="105000.1"),
    ),
    Row(-4184, "Limit price can't be lower than 47500.", ALGO, stop("50000", type="STOP", price="47499.9")),
    Row(
        -5021,
        f"Due to the order could not be filled immediately, the FOK order has been rejected. {NOT_RECORDED}",
        ORDER,
        limit(timeInForce="FOK"),
    ),
    Row(
        -5022,
        f"Due to the order could not be executed as maker, the Post Only order will be rejected. {NOT_RECORDED}",
        ORDER,
        limit(1.03, timeInForce="GTX"),
    ),
    Row(-5026, "Exceed maximum modify order limit.", AMEND, amend(price=0.97), (RESTING,), commands=many_amendments),
    Row(-5027, "No need to modify the order.", AMEND, amend(price=0.97), (RESTING,)),
    Row(-5037, "Invalid price match", ORDER, without(limit(priceMatch="BEST"), "price")),
    Row(
        -5038,
        "Price match only supports order type: LIMIT, STOP AND TAKE_PROFIT",
        ORDER,
        market(priceMatch="QUEUE"),
    ),
    Row(-5039, "Invalid self trade prevention mode", ORDER, market(selfTradePreventionMode="FIGHT")),
    Row(
        -5040,
        "The goodTillDate timestamp must be greater than the current time plus 600 seconds and smaller than "
        "253402300799000 (UTC 9999-12-31 23:59:59)",
        ORDER,
        limit(timeInForce="GTD", goodTillDate=1),
    ),
    Row(-5047, "The original order is not a reduce-only order.", AMEND, amend(reduceOnly="true"), (RESTING,)),
]


def status_of(symbol_status: SymbolStatus) -> Any:
    return lambda _, __: [ChangeSymbol(BTC, symbol_status)]


def far_book(_: str, mark: Decimal) -> list[Any]:
    """The best prices lie outside of the band around the mark."""
    far = [(mark * Decimal(factor)).quantize(Decimal("0.1")) for factor in ("0.9", "1.1")]
    return [SetBook(BTC, ((far[0], Decimal(1)),), ((far[1], Decimal(1)),))]


# What changes the market for everybody: each in an exchange of its own.
MARKET_ROWS = [
    Row(
        -4004,
        "Quantity less than min quantity.",
        ORDER,
        market(),
        commands=lambda _, __: [ChangeSymbol(BTC, min_quantity=Decimal("0.02"))],
    ),
    Row(
        -4014,
        "Price not increased by tick size.",
        ORDER,
        limit("90000.1"),
        commands=lambda _, __: [ChangeSymbol(BTC, tick=Decimal("0.5"))],
    ),
    Row(
        -4023,
        "Qty not increased by step size.",
        ORDER,
        market(quantity="0.015"),
        commands=lambda _, __: [ChangeSymbol(BTC, step=Decimal("0.01"), min_quantity=Decimal("0.01"))],
    ),
    Row(
        -4108,
        "Symbol is on delivering or delivered or settling or closed or pre-trading.",
        ORDER,
        market(),
        commands=status_of(SymbolStatus.CLOSE),
    ),
    Row(
        -4131,
        "The counterparty's best price does not meet the PERCENT_PRICE filter limit",
        ORDER,
        market(),
        commands=far_book,
    ),
    Row(
        -4140,
        "Invalid symbol status for opening position",
        ORDER,
        market(),
        commands=status_of(SymbolStatus.PRE_SETTLE),
    ),
    Row(
        -5024,
        "Symbol is not in trading status. Order amendment is not permitted.",
        AMEND,
        amend(),
        (RESTING,),
        commands=status_of(SymbolStatus.PRE_SETTLE),
    ),
    Row(
        -5041,
        "No depth matches this BBO order",
        ORDER,
        without(limit(priceMatch="QUEUE_5"), "price"),
        commands=far_book,
    ),
]


class FaultRow(NamedTuple):
    """What only a fault brings about: the answer to a market order while it is set."""

    code: int
    message: str
    status: int
    fault: str
    parameters: dict[str, Any]


FAULT_ROWS = [
    FaultRow(-1000, "Service Unavailable.", 503, "server_error_before", {}),
    FaultRow(
        -1001,
        "Internal error; unable to process your request. Please try again.",
        500,
        "refuse",
        {"code": -1001, "status": 500},
    ),
    FaultRow(
        -1006,
        "An unexpected response was received from the message bus. Execution status unknown.",
        500,
        "refuse",
        {"code": -1006, "status": 500},
    ),
    FaultRow(
        -1007,
        "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
        408,
        "timeout_not_accepted",
        {},
    ),
    FaultRow(
        -1008,
        "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again.",
        503,
        "throttled",
        {},
    ),
    FaultRow(-1016, "This service is no longer available.", 503, "maintenance", {}),
    FaultRow(-5028, "Timestamp for this request is outside of the ME recvWindow.", 400, "latency", {"ms": 150}),
]
# Provoked by requests that the table has no words for.
BY_OTHER_TESTS = {
    -1003: "a limit of its own, here",
    -1013: "a body too large, here",
    -1015: "a limit of its own, here",
    -1022: "a wrong signature, here",
    -1101: "a parameter twice, here",
    -2014: "no key, here",
    -2015: "a stranger's key, here",
}

_ADMINISTRATION = "told to those who configure a market, not to those who trade on it"
_IP = "keys are not bound to addresses here"
_OPTIONS = "options are not traded here"
_UNREAD = "parameters that a method does not know are not looked at, as on Binance"
_COMPLIANCE = "nobody is restricted by country, age or identity here"
_MULTI_ASSETS = "multi-assets mode cannot be on"
_TRANSFER = "money comes and goes by the control service"
_ATOMIC = "triggers and liquidations are over before the next request is looked at"
_NAMED = "another code says it more exactly: "

CANNOT_HAPPEN = {
    -1002: f"{_NAMED}-2015",
    -1004: _IP,
    -1005: _IP,
    -1010: f"{_NAMED}-1000",
    -1011: _IP,
    -1014: f"{_NAMED}-1106, -4136",
    -1099: f"{_NAMED}-5000",
    -1103: _UNREAD,
    -1104: _UNREAD,
    -1108: "no method that is served takes an asset",
    -1110: _ADMINISTRATION,
    -1112: "a market order that finds nobody expires",
    -1113: _TRANSFER,
    -1114: f"{_NAMED}-1106",
    -1118: f"{_NAMED}-1105",
    -1119: f"{_NAMED}-1105",
    -1122: f"{_NAMED}-4108, -4140",
    -1126: "no method that is served takes an asset",
    -2010: "every refusal of an order has a code of its own",
    -2012: "cancelling all cannot fail",
    -2016: "24hr statistics go back as far as the data",
    -2017: "keys are not locked here",
    -2018: _TRANSFER,
    -2020: f"{_NAMED}-5021",
    -2023: _ATOMIC,
    -2024: f"{_NAMED}-2022",
    -2026: "every type of order may be reduce-only",
    -2038: "spot's",
    -2039: "spot's",
    -4000: _ADMINISTRATION,
    -4008: _ADMINISTRATION,
    -4009: _ADMINISTRATION,
    -4010: _ADMINISTRATION,
    -4011: _ADMINISTRATION,
    -4012: _ADMINISTRATION,
    -4017: _ADMINISTRATION,
    -4018: _ADMINISTRATION,
    -4019: _ADMINISTRATION,
    -4020: f"{_NAMED}-4136",
    -4022: _ADMINISTRATION,
    -4025: _ADMINISTRATION,
    -4026: _ADMINISTRATION,
    -4027: _ADMINISTRATION,
    -4029: _ADMINISTRATION,
    -4030: _ADMINISTRATION,
    -4033: "there is always an insurance fund",
    -4044: _ADMINISTRATION,
    -4052: "the method that adds margin by itself is no longer in the documents",
    -4053: "the method that adds margin by itself is no longer in the documents",
    -4056: "keys are made by the control service; the WebSocket API says it of a logon",
    -4057: "keys are made by the control service",
    -4058: _ADMINISTRATION,
    **dict.fromkeys((*range(-4066, -4062), *range(-4081, -4068)), _OPTIONS),
    -4083: "a batch answers for each of its orders",
    -4084: "every method is either served or refused for good",
    -4085: _ADMINISTRATION,
    -4086: _ADMINISTRATION,
    -4087: _COMPLIANCE,
    -4088: _COMPLIANCE,
    -4114: _TRANSFER,
    -4115: _TRANSFER,
    -4117: _ATOMIC,
    -4118: f"{_NAMED}-2022",
    -4139: "every order can be cancelled",
    -4141: f"{_NAMED}-4108",
    -4142: f"{_NAMED}-2021",
    -4168: _MULTI_ASSETS,
    -4169: _MULTI_ASSETS,
    -4172: _MULTI_ASSETS,
    -4192: "there is no cooling-off period here",
    **dict.fromkeys((-4202, -4203, -4205, -4206, -4208), _COMPLIANCE),
    -4209: f"{_NAMED}-4028",
    -4210: "trigger prices are bound by the price filter only",
    -4211: "trigger prices are bound by the price filter only",
    **dict.fromkeys((-4400, -4401, -4402, -4403), _COMPLIANCE),
    -4531: "there is no coin-margined side to be in step with",
    -5025: "only limit orders rest, so no other can be amended",
}
