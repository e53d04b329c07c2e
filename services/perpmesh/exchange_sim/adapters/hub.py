"""Tells every stream's subscribers what happens. A listener that cannot keep up is dropped; nobody waits for it."""

import asyncio
import json
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Protocol

from perpmesh.exchange.events import (
    BestQuoted,
    BookChanged,
    OrderUpdated,
    PositionLiquidated,
    SymbolChanged,
    TradePrinted,
)
from perpmesh.exchange.views import DepthView
from perpmesh.exchange_sim.adapters import market_events
from perpmesh.exchange_sim.adapters.ask import Ask
from perpmesh.exchange_sim.adapters.board import Board
from perpmesh.exchange_sim.adapters.depth_diffs import DepthDiffs
from perpmesh.exchange_sim.adapters.rest_market import levels
from perpmesh.exchange_sim.adapters.stream_faults import StreamFaults
from perpmesh.exchange_sim.adapters.user_events import listen_key_expired, user_events
from perpmesh.exchange_sim.application.ports import Batch, Happening
from perpmesh.exchange_sim.application.venue import Venue
from perpmesh.exchange_sim.domain.feed import SymbolFeed
from perpmesh.exchange_sim.domain.klines import klines, opening_minute
from perpmesh.exchange_sim.domain.limits import Limits
from perpmesh.exchange_sim.domain.params import Params
from perpmesh.exchange_sim.domain.streams import EVERY_SYMBOL, IMMEDIATELY, Kind, Stream, parse_stream
from perpmesh.kernel.time import MS_PER_MINUTE, Clock

CADENCES_MS = (100, 250, 500, 1_000, 2_000, 3_000, 5_000)
FORCED_EVERY_MS = 1_000
MINUTES_TOLD = 240  # when the market leaps, at most so many closed candles are told of


class Listener(Protocol):
    """Somebody connected. Offering returns at once."""

    def offer(self, stream: str, payload: str, event: str = "") -> None: ...


