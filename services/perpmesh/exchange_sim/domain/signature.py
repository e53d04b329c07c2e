"""The signed door: who asks, whether the signature holds, and whether the moment is right."""

import hmac
from urllib.parse import unquote_plus

from perpmesh.exchange.errors import ExchangeError

DEFAULT_WINDOW_MS, MAX_WINDOW_MS, AHEAD_MS = 5_000, 60_000, 1_000


def sign(secret: str, payload: str) -> str:
    """Return the lower-case hex HMAC-SHA256 of the request's text."""
    return hmac.digest(secret.encode(), payload.encode(), "sha256").hex()


def signed_text(query: str, body: str) -> str:
    """Return what was signed: query and body run together, less the signature, in the order they were sent."""
    return _unsigned(query) + _unsigned(body)


def check_signature(secret: str, text: str, signature: str) -> None:
    """Raise -1022 unless the signature fits the text as sent or, as some clients sign, the text decoded."""
    given = signature.lower().encode()
    if hmac.compare_digest(sign(secret, text).encode(), given):
        return
    if hmac.compare_digest(sign(secret, unquote_plus(text)).encode(), given):
        return
    raise ExchangeError(-1022, "Signature for this request is not valid.")


def check_time(timestamp_ms: int, window_ms: int, now_ms: int) -> None:
    """Raise -1021 when the request is from the future or its window is over; the door's check."""
    if timestamp_ms >= now_ms + AHEAD_MS:
        raise ExchangeError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - timestamp_ms > window_ms:
        raise ExchangeError(-1021, "Timestamp for this request is outside of the recvWindow.")


def check_time_at_engine(timestamp_ms: int, window_ms: int, now_ms: int) -> None:
    """Raise -5028 when the window ended while the request waited for its turn."""
    if now_ms - timestamp_ms > window_ms:
        raise ExchangeError(-5028, "Timestamp for this request is outside of the ME recvWindow.")


def window_of(value: int | None) -> int:
    """Return the window to use, or raise -1131 when it is out of range."""
    if value is None:
        return DEFAULT_WINDOW_MS
    if not 0 < value <= MAX_WINDOW_MS:
        raise ExchangeError(-1131, "recvWindow must be less than 60000.")
    return value


def _unsigned(text: str) -> str:
    if "signature=" not in text:
        return text
    return "&".join(part for part in text.split("&") if not part.startswith("signature="))
