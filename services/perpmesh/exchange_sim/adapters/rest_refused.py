"""What Binance serves and this venue does not: refused with Binance's own error, and the reason for the documents."""

from typing import Final, NamedTuple

from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange_sim.adapters.ask import Ask, Handler, Routes, Security
from perpmesh.exchange_sim.domain.refusals import TEXTS, refusal


class Refused(NamedTuple):
    """An error that always answers, and why."""

    code: int
    message: str
    reason: str


def _unsupported(reason: str) -> Refused:
    return Refused(-1020, TEXTS[-1020], reason)


_DOWNLOAD = _unsupported("the answer is a link to a file on Binance's own site")
_CONVERT = _unsupported("one asset only: there is nothing to convert")

REFUSED: Final[dict[str, Refused]] = {
    "GET /fapi/v1/income/asyn": _DOWNLOAD,
    "GET /fapi/v1/income/asyn/id": _DOWNLOAD,
    "GET /fapi/v1/order/asyn": _DOWNLOAD,
    "GET /fapi/v1/order/asyn/id": _DOWNLOAD,
    "GET /fapi/v1/trade/asyn": _DOWNLOAD,
    "GET /fapi/v1/trade/asyn/id": _DOWNLOAD,
    "GET /fapi/v1/convert/exchangeInfo": _CONVERT,
    "POST /fapi/v1/convert/getQuote": _CONVERT,
    "POST /fapi/v1/convert/acceptQuote": _CONVERT,
    "GET /fapi/v1/convert/orderStatus": _CONVERT,
    "GET /fapi/v1/pmAccountInfo": Refused(-1109, TEXTS[-1109], "no account is under portfolio margin"),
    "POST /fapi/v1/multiAssetsMargin": Refused(
        -4171,
        TEXTS[-4171],
        "one asset only: the mode is off, and asking for it on is refused as well",
    ),
    "POST /fapi/v1/stock/contract": _unsupported("no contract on shares is traded, so there is nothing to sign"),
}
WEIGHTS: Final = {
    "/asyn/id": 10,
    "/asyn": 1_000,
    "/convert/exchangeInfo": 20,
    "/convert/getQuote": 50,
    "/convert/acceptQuote": 200,
    "/convert/orderStatus": 50,
    "/pmAccountInfo": 5,
}
PUBLIC = ("GET /fapi/v1/convert/exchangeInfo",)


def add_refused_routes(routes: Routes) -> None:
    """Enter what is refused into the table: who may ask is checked first, as on Binance."""
    for route, refused in REFUSED.items():
        if routes.has(route):
            continue  # it is refused by its own handler, for more than one reason
        security = Security.NONE if route in PUBLIC else Security.SIGNED
        weight = next((weight for tail, weight in WEIGHTS.items() if route.endswith(tail)), 1)
        routes.add(route, _refusing(refused), security, weight=weight)


def _refusing(refused: Refused) -> Handler:
    def handler(_: Ask) -> None:
        raise ExchangeError(refused.code, refused.message)

    return handler


def refused_always(route: str) -> ExchangeError:
    return ExchangeError(REFUSED[route].code, REFUSED[route].message)


def unsupported() -> ExchangeError:
    """Return the refusal of what this venue cannot do."""
    return refusal(-1020)
