"""What a client is told when a fault strikes its request. Binance's words where they are known."""

from perpmesh.exchange.errors import ExchangeError
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
from perpmesh.exchange_sim.domain.refusals import TEXTS

UNKNOWN_STATUS = "Unknown error, please check your request or try again later."
UNAVAILABLE = "Service Unavailable."
PAGES = {500: "Internal Server Error", 502: "Bad Gateway", 504: "Gateway Time-out"}
FIXED: dict[type[FaultKind], tuple[int, int]] = {
    TimeoutAccepted: (408, -1007),
    TimeoutNotAccepted: (408, -1007),
    Throttled: (503, -1008),
    TimestampRefused: (400, -1021),
    Maintenance: (503, -1016),
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
            status, code = FIXED[type(kind)]
            return Struck(status, code, TEXTS[code])


def _server_error(status: int, text: str) -> Struck:
    """503 comes from the exchange as JSON; the others from what stands before it, as a page."""
    struck = Struck(status, -1000, text)
    if status in PAGES:
        title = f"{status} {PAGES[status]}"
        struck.page = f"<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>"
    return struck


def _own_text(code: int) -> str:
    return TEXTS.get(code, TEXTS[-1000]).replace("%s", "").strip()
