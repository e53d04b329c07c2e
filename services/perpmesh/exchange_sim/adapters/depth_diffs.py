"""What the subscribers of each diff stream know of a book, and what they must be told next."""

from collections.abc import Collection
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from perpmesh.exchange.events import BookChanged
from perpmesh.exchange_sim.adapters.board import Board
from perpmesh.exchange_sim.domain.streams import Stream

WHOLE_BOOK = 1_000_000  # levels
Levels: TypeAlias = dict[Decimal, Decimal]
Changes: TypeAlias = tuple[tuple[Decimal, Decimal], ...]


class Diff(NamedTuple):
    """Update ids (U, u, pu), and the levels to tell of; a quantity of 0 is a level that is gone."""

    ids: tuple[int, int, int]
    bids: Changes
    asks: Changes


@dataclass(slots=True)
class Base:
    """The book as the subscribers of one stream were told last.

    Whoever took a snapshot since then knows other levels, even where the book is back to what it was: these are in
    doubt, and told of in any case.
    """

    symbol: str
    update_id: int
    bids: Levels
    asks: Levels
    doubts: tuple[set[Decimal], set[Decimal]] = field(default_factory=lambda: (set(), set()))


class DepthDiffs:
    """The bases of all diff streams that somebody listens to."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._bases: dict[str, Base] = {}
        board.on_snapshot(self._doubt)

    def begin(self, stream: Stream) -> None:
        if stream.name not in self._bases:
            self._bases[stream.name] = self._now(stream.symbol)

    def end(self, name: str) -> None:
        self._bases.pop(name, None)

    def next(self, stream: Stream) -> Diff | None:
        """Return what changed since the last time; None when nothing did, or nobody listens any more."""
        base = self._bases.get(stream.name)
        if base is None or base.update_id == self._board.update_id(stream.symbol):
            return None
        now = self._now(stream.symbol)
        bids = changed(base.bids, now.bids, base.doubts[0])
        asks = changed(base.asks, now.asks, base.doubts[1])
        if not bids and not asks:
            return None
        self._bases[stream.name] = now
        return Diff((base.update_id + 1, now.update_id, base.update_id), bids, asks)

    def recorded(self, stream: Stream, change: BookChanged) -> Diff | None:
        """Return a recorded change as it was given."""
        base = self._bases.get(stream.name)
        if base is None or any(base.doubts):
            return self.next(stream)
        before, base.update_id = base.update_id, self._board.update_id(stream.symbol)
        if before == base.update_id:
            return None
        for known, side in ((base.bids, change.bids), (base.asks, change.asks)):
            known.update(side)
            for at in [at for at, size in side if not size]:
                del known[at]
        return Diff((max(change.first_id, before + 1), base.update_id, before), tuple(change.bids), tuple(change.asks))

    def _now(self, symbol: str) -> Base:
        book = self._board.depth(symbol, WHOLE_BOOK)
        return Base(symbol, self._board.update_id(symbol), dict(book.bids), dict(book.asks))

    def _doubt(self, symbol: str) -> None:
        bases = [base for base in self._bases.values() if base.symbol == symbol]
        if bases:
            now = self._now(symbol)
            for base in bases:
                base.doubts[0].update(at for at, _ in changed(base.bids, now.bids))
                base.doubts[1].update(at for at, _ in changed(base.asks, now.asks))


def changed(before: Levels, now: Levels, doubted: Collection[Decimal] = ()) -> Changes:
    """Return the levels that are new or resized, those in doubt, and 0 for those that are gone."""
    gone = {at: Decimal(0) for at in (*before, *doubted) if at not in now}
    other = {at: size for at, size in now.items() if before.get(at) != size or at in doubted}
    return tuple((gone | other).items())
