"""The signed door: who asks, whether the signature holds, and whether the moment is right."""

import hmac
from base64 import b64decode
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from urllib.parse import unquote_plus

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange_sim.domain.refusals import refusal

DEFAULT_WINDOW_MS, MAX_WINDOW_MS, AHEAD_MS = 5_000, 60_000, 1_000
PEM = "-----BEGIN PUBLIC KEY-----"
PublicKey = RSAPublicKey | Ed25519PublicKey


class KeyKind(Enum):
    """How a key signs; the values are the venue's own words."""

    HMAC = "HMAC_SHA256"
    RSA = "RSA"
    ED25519 = "Ed25519"


def kind_of(secret: str) -> KeyKind:
    """Return how a key signs: a PEM public key says so itself, anything else is a shared secret."""
    if not secret.startswith(PEM):
        return KeyKind.HMAC
    return KeyKind.RSA if isinstance(public_key(secret), RSAPublicKey) else KeyKind.ED25519


@lru_cache(maxsize=1_024)
def public_key(pem: str) -> PublicKey:
    """Read a PEM public key; raise ValueError when it is neither RSA nor Ed25519."""
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey | Ed25519PublicKey):
        raise ValueError("a public key must be RSA or Ed25519")  # noqa: TRY004 - the value is wrong, not its type
    return key


def sign(secret: str, payload: str) -> str:
    """Return the lower-case hex HMAC-SHA256 of the request's text."""
    mac = _mac(secret).copy()
    mac.update(payload.encode())
    return mac.hexdigest()


@lru_cache(maxsize=1_024)
def _mac(secret: str) -> hmac.HMAC:
    """Return a digest that has taken the key in."""
    return hmac.new(secret.encode(), digestmod="sha256")


def signed_text(query: str, body: str) -> str:
    """Return what was signed: query and body run together, less the signature, in the order they were sent."""
    return _unsigned(query) + _unsigned(body)


def sorted_text(values: Mapping[str, str]) -> str:
    """Return what is signed on the WebSocket API: the parameters in the order of their names, as they are."""
    return "&".join(f"{name}={values[name]}" for name in sorted(values) if name != "signature")


def check_signature(secret: str, text: str, signature: str) -> None:
    """Raise -1022 unless the signature fits the text as sent or, as some clients sign, the text decoded.

    `secret` is the shared secret (HMAC-SHA256, hexadecimal) or a PEM public key (RSA PKCS#1 v1.5 over SHA-256, or
    Ed25519; both in base64).
    """
    if not (_fits(secret, text, signature) or _fits(secret, unquote_plus(text), signature)):
        raise refusal(-1022)


def _fits(secret: str, text: str, signature: str) -> bool:
    if not secret.startswith(PEM):
        return hmac.compare_digest(sign(secret, text).encode(), signature.lower().encode())
    key = public_key(secret)
    try:
        given = b64decode(signature.replace(" ", "+"), validate=True)  # "+" that was not percent-encoded
        if isinstance(key, RSAPublicKey):
            key.verify(given, text.encode(), PKCS1v15(), SHA256())
        else:
            key.verify(given, text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def check_time(timestamp_ms: int, window_ms: int, now_ms: int) -> None:
    """Raise -1021 when the request is from the future or its window is over; the door's check."""
    if timestamp_ms >= now_ms + AHEAD_MS:
        raise ExchangeError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - timestamp_ms > window_ms:
        raise refusal(-1021)


def check_time_at_engine(timestamp_ms: int, window_ms: int, now_ms: int) -> None:
    """Raise -5028 when the window ended while the request waited for its turn."""
    if now_ms - timestamp_ms > window_ms:
        raise refusal(-5028)


def window_of(value: int | None) -> int:
    """Return the window to use, or raise -1131 when it is out of range."""
    if value is None:
        return DEFAULT_WINDOW_MS
    if not 0 < value <= MAX_WINDOW_MS:
        raise refusal(-1131)
    return value


def _unsigned(text: str) -> str:
    before, found, signature = text.rpartition("&signature=")
    if found and "&" not in signature and "signature=" not in before:
        return before  # where every client puts it
    return "&".join(part for part in text.split("&") if not part.startswith("signature="))
