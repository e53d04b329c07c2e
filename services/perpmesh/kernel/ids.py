"""Derived identities: pure functions of what they identify, so a restart derives the same ones."""

import base64
import hashlib
from enum import Enum

CLIENT_ORDER_PREFIX = "pm-"


class Leg(Enum):
    """Which part of a trade an order is; one letter on the wire, readable in the exchange's own lists."""

    ENTRY = "e"
    STOP = "s"
    TAKE_PROFIT = "t"
    EXIT = "x"
    FLATTEN = "f"


def client_order_id(origin_id: str, leg: Leg, step: int = 0) -> str:
    """Return the client id of one order: prefix, leg, and 100 bits of hash in base32; 25 characters.

    Args:
        origin_id: the decision or request that asked for it.
        leg: which part of the trade.
        step: 0 for the first attempt at that part; a later step is a *new* order, never a resend.
    """
    digest = hashlib.sha256(f"{origin_id}|{leg.value}|{step}".encode()).digest()
    return f"{CLIENT_ORDER_PREFIX}{leg.value}-{base64.b32encode(digest)[:20].decode().lower()}"


def derived_id(*parts: object) -> str:
    """Return a 26-character id that depends on `parts` and nothing else."""
    text = "\x1f".join(str(part) for part in parts)
    return base64.b32encode(hashlib.sha256(text.encode()).digest())[:26].decode().lower()
