"""Every stream of the documents, and every payload: sent by a venue to which it happens, or explained in a table."""

import asyncio
import json
import re
from decimal import Decimal
from pathlib import Path

from tests.adapters.exchange_sim.conftest import ACCOUNT, KEY
from tests.adapters.exchange_sim.standing import standing

from perpmesh.exchange import commands as c
from perpmesh.exchange.words import MarginType, OrderType, Side, SymbolStatus, TimeInForce
from perpmesh.exchange_sim.adapters.hub import CADENCES_MS
from perpmesh.exchange_sim.domain.streams import parse_stream

HERE = Path(__file__).parent
SPEC = json.loads((HERE / "spec/usdm_streams.json").read_text())
BTC, ETH = "BTCUSDT", "ETHUSDT"
USER = "UserDataStreamEventsResponse"
CALLED = {  # the documents' name of a stream: what to subscribe to, and the payload it carries ("Inner": in an array)
    "<symbol>@aggTrade": ("btcusdt@aggTrade", "AggregateTradeStreamsResponse"),
    "!forceOrder@arr": ("!forceOrder@arr", "AllMarketLiquidationOrderStreamsResponse"),
    "!miniTicker@arr": ("!miniTicker@arr", "AllMarketMiniTickersStreamResponseInner"),
    "!ticker@arr": ("!ticker@arr", "AllMarketTickersStreamsResponseInner"),
    "!assetIndex@arr": ("!assetIndex@arr", "AssetIndexResponseInner"),
    "<pair>_<contractType>@continuousKline_<interval>": (
        "btcusdt_perpetual@continuousKline_1m",
        "ContinuousContractKlineCandlestickStreamsResponse",
    ),
    "!contractInfo": ("!contractInfo", "ContractInfoStreamResponse"),
    "<symbol>@miniTicker": ("btcusdt@miniTicker", "IndividualSymbolMiniTickerStreamResponse"),
    "<symbol>@ticker": ("btcusdt@ticker", "IndividualSymbolTickerStreamsResponse"),
    "<symbol>@kline_<interval>": ("btcusdt@kline_1m", "KlineCandlestickStreamsResponse"),
    "<symbol>@forceOrder": ("btcusdt@forceOrder", "LiquidationOrderStreamsResponse"),
    "<symbol>@markPrice@<updateSpeed>": ("btcusdt@markPrice@1s", "MarkPriceStreamResponse"),
    "!markPrice@arr@<updateSpeed>": ("!markPrice@arr@1s", "MarkPriceStreamForAllMarketResponseInner"),
    "!bookTicker": ("!bookTicker", "AllBookTickersStreamResponse"),
    "<symbol>@depth@<updateSpeed>": ("btcusdt@depth@100ms", "DiffBookDepthStreamsResponse"),
    "<symbol>@bookTicker": ("btcusdt@bookTicker", "IndividualSymbolBookTickerStreamsResponse"),
    "<symbol>@depth<levels>@<updateSpeed>": ("btcusdt@depth5@100ms", "PartialBookDepthStreamsResponse"),
    "<symbol>@rpiDepth@500ms": ("btcusdt@rpiDepth@500ms", "RpiDiffBookDepthStreamsResponse"),
}
SILENT = {
    "<symbol>@compositeIndex": "no composite index is traded",
    "tradingSession": "no contract on shares is traded",
}
EVENTS = {  # the user stream's: what `e` says, and the payload
    "ACCOUNT_CONFIG_UPDATE": "AccountConfigUpdate",
    "ACCOUNT_UPDATE": "AccountUpdate",
    "ALGO_UPDATE": "AlgoUpdate",
    "listenKeyExpired": "ListenKeyExpired",
    "MARGIN_CALL": "MarginCall",
    "ORDER_TRADE_UPDATE": "OrderTradeUpdate",
    "TRADE_LITE": "TradeLite",
}
UNSENT = {
    "CompositeIndexSymbolInformationStreamsResponse": "no composite index is traded",
    "CompositeIndexSymbolInformationStreamsResponseCInner": "no composite index is traded",
    "TradingSessionStreamResponse": "no contract on shares is traded",
    "ConditionalOrderTriggerReject": "Binance stopped sending it in December 2025; ALGO_UPDATE has the reason",
    "ConditionalOrderTriggerRejectOr": "Binance stopped sending it in December 2025; ALGO_UPDATE has the reason",
    "GridUpdate": "there are no grid bots",
    "GridUpdateGu": "there are no grid bots",
    "StrategyUpdate": "there are no strategy bots",
    "StrategyUpdateSu": "there are no strategy bots",
    "AccountConfigUpdateAi": "multi-assets mode cannot be switched on",
    "ContractInfoStreamResponseBksInner": "brackets do not change",
    USER: "it stands for any of the user stream's payloads",
}
AT_TIMES = {  # fields that are there only when they mean something
    "AccountUpdateA": {"S"},
    "OrderTradeUpdateO": {"M", "N", "n"},
    "MarginCall": {"cw"},
}
NEVER = {  # and those that mean nothing here
    "AccountConfigUpdate": {"ai"},
    "ContractInfoStreamResponse": {"bks"},
    "OrderTradeUpdateO": {"AP", "cr"},  # of conditional orders, which ALGO_UPDATE tells of since they moved there
}
SIMPLE = {"Str": str, "Int": int, "Bool": bool}


