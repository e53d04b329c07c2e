"""trade.opened and trade.closed, as execution tells them."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.message import Message

from perpmesh.platform.inbox import AfterCommit, Handler, Received
from perpmesh.portfolio_intelligence.adapters import wire
from perpmesh.portfolio_intelligence.application.keep_books import KeepBooks
from perpmesh_api.execution.v1 import order_events_pb2


def handlers(books: KeepBooks) -> Mapping[type[Message], Handler]:
    """Return what to do with each event the service consumes."""

    async def on_trade_opened(tx: Any, received: Received) -> AfterCommit:
        return await books.record(tx, wire.trade_from(received.message.trade, closed=False))

    async def on_trade_closed(tx: Any, received: Received) -> AfterCommit:
        return await books.record(tx, wire.trade_from(received.message.trade, closed=True))

    return {order_events_pb2.TradeOpened: on_trade_opened, order_events_pb2.TradeClosed: on_trade_closed}
