"""The public books' update counters, one a symbol for REST and diff streams, so that a client can join them."""

from collections.abc import Callable

from perpmesh.exchange.views import DepthView
from perpmesh.exchange_sim.application.venue import Venue

STEP = 4  # ids per change; a snapshot is numbered one above the last change, inside the next diff's span
IDS_PER_MS = 16  # more than can be used up, so a restarted venue goes on above its former ids


class Board:
    """Numbers the books' states. Between two changes the number and the book stay as they are."""

    def __init__(self, venue: Venue, started_ms: int) -> None:
        self._venue = venue
        self._told: list[Callable[[str], None]] = []
        self._ids = {
            symbol: feed.update_id(venue.market_ms) if feed.is_recorded(venue.market_ms) else started_ms * IDS_PER_MS
            for symbol, feed in venue.feeds.items()
        }

    def changed(self, symbol: str, recorded_id: int = 0) -> None:
        """Count a change; it has the number that it had on the recorded venue, unless our orders used that up."""
        self._ids[symbol] = max(self._ids[symbol] + STEP, recorded_id)

    def update_id(self, symbol: str) -> int:
        return self._ids[symbol]

    def on_snapshot(self, told: Callable[[str], None]) -> None:
        """Call `told` with the symbol whenever somebody takes a snapshot to join diffs to."""
        self._told.append(told)

    def snapshot(self, symbol: str, limit: int) -> tuple[int, DepthView]:
        """Return the number and the book, for a client that may join diffs to it."""
        for told in self._told:
            told(symbol)
        return self.snapshot_id(symbol), self.depth(symbol, limit)

    def snapshot_id(self, symbol: str) -> int:
        """Return the number of a snapshot taken now: above the last change, and inside the next one."""
        return max(self._ids[symbol] + 1, self._venue.feeds[symbol].next_first_id(self._venue.market_ms))

    def depth(self, symbol: str, limit: int = 1_000) -> DepthView:
        return self._venue.engine.depth(symbol, limit)
