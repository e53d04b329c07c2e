"""What market data needs of the world."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias

from perpmesh.features import Regime
from perpmesh.market_data.domain.candle import Candle
from perpmesh.market_data.domain.conditions import Conditions
from perpmesh.market_data.domain.price import BookMoved, MarkMoved, PriceState

Message: TypeAlias = BookMoved | MarkMoved | Candle  # a Candle is a minute, closed or in progress
StaleLimit: TypeAlias = Callable[[], int]  # milliseconds, as the policy says now


class Venue(Protocol):
    """The exchange's public side."""

    def listen(self, symbols: Sequence[str]) -> AbstractAsyncContextManager[AsyncIterator[Message]]:
        """Subscribe to the symbols' streams; messages are kept from when the block begins.

        Raises:
            Unavailable: it cannot be reached, the connection broke, or it fell silent. Listen again, then catch up.
        """
        ...

    async def closed_candles(
        self, symbol: str, interval: str, *, since_ms: int | None = None, limit: int = 1_500
    ) -> list[Candle]:
        """Return closed candles, oldest first: those from `since_ms` on, or else the newest.

        Raises:
            Unavailable: it did not answer.
        """
        ...


class Journal(Protocol):
    """What was told to the mesh already, and the telling itself, in one transaction."""

    async def marks(self) -> dict[tuple[str, str], int]:
        """Return the opening of the newest published candle by (symbol, interval)."""
        ...

    async def regimes(self) -> dict[str, Regime]:
        """Return the newest published regime by symbol."""
        ...

    async def record(self, candles: Sequence[Candle], changed: Conditions | None = None) -> None:
        """Publish closed candles, in order, and a regime that changed."""
        ...

    async def set_marks(self, candles: Sequence[Candle]) -> None:
        """Take candles as published without publishing them: the history before a mesh began."""
        ...


class PriceSink(Protocol):
    """Where prices are told to the mesh; losing one does not matter."""

    async def __call__(self, state: PriceState, stale: bool, /) -> None: ...  # noqa: FBT001 - it is what it is