class Listener:
    """Keeps what it hears, by stream."""

    def __init__(self):
        self.heard = []

    def offer(self, stream, payload, event=""):
        self.heard.append((stream, json.loads(payload)))

    def of(self, stream):
        return [message for name, message in self.heard if name == stream]


class Walk:
    """Holds messages against the documents' models, and remembers which models and fields it met."""

    def __init__(self):
        self.met = {}
        self.wrong = []

    def hold(self, value, kind, where):
        """Compare a value with a type as the documents write it."""
        if kind.startswith(("List[", "Annotated[")):
            inner = re.sub(r"^\w+\[(.*)\]$", r"\1", kind)
            if kind.startswith("Annotated["):
                self.hold(value, inner.split(", Field")[0], where)
            elif not isinstance(value, list):
                self.wrong.append(f"{where}: {value!r} is no list")
            else:
                for each in value:
                    self.hold(each, inner, where)
        elif kind in SIMPLE:
            if type(value) is not SIMPLE[kind]:
                self.wrong.append(f"{where}: {value!r} is no {kind}")
        else:
            self.hold_model(value, kind, where)

    def hold_model(self, value, model, where):
        fields = SPEC["payloads"][model]
        met = self.met.setdefault(model, set())
        names = set(value) - {"e"}  # which the models of the user stream leave out
        met |= names
        for name in names - fields.keys():
            self.wrong.append(f"{where}.{name} is too much")
        for name in fields.keys() - {"e"} - names - AT_TIMES.get(model, set()) - NEVER.get(model, set()):
            self.wrong.append(f"{where}.{name} is missing")
        for name in names & fields.keys():
            self.hold(value[name], fields[name], f"{where}.{name}")


