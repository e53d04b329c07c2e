"""One writer, many watchers: a slow watcher loses old news, never the newest, and never holds up the others."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class Broadcast(Generic[T]):
    """Hands each item to every watcher. Each has a bounded queue; when it is full the oldest item goes."""

    def __init__(self, *, bound: int = 256) -> None:
        self._bound = bound
        self._watchers: set[asyncio.Queue[T]] = set()

    def send(self, item: T) -> None:
        for queue in self._watchers:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(item)

    async def watch(self, first: Callable[[], Iterable[T]] = tuple) -> AsyncGenerator[T, None]:
        """Yield what `first` returns, then items from now on; none that is sent meanwhile is missed.

        Close the iterator to leave.
        """
        queue: asyncio.Queue[T] = asyncio.Queue(self._bound)
        self._watchers.add(queue)
        try:
            for item in first():
                yield item
            while True:
                yield await queue.get()
        finally:
            self._watchers.discard(queue)
