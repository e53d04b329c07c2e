"""Wakes everybody who waits for news; each then looks for itself at what is new."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Bell:
    """Rings for all listeners. Two rings before a listener wakes are one: nothing queues up."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Event] = set()

    def ring(self) -> None:
        for listener in self._listeners:
            listener.set()

    @contextmanager
    def listening(self) -> Iterator[asyncio.Event]:
        """Yield an event that is set at each ring; clear it before looking."""
        event = asyncio.Event()
        self._listeners.add(event)
        try:
            yield event
        finally:
            self._listeners.discard(event)
