"""The matching engine of nautilus_trader's backtest node on our commands. Importing this needs that package."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from nautilus_trader.backtest.engine import OrderMatchingEngine
from nautilus_trader.backtest.models import FillModel, MakerTakerFeeModel
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import MessageBus, TestClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import CancelOrder as Cancel
from nautilus_trader.model.enums import AccountType, BookType, OmsType, OrderSide
from nautilus_trader.model.identifiers import AccountId, StrategyId, TraderId
from nautilus_trader.test_kit.providers import TestInstrumentProvider

from perpmesh.exchange.commands import CancelOrder, PlaceOrder
from perpmesh.exchange.words import Side

ENOUGH = 4_000  # commands: it walks its resting orders on each, so it is timed on the first of them only


def nautilus_seconds(commands: Sequence[PlaceOrder | CancelOrder]) -> float:
    """Return its seconds for all `commands`, reckoned from the first ones."""
    peer = _Peer()
    steps = [peer.translate(command) for command in commands[:ENOUGH]]
    began = time.process_time()
    for act, argument in steps:
        act(argument)
    return (time.process_time() - began) * len(commands) / len(steps)


class _Peer:
    """One market, and the least that keeps its orders' states: each event is applied to its order."""

    def __init__(self) -> None:
        clock, trader = TestClock(), TraderId("BENCH-001")
        bus = MessageBus(trader, clock)
        bus.register("ExecEngine.process", self._happened)
        self._cache = Cache()
        self._instrument = TestInstrumentProvider.btcusdt_perp_binance()
        self._cache.add_instrument(self._instrument)
        self._account = AccountId("BINANCE-001")
        self._factory = OrderFactory(trader, StrategyId("BENCH-1"), clock)
        self._orders: list[Any] = []
        self._engine = OrderMatchingEngine(
            self._instrument,
            1,
            FillModel(),
            MakerTakerFeeModel(),
            BookType.L2_MBP,
            OmsType.NETTING,
            AccountType.MARGIN,
            bus,
            self._cache,
            clock,
        )

    def translate(self, command: PlaceOrder | CancelOrder) -> tuple[Callable[[Any], None], Any]:
        """Return what to call and with what, so that only the matching is timed."""
        if isinstance(command, CancelOrder):
            order = self._orders[(command.order_id or 0) - 1]
            ids = (order.trader_id, order.strategy_id, order.instrument_id, order.client_order_id)
            return self._cancel, Cancel(*ids, None, UUID4(), 0)
        side, market = OrderSide.BUY if command.side is Side.BUY else OrderSide.SELL, self._instrument
        order = self._factory.limit(
            market.id, side, market.make_qty(command.quantity), market.make_price(command.price)
        )
        self._orders.append(order)
        return self._place, order

    def _place(self, order: Any) -> None:
        self._cache.add_order(order, None)
        self._engine.process_order(order, self._account)

    def _cancel(self, command: Any) -> None:
        self._engine.process_cancel(command, self._account)

    def _happened(self, event: Any) -> None:
        order = self._cache.order(event.client_order_id)
        order.apply(event)
        self._cache.update_order(order)