class Life:
    """An account to which everything happens that a stream can tell of."""

    def __init__(self):
        self.parts, _ = standing(accounts=(ACCOUNT,))
        self.account = self.parts.venue.api_keys[KEY].account
        self.listener = Listener()
        self.key = ""

    def listen(self, *names):
        self.parts.hub.subscribe(self.listener, names)

    async def do(self, act):
        asked = asyncio.create_task(self.parts.sequencer.submit(act))
        await asyncio.sleep(0)
        await self.parts.sequencer.turn()
        return await asked

    async def execute(self, command):
        await self.do(lambda turn: turn.execute(command))
        self.beat()

    async def pass_time(self, ms):
        self.parts.clock.advance(ms)
        await self.parts.sequencer.turn()
        self.beat()

    def beat(self):
        for cadence in CADENCES_MS:
            self.parts.hub.send_due(cadence)

    def mark(self, symbol=BTC):
        return self.parts.venue.engine.market(symbol).mark

    async def order(self, symbol, side, kind, quantity, **more):
        await self.execute(c.PlaceOrder(self.account, symbol, side, kind, Decimal(quantity), **more))

    async def watch(self, symbol, kind, **more):
        order = c.PlaceAlgoOrder(self.account, symbol, Side.SELL, kind, quantity=Decimal("0.001"), **more)
        await self.execute(order)

    async def fall(self, symbol, told):
        """Lower the mark until `told` is heard."""
        mark = self.mark(symbol)
        for step in range(1, 100):
            lower = (mark * (200 - step) / 200).quantize(Decimal("0.1"))
            await self.execute(c.SetMark(symbol, lower, lower))
            if any(told(message) for _, message in self.listener.heard):
                return
        raise AssertionError("nothing happened")

    async def live(self):
        """Let everything happen."""
        self.key = await self.do(lambda turn: turn.venue.open_listen_key(self.account, turn.wall_ms))
        self.listen(self.key, "btcusdt@trade", *(name for name, _ in CALLED.values()))
        await self.pass_time(61_000)
        below = (self.mark() * Decimal("0.97")).quantize(Decimal("0.1"))
        limit = {"price": below, "time_in_force": TimeInForce.GTC, "client_order_id": "one"}
        await self.execute(c.SetMarginType(self.account, ETH, MarginType.ISOLATED))
        await self.execute(c.SetLeverage(self.account, BTC, 100))
        await self.order(BTC, Side.BUY, OrderType.LIMIT, "0.010", **limit)
        change = {"price": below, "quantity": Decimal("0.009"), "client_order_id": "one", "modify_id": 7}
        await self.execute(c.AmendOrder(self.account, BTC, Side.BUY, **change))
        await self.execute(c.CancelOrder(self.account, BTC, client_order_id="one"))
        await self.order(BTC, Side.BUY, OrderType.MARKET, "0.500")
        await self.order(ETH, Side.BUY, OrderType.MARKET, "0.100")
        await self.watch(BTC, OrderType.STOP_MARKET, trigger_price=below)
        await self.watch(BTC, OrderType.TRAILING_STOP_MARKET, callback_rate=Decimal(1))
        await self.execute(c.MarketTrade(BTC, below, Decimal("0.001"), Side.SELL))
        for symbol in (BTC, ETH):
            await self.execute(c.SettleFunding(symbol, Decimal("0.0001")))
        await self.fall(ETH, is_call)
        await self.fall(BTC, lambda message: is_call(message) and "cw" in message)
        await self.fall(BTC, lambda message: isinstance(message, dict) and message.get("e") == "forceOrder")
        await self.execute(c.ChangeSymbol(BTC, tick=Decimal("0.20")))
        await self.execute(c.ChangeSymbol(ETH, status=SymbolStatus.PRE_SETTLE))
        await self.pass_time(3_600_001)
        return self.listener


def is_call(message):
    return isinstance(message, dict) and message.get("e") == "MARGIN_CALL"


async def test_every_payload_of_the_documents_is_sent_as_they_say_or_explained():
    life, walk = Life(), Walk()
    listener = await life.live()
    for name, model in CALLED.values():
        messages = listener.of(name)
        assert messages, f"{name} stayed silent"
        for message in messages:
            rows = message if isinstance(message, list) else [message]
            for row in rows:
                walk.hold_model(row, model, name)
                assert row["e"] == example_of(model)["e"]
    for message in listener.of(life.key):
        walk.hold_model(message, EVENTS[message["e"]], message["e"])
    assert {message["e"] for message in listener.of(life.key)} == EVENTS.keys()
    assert not walk.wrong, sorted(set(walk.wrong))
    assert walk.met.keys() | UNSENT.keys() == SPEC["payloads"].keys()
    assert not walk.met.keys() & UNSENT.keys()
    for model, names in walk.met.items():
        assert names == SPEC["payloads"][model].keys() - {"e"} - NEVER.get(model, set()), model


def example_of(model):
    """Return the documents' example of a payload."""
    wanted = SPEC["payloads"][model].keys()
    for example in SPEC["examples"].values():
        row = example[0] if isinstance(example, list) else example
        if row.keys() == wanted:
            return row
    raise AssertionError(f"no example of {model}")


def test_every_stream_of_the_documents_is_served_or_explained():
    assert CALLED.keys() | SILENT.keys() == {each["stream"] for each in SPEC["streams"]}
    for each in SPEC["streams"]:
        if each["stream"] in CALLED:
            stream = parse_stream(CALLED[each["stream"]][0])
            assert stream.kind.is_public == (each["route"] == "public"), each


def test_the_documents_table_of_streams_is_complete():
    text = (HERE.parents[2] / "docs/EXCHANGE.md").read_text()
    rows = {row[0]: row for row in re.findall(r"^\| `([^`]+)` \|([^|]*)\|([^|]*)\|$", text, re.MULTILINE)}
    for each in SPEC["streams"]:
        assert each["stream"] in rows, each["stream"]
        assert ("not sent" in rows[each["stream"]][2]) == (each["stream"] in SILENT)
    for event in (*EVENTS, "CONDITIONAL_ORDER_TRIGGER_REJECT", "GRID_UPDATE", "STRATEGY_UPDATE"):
        assert event in rows, event
        assert ("not sent" in rows[event][2]) == (event not in EVENTS)