class Hub:
    """Who listens to what, and the messages they get."""

    def __init__(self, venue: Venue, board: Board, clock: Clock, faults: StreamFaults) -> None:
        self._venue = venue
        self._board = board
        self._clock = clock
        self.faults = faults
        self._listeners: dict[str, set[Listener]] = {}
        self._streams: dict[str, Stream] = {}
        self._diffs = DepthDiffs(board)
        self._told_second: dict[str, int] = {}
        self._replayed: dict[str, BookChanged | None] = {}  # recorded books in this batch, and their plain change
        self._forced: dict[str, Happening] = {}  # the newest liquidation of each symbol since they were told of
        self._specs = venue.engine.specs  # as they are now: filters may change

    # Who listens.

    def subscribe(self, listener: Listener, names: Iterable[str]) -> None:
        for name in names:
            self._listeners.setdefault(name, set()).add(listener)
            stream = parse_stream(name)
            if stream and self._is_known(stream):
                self._streams[name] = stream
                if stream.kind is Kind.DEPTH_DIFF:
                    self._diffs.begin(stream)

    def unsubscribe(self, listener: Listener, names: Iterable[str]) -> None:
        for name in names:
            listeners = self._listeners.get(name, set())
            listeners.discard(listener)
            if not listeners:
                self._diffs.end(name)
                for table in (self._listeners, self._streams, self._told_second):
                    table.pop(name, None)

    def _is_known(self, stream: Stream) -> bool:
        return stream.symbol in (EVERY_SYMBOL, *self._venue.feeds) or stream.kind is Kind.ASSET_INDEX

    def owner(self, name: str) -> str | None:
        """Return whose user stream a name is, None when it is nobody's."""
        return self._venue.listener(name)

    @property
    def listening(self) -> int:
        """Return how many (listener, stream) pairs there are."""
        return sum(len(listeners) for listeners in self._listeners.values())

    # What they are told.

    def tell(self, batch: Batch) -> None:
        self._number(batch)
        for happening in batch.happenings:
            self._tell_users(happening)
            self._tell_market(happening)
        if batch.market_ms != batch.before_ms:
            self._tell_closed(batch.before_ms // MS_PER_MINUTE, batch.market_ms // MS_PER_MINUTE)
        for stream in list(self._streams.values()):
            if stream.cadence_ms == IMMEDIATELY:
                self._tell_book(stream)
        self._replayed = {}

    def _number(self, batch: Batch) -> None:
        """Count a change of every book that changed; a recorded one changes with its messages or by our orders."""
        events = [happening.event for happening in batch.happenings]
        for symbol, feed in self._venue.feeds.items():
            if not feed.is_recorded(batch.market_ms):
                self._board.changed(symbol)
                continue
            changes = [event for event in events if isinstance(event, BookChanged) and event.symbol == symbol]
            ours = any(isinstance(event, OrderUpdated) and event.order.symbol == symbol for event in events)
            if not ours:
                plain = len(changes) == 1 and not self._venue.engine.has_resting(symbol)
                self._replayed[symbol] = changes[0] if plain else None
            if changes or ours:
                self._board.changed(symbol, changes[-1].last_id if changes else 0)

    def end_user_stream(self, account: str, key: str, wall_ms: int) -> None:
        self._send(key, listen_key_expired(key, wall_ms))

    async def beat(self, cadence_ms: int) -> None:
        """Send the streams of one cadence, for ever, on wall time."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + cadence_ms / 1_000, loop.time())
            await asyncio.sleep(due - loop.time())
            self.send_due(cadence_ms)

    def send_due(self, cadence_ms: int) -> None:
        """Send the streams of one cadence."""
        for stream in list(self._streams.values()):
            if stream.cadence_ms == cadence_ms:
                self._send_timed(stream)
        if cadence_ms == FORCED_EVERY_MS:
            self._forced.clear()

    def _send_timed(self, stream: Stream) -> None:
        match stream.kind:
            case Kind.KLINE | Kind.CONTINUOUS_KLINE:
                self._tell_forming(stream)
            case Kind.MARK_PRICE:
                self._send_statistics(stream, market_events.mark_price)
            case Kind.TICKER:
                self._send_statistics(stream, market_events.ticker)
            case Kind.MINI_TICKER:
                self._send_statistics(stream, market_events.mini_ticker)
            case Kind.DEPTH_DIFF | Kind.DEPTH_TOP | Kind.BOOK_TICKER:
                self._tell_book(stream)
            case Kind.FORCE_ORDER:
                self._tell_forced(stream)
            case Kind.ASSET_INDEX:
                self._tell_assets(stream)
            case _:
                return

    def _tell_forced(self, stream: Stream) -> None:
        for symbol, happening in self._forced.items():
            if stream.symbol in (EVERY_SYMBOL, symbol) and isinstance(happening.event, PositionLiquidated):
                message = market_events.force_order(self._specs[symbol], happening.event, self._clock.now_ms())
                if stream.symbol != EVERY_SYMBOL:
                    message = {name: message[name] for name in ("e", "E", "o")}
                self._send(stream.name, message)

    def _tell_assets(self, stream: Stream) -> None:
        ask = Ask(self._venue, self._board, Params({}), self._clock.now_ms(), Limits())
        rows = market_events.asset_indices(ask)
        if stream.symbol == EVERY_SYMBOL:
            self._send(stream.name, rows)
        for row in rows:
            if row["s"] == stream.symbol:
                self._send(stream.name, row)

    def _send_statistics(self, stream: Stream, make: Callable[[Ask, SymbolFeed], Any]) -> None:
        ask = Ask(self._venue, self._board, Params({}), self._clock.now_ms(), Limits())
        if stream.symbol == EVERY_SYMBOL:
            self._send(stream.name, [make(ask, feed) for feed in self._venue.feeds.values()])
        else:
            self._send(stream.name, make(ask, self._venue.feeds[stream.symbol]))

    def _tell_users(self, happening: Happening) -> None:
        account: str | None = getattr(happening.event, "account", None)
        held = self._venue.listen_keys.get(account) if account else None
        if account is None or held is None or held.key not in self._listeners:
            return
        for _, message in user_events(self._specs, happening.event, happening.wall_ms):
            if self.faults.armed:
                deliver = partial(self._send, held.key, message, message["e"])
                self.faults.user_event(held.key, account, message, deliver)
            else:
                self._send(held.key, message, message["e"])

    def _tell_market(self, happening: Happening) -> None:
        event, wall_ms = happening.event, happening.wall_ms
        if isinstance(event, TradePrinted):
            spec, name = self._specs[event.symbol], event.symbol.lower()
            if (stream := f"{name}@aggTrade") in self._listeners:
                self._send(stream, market_events.agg_trade(spec, event, wall_ms))
            if (stream := f"{name}@trade") in self._listeners:
                self._send(stream, market_events.trade(spec, event, wall_ms))
        elif isinstance(event, BestQuoted):
            self._tell_quote(event, wall_ms)
        elif isinstance(event, PositionLiquidated):
            self._forced[event.order.symbol] = happening
        elif isinstance(event, SymbolChanged):
            spec = self._venue.engine.specs[event.symbol]
            self._send("!contractInfo", market_events.contract_info(spec, event, wall_ms))

    def _tell_closed(self, before: int, now: int) -> None:
        """Tell of every candle that closed while the market moved from one minute to a later one."""
        for minute in range(max(before, now - MINUTES_TOLD) + 1, now + 1):
            for stream in list(self._streams.values()):
                if stream.kind in (Kind.KLINE, Kind.CONTINUOUS_KLINE) and _opens(minute, stream.minutes):
                    self._send_kline(stream, opening_minute(minute - 1, stream.minutes), closed=True)

    def _tell_forming(self, stream: Stream) -> None:
        if self._told_second.get(stream.name) != self._venue.second:
            self._told_second[stream.name] = self._venue.second
            self._send_kline(stream, opening_minute(self._venue.second // 60, stream.minutes), closed=False)

    def _send_kline(self, stream: Stream, opening: int, *, closed: bool) -> None:
        feed = self._venue.feeds[stream.symbol]
        found = klines(feed, stream.minutes, opening, opening, self._venue.second)
        if found:
            message = market_events.kline(feed.spec, stream, found[-1], self._clock.now_ms(), closed=closed)
            self._send(stream.name, message)

    def _tell_book(self, stream: Stream) -> None:
        match stream.kind:
            case Kind.BOOK_TICKER:
                self._tell_best(stream)
            case Kind.DEPTH_DIFF:
                self._tell_diff(stream)
            case Kind.DEPTH_TOP:
                self._tell_top(stream)
            case _:
                return

    def _tell_best(self, stream: Stream) -> None:
        symbols = list(self._venue.feeds) if stream.symbol == EVERY_SYMBOL else [stream.symbol]
        for symbol in symbols:
            if symbol not in self._replayed:  # its quotes are recorded
                update_id = self._board.update_id(symbol)
                message = market_events.book_ticker(
                    self._specs[symbol], self._board.depth(symbol, 5), update_id, *self._now()
                )
                self._send(stream.name, message)

    def _tell_quote(self, quoted: BestQuoted, wall_ms: int) -> None:
        """Pass on a recorded best bid and ask; while orders of ours rest there, what the book shows with them."""
        book = DepthView((quoted.bid,), (quoted.ask,))
        if self._venue.engine.has_resting(quoted.symbol):
            book = self._board.depth(quoted.symbol, 5)
        spec, at = self._specs[quoted.symbol], (quoted.market_ms, wall_ms)
        if (stream := f"{quoted.symbol.lower()}@bookTicker") in self._listeners:
            self._send(stream, market_events.book_ticker(spec, book, quoted.update_id, *at))

    def _tell_top(self, stream: Stream) -> None:
        """Send the best levels, unless nothing changed since the last time."""
        before, now = self._told_second.get(stream.name, 0), self._board.update_id(stream.symbol)
        if before == now:
            return
        self._told_second[stream.name] = now
        spec, book = self._specs[stream.symbol], self._board.depth(stream.symbol, stream.levels)
        bids, asks = levels(spec, book.bids), levels(spec, book.asks)
        ids = (before + 1, now, before)
        self._send(stream.name, market_events.depth_update(spec, ids, bids, asks, self._now()))

    def _tell_diff(self, stream: Stream) -> None:
        change = self._replayed.get(stream.symbol) if stream.cadence_ms == IMMEDIATELY else None
        diff = self._diffs.recorded(stream, change) if change else self._diffs.next(stream)
        if diff is not None:
            spec = self._specs[stream.symbol]
            bids, asks = levels(spec, diff.bids), levels(spec, diff.asks)
            self._send(stream.name, market_events.depth_update(spec, diff.ids, bids, asks, self._now()))

    def _now(self) -> tuple[int, int]:
        return self._venue.market_ms, self._clock.now_ms()

    def _send(self, name: str, message: Any, event: str = "") -> None:
        listeners = self._listeners.get(name)
        if listeners and not (self.faults.armed and self.faults.silences(name, self.owner)):
            payload = json.dumps(message, separators=(",", ":"))
            for listener in tuple(listeners):
                listener.offer(name, payload, event)


def _opens(minute: int, minutes: int) -> bool:
    return opening_minute(minute, minutes) == minute
