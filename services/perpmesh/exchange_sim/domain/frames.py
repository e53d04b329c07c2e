"""WebSocket frames as a server writes them (RFC 6455): whole, unmasked. The same bytes go to every listener."""

from functools import lru_cache
from typing import Final

TEXT: Final = 0x81  # the last frame of a message, and its only one
PING: Final = 0x89
SHORT, MEDIUM = 126, 1 << 16  # the lengths from which it takes two bytes more, and eight


def frame(opcode: int, payload: bytes) -> bytes:
    """Return one frame."""
    length = len(payload)
    if length < SHORT:
        return bytes((opcode, length)) + payload
    if length < MEDIUM:
        return bytes((opcode, 126)) + length.to_bytes(2, "big") + payload
    return bytes((opcode, 127)) + length.to_bytes(8, "big") + payload


@lru_cache(maxsize=64)
def plain(payload: str) -> bytes:
    """Return a stream's message; made once for all who listen."""
    return frame(TEXT, payload.encode())


@lru_cache(maxsize=64)
def combined(stream: str, payload: str) -> bytes:
    """Return a stream's message with the name of the stream; made once for all who listen."""
    return frame(TEXT, f'{{"stream":"{stream}","data":{payload}}}'.encode())
