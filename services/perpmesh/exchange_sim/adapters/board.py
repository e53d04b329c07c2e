"""The public book's update counter, one for REST snapshots and diff streams, so that a client can join them."""

from perpmesh.exchange.views import DepthView
from perpmesh.exchange_sim.application.venue import Venue

STEP = 4  # ids per change; a snapshot is numbered one above the last change, inside the next diff's span
IDS_PER_MS = 16  # more than can be used up, so a restarted venue goes on above its former ids


class Board:
    """Numbers the book's states. Between two changes the number and the book stay as they are."""

    def __init__(self, venue: Venue, started_ms: int) -> None:
        self._venue = venue
        self.update_id = started_ms * IDS_PER_MS

    def changed(self) -> None:
        self.update_id += STEP

    @property
    def snapshot_id(self) -> int:
        return self.update_id + 1

    def depth(self, symbol: str, limit: int = 1_000) -> DepthView:
        return self._venue.engine.depth(symbol, limit)
