"""What may stand in a request: values that make sense, and values that nobody should send."""

import json

BOOLEAN = ("true", "false", "True", '"true"')
MONEY = (*(f"{price}.0" for price in range(94_000, 112_000, 1_500)), "100000.1", "2400.00", "2600.5", "0", "250000.0")
IDS = ("1", "2", "3", "4", "99999999")
NAMES = ("a", "b", "web_1", "x" * 36)
TIMES = ("0", "1700000000000", "1795500000000", "253402300799000")

SENSIBLE = {
    "symbol": ("BTCUSDT",) * 4 + ("ETHUSDT", "btcusdt"),
    "pair": ("BTCUSDT", "ETHUSDT"),
    "contractType": ("PERPETUAL", "CURRENT_QUARTER"),
    "side": ("BUY", "SELL"),
    "type": ("MARKET", "LIMIT", "MARKET", "LIMIT", "LIMIT", "STOP_MARKET"),
    "type of positionMargin": ("1", "2"),
    "type of algoOrder": ("STOP_MARKET", "TAKE_PROFIT_MARKET", "STOP", "TAKE_PROFIT", "TRAILING_STOP_MARKET"),
    "positionSide": ("BOTH", "BOTH", "BOTH", "LONG", "SHORT"),
    "timeInForce": ("GTC", "GTC", "GTC", "IOC", "FOK", "GTX", "GTD", "RPI"),
    "quantity": ("0.002", "0.010", "0.012", "0.050", "0.050", "0.100", "1", "0.0005", "1001"),
    "price": MONEY,
    "triggerPrice": MONEY,
    "stopPrice": MONEY,
    "activatePrice": MONEY,
    "activationPrice": MONEY,
    "callbackRate": ("0.1", "1", "5", "11"),
    "amount": ("1", "100.5", "1000000"),
    "reduceOnly": BOOLEAN,
    "closePosition": BOOLEAN,
    "priceProtect": BOOLEAN,
    "dualSidePosition": ("false",) * 20 + BOOLEAN,
    "multiAssetsMargin": BOOLEAN,
    "feeBurn": BOOLEAN,
    "newClientOrderId": NAMES,
    "origClientOrderId": NAMES,
    "clientAlgoId": NAMES,
    "newOrderRespType": ("ACK", "RESULT"),
    "workingType": ("MARK_PRICE", "CONTRACT_PRICE"),
    "priceMatch": ("NONE", "OPPONENT", "OPPONENT_5", "QUEUE", "QUEUE_20"),
    "selfTradePreventionMode": ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"),
    "goodTillDate": TIMES,
    "orderId": IDS,
    "algoId": IDS,
    "fromId": IDS,
    "modifyId": IDS,
    "algoType": ("CONDITIONAL",) * 9 + ("VP",),
    "orderIdList": ("[1,2]", "[]", '["1"]'),
    "origClientOrderIdList": ('["a","b"]', "[]"),
    "countdownTime": ("0", "1000", "120000"),
    "leverage": ("1", "20", "125", "126"),
    "marginType": ("ISOLATED", "CROSSED"),
    "interval": ("1m", "5m", "1h", "1d", "1w", "1M", "1s"),
    "period": ("5m", "1h", "1d"),
    "limit": ("1", "5", "7", "500", "1000", "1500"),
    "startTime": TIMES,
    "endTime": TIMES,
    "incomeType": ("COMMISSION", "REALIZED_PNL", "FUNDING_FEE", "TRANSFER"),
    "autoCloseType": ("LIQUIDATION", "ADL"),
    "recvWindow": ("5000", "60000", "60001", "0"),
    "asset": ("USDT", "BNB"),
    "batchOrders": tuple(
        json.dumps(rows)
        for rows in (
            [{"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.002"}],
            [{"symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "quantity": 1, "price": 99999.5}] * 3,
            [{"symbol": "ETHUSDT", "orderId": 1, "side": "BUY", "quantity": "0.050", "price": "2000"}, {}],
            [{"symbol": ["BTCUSDT"], "quantity": {"a": None}, "side": True}],
            [None, 1, "x"],
            [{}] * 11,
        )
    ),
}
HOSTILE = (
    *("", "0", "-1", "+1", "1e3", "1e999999", "1e-400", "NaN", "-Infinity", "0.00000000001", "9" * 40, "9" * 5_000),
    *("1_000", " 1 ", "\t1", "0x10", "٣", "１", "1.", ".5", "--1", "1,5", "0.1.2", "-0", "00000000000000000001"),
    *("ünïcode", "\x00", "\x00BTCUSDT", "\ud7ff", "🚀", "BTCUSDT\n", "BTC/USDT", "ı", "ß", "İ"),
    *("null", "None", "undefined", "true", "[]", "{}", "[[[[[]]]]]", '[{"a":', "[" * 500, '{"a":1}', "[1e999]"),
    *("' OR 1=1 --", "../../etc/passwd", "%", "%%", "%zz", "%00", "&", "=", "a=b&c=d", "<script>", "${x}", "a" * 37),
    "999999999999999999999999999999",
    "-9223372036854775809",
    "18446744073709551616",
)
