"""What a client is told when a fault strikes its request. Binance's words where they are known."""

from perpmesh.exchange.errors import TEXTS, ExchangeError
from perpmesh.exchange_sim.domain.faults import (
    FaultKind,
    IpBan,
    Maintenance,
    RateLimit,
    Refuse,
    RefuseConditional,
    ServerErrorAfter,
    ServerErrorBefore,
    Throttled,
    TimeoutAccepted,
    TimeoutNotAccepted,
    TimestampRefused,
)
from perpmesh.exchange_sim.domain.limits import Banned

UNKNOWN_STATUS = "Unknown error, please check your request or try again later."
TIMEOUT = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
CLOSED = "This service is no longer available."
UNAVAILABLE = "Service Unavailable."
THROTTLED = (
    "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again."
)
PAGES = {500: "Internal Server Error", 502: "Bad Gateway", 504: "Gateway Time-out"}
FIXED: dict[type[FaultKind], tuple[int, int, str]] = {
    TimeoutAccepted: (408, -1007, TIMEOUT),
    TimeoutNotAccepted: (408, -1007, TIMEOUT),
    Throttled: (503, -1008, THROTTLED),
    TimestampRefused: (400, -1021, "Timestamp for this request is outside of the recvWindow."),
    Maintenance: (503, -1016, CLOSED),
}


class Struck(ExchangeError):
    """A fault's answer. `status` is HTTP's; `page` is sent as HTML instead of JSON, as a load balancer does."""

    def __init__(self, status: int, code: int, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(code, message)
        self.status = status
        self.retry_after_s = retry_after_s
        self.page = ""


def reply(kind: FaultKind, address: str, now_ms: int) -> Struck:
    """Return the answer of a fault that strikes a request of `address`."""
    match kind:
        case RateLimit(retry_after_s):
            text = (
                f"Too many requests; current limit of IP({address}) is 2400 requests per minute. "
                "Please use the websocket for live updates to avoid polling the API."
            )
            return Struck(429, -1003, text, retry_after_s=retry_after_s)
        case IpBan(retry_after_s):
            ban = Banned(address, now_ms + retry_after_s * 1_000, now_ms)
            return Struck(418, ban.code, ban.message, retry_after_s=retry_after_s)
        case ServerErrorBefore(status):
            return _server_error(status, UNAVAILABLE)
        case ServerErrorAfter(status):
            return _server_error(status, UNKNOWN_STATUS)
        case Refuse(code, message, status):
            return Struck(status, code, message or _own_text(code))
        case RefuseConditional(code):
            return Struck(0, code, _own_text(code))
        case _:
            status, code, text = FIXED[type(kind)]
            return Struck(status, code, text)


def _server_error(status: int, text: str) -> Struck:
    """503 comes from the exchange as JSON; the others from what stands before it, as a page."""
    struck = Struck(status, -1000, text)
    if status in PAGES:
        title = f"{status} {PAGES[status]}"
        struck.page = f"<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>"
    return struck


def _own_text(code: int) -> str:
    return TEXTS.get(code, "An unknown error occured while processing the request.").replace("%s", "").strip()
