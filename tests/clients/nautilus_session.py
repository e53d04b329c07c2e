"""A nautilus_trader node with a strategy that goes through an order's life, told line by line on stdout.

It is a program of its own, because a node wants a process for itself: `python nautilus_session.py HOST KEY SECRET`.
"""

import json
import sys
from datetime import timedelta
from decimal import Decimal

from nautilus_trader.adapters.binance import (
    BINANCE,
    BinanceAccountType,
    BinanceDataClientConfig,
    BinanceExecClientConfig,
    BinanceLiveDataClientFactory,
    BinanceLiveExecClientFactory,
)
from nautilus_trader.config import (
    InstrumentProviderConfig,
    LiveExecEngineConfig,
    LoggingConfig,
    StrategyConfig,
    TradingNodeConfig,
)
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import OrderSide, TriggerType
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.trading.strategy import Strategy

BTC = "BTCUSDT-PERP.BINANCE"


def tell(what, **facts):
    print(json.dumps({"what": what, **facts}), flush=True)


class SessionConfig(StrategyConfig, frozen=True):
    instrument_id: InstrumentId = InstrumentId.from_str(BTC)


class Session(Strategy):
    """Rest, amend, cancel; enter, protect, and be closed by the stop, or by hand where the stop is refused."""

    finished = staticmethod(lambda: None)

    def on_start(self):
        self.heard = set()
        self.instrument = self.cache.instrument(self.config.instrument_id)
        tell(
            "started",
            positions=[
                [str(held.instrument_id), str(held.signed_decimal_qty())] for held in self.cache.positions_open()
            ],
            orders=[order.client_order_id.value for order in self.cache.orders_open()],
            balance=str(self.portfolio.account(self.instrument.venue).balance_total(self.instrument.quote_currency)),
        )
        self.subscribe_quote_ticks(self.instrument.id)
        self.subscribe_trade_ticks(self.instrument.id)
        self.subscribe_order_book_deltas(self.instrument.id)
        hour_ago = self.clock.utc_now() - timedelta(hours=1)
        self.request_bars(BarType.from_str(f"{BTC}-1-MINUTE-LAST-EXTERNAL"), start=hour_ago)
        self.resting = self.order_factory.limit(
            self.instrument.id, OrderSide.BUY, self.quantity("0.010"), self.price("99000"), post_only=True
        )
        self.submit_order(self.resting)

    def quantity(self, text):
        return self.instrument.make_qty(Decimal(text))

    def price(self, text):
        return self.instrument.make_price(Decimal(text))

    def hear(self, kind, first):
        if kind not in self.heard:
            self.heard.add(kind)
            tell("heard", kind=kind, first=str(first))

    def on_quote_tick(self, tick):
        self.hear("quotes", tick)

    def on_trade_tick(self, tick):
        self.hear("trades", tick)

    def on_order_book_deltas(self, deltas):
        self.hear("book", deltas)

    def on_historical_data(self, data):
        self.hear("bars", data)

    def on_order_accepted(self, event):
        tell("accepted", order=event.client_order_id.value)
        if event.client_order_id == self.resting.client_order_id:
            self.modify_order(self.resting, quantity=self.quantity("0.020"), price=self.price("99100"))
        elif event.client_order_id == self.protection.client_order_id:
            tell("protected")

    def on_order_updated(self, event):
        tell("amended", quantity=str(event.quantity), price=str(event.price))
        self.cancel_order(self.resting)

    def on_order_canceled(self, event):
        tell("canceled", order=event.client_order_id.value)
        entry = self.order_factory.market(self.instrument.id, OrderSide.BUY, self.quantity("0.010"))
        self.protection = self.order_factory.stop_market(
            self.instrument.id,
            OrderSide.SELL,
            self.quantity("0.010"),
            self.price("99000"),
            trigger_type=TriggerType.LAST_PRICE,
            reduce_only=True,
        )
        self.submit_order(entry)

    def on_position_opened(self, event):
        tell("opened", quantity=str(event.quantity), price=event.avg_px_open)
        self.submit_order(self.protection)

    def on_order_rejected(self, event):
        tell("rejected", reason=event.reason)
        self.close_all_positions(self.instrument.id)

    def on_position_closed(self, event):
        tell("closed", profit=str(event.realized_pnl))
        self.finished()


def node_of(host, key, secret):
    venue = {
        "api_key": key,
        "api_secret": secret,
        "account_type": BinanceAccountType.USDT_FUTURES,
        "base_url_http": f"http://{host}",
        "base_url_ws": f"ws://{host}",
        "instrument_provider": InstrumentProviderConfig(load_all=True),
    }
    stream = {"base_url_ws_stream": f"ws://{host}/private"}  # the newer versions' setting for the account's events
    known = BinanceExecClientConfig.__struct_fields__
    config = TradingNodeConfig(
        trader_id="TESTER-001",
        logging=LoggingConfig(log_level="ERROR"),
        exec_engine=LiveExecEngineConfig(reconciliation=True),
        data_clients={BINANCE: BinanceDataClientConfig(**venue)},
        exec_clients={
            BINANCE: BinanceExecClientConfig(**venue, **{name: url for name, url in stream.items() if name in known})
        },
        timeout_post_stop=0.1,
    )
    node = TradingNode(config=config)
    node.add_data_client_factory(BINANCE, BinanceLiveDataClientFactory)
    node.add_exec_client_factory(BINANCE, BinanceLiveExecClientFactory)
    return node


def main():
    node, session = node_of(*sys.argv[1:4]), Session(SessionConfig())
    session.finished = node.stop
    node.trader.add_strategy(session)
    node.build()
    try:
        node.run()
    finally:
        node.dispose()


if __name__ == "__main__":
    main()
