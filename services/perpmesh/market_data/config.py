"""What market data can be told: whom it follows and when it calls a connection dead."""

from collections.abc import Sequence
from dataclasses import dataclass

NAME = "market_data"
STALE_MS = "market_data.stale_ms"
POLICY_KEYS = (STALE_MS,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One market data service."""

    symbols: Sequence[str]
    exchange_url: str
    exchange_ws_url: str
    silence_seconds: float = 5.0  # a socket that says nothing for so long is dead (the mark price comes every second)
    queue_messages: int = 20_000  # how many messages a socket may hold while history is fetched
    request_seconds: float = 10.0
