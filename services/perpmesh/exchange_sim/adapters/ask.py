"""One request as a handler sees it, and the table of what can be asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias

from perpmesh.exchange.commands import Command
from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange.events import Event
from perpmesh.exchange.symbols import SymbolSpec
from perpmesh.exchange_sim.adapters.board import Board
from perpmesh.exchange_sim.application.history import Wanted
from perpmesh.exchange_sim.application.sequencer import Turn
from perpmesh.exchange_sim.application.venue import Venue
from perpmesh.exchange_sim.domain.feed import SymbolFeed
from perpmesh.exchange_sim.domain.limits import Limits
from perpmesh.exchange_sim.domain.params import Params
from perpmesh.exchange_sim.domain.refusals import refusal
from perpmesh.exchange_sim.domain.span import Longest, Span, days, market_span, wall_span


class Security(Enum):
    """What a request must carry."""

    NONE = "nothing"
    KEY = "an API key"
    SIGNED = "an API key, a timestamp and a signature"


@dataclass(slots=True)
class Ask:
    """A request whose turn it is."""

    venue: Venue
    board: Board
    params: Params
    wall_ms: int
    limits: Limits
    account: str = ""
    turn: Turn | None = None

    def execute(self, command: Command) -> list[Event]:
        """Do a command for the account, or raise ExchangeError."""
        if self.turn is None:
            raise AssertionError("only a signed request may act")
        return self.turn.execute(command)

    def symbol(self, params: Params | None = None) -> str:
        """Return the mandatory symbol; raise -1102 without one and -1121 when it is not traded here."""
        params = params or self.params
        params.needed("symbol")
        return self._known(params.symbol(), -1121)

    def pair(self) -> str:
        """Return the mandatory pair, which for a perpetual is its symbol; raise -4144 when there is none such."""
        self.params.needed("pair")
        return self._known(self.params.symbol("pair"), -4144)

    def maybe_symbol(self) -> str | None:
        return self.symbol() if self.params.symbol() else None

    def _known(self, symbol: str | None, code: int) -> str:
        if symbol not in self.venue.feeds:
            raise refusal(code)
        return symbol or ""

    def spec(self, symbol: str) -> SymbolSpec:
        return self.venue.engine.specs[symbol]

    def feeds(self) -> Sequence[SymbolFeed]:
        """Return the feed of the symbol asked for, or all of them."""
        symbol = self.maybe_symbol()
        return [self.venue.feeds[symbol]] if symbol else list(self.venue.feeds.values())

    def span(self, longest: Longest | None = None) -> Span:
        """Return the span of market time that is asked for."""
        return market_span(self.params, self.wall_ms, self.venue.market_ms, longest)

    def one_or_all(self, render: Callable[[SymbolFeed], Any]) -> Any:
        """Answer with an object when a symbol was given, and with an array when none was."""
        rows = [render(feed) for feed in self.feeds()]
        return rows[0] if "symbol" in self.params else rows


Handler: TypeAlias = Callable[[Ask], Any]
Weight: TypeAlias = int | Callable[[Params], int]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How one method of one path is answered."""

    handler: Handler
    security: Security = Security.NONE
    weight: Weight = 1
    orders: tuple[int, int] | None = None  # what it counts for in 10 s and in a minute
    name: str = ""  # as in the table: "GET /fapi/v1/time"
    pool: str = ""  # where its weight counts, when that is apart from all others

    def weight_of(self, params: Params) -> int:
        return self.weight if isinstance(self.weight, int) else self.weight(params)


@dataclass(frozen=True, slots=True)
class Routes:
    """The table: (method, path) to endpoint."""

    endpoints: dict[tuple[str, str], Endpoint] = field(default_factory=dict)

    def add(self, route: str, handler: Handler, security: Security = Security.NONE, **more: Any) -> None:
        """Add one route, written as "GET /fapi/v1/time"."""
        method, path = route.split(" ")
        self.endpoints[method, path] = Endpoint(handler, security, name=route, **more)

    def has(self, route: str) -> bool:
        method, path = route.split(" ")
        return (method, path) in self.endpoints

    def find(self, method: str, path: str) -> Endpoint:
        """Return the endpoint, or raise -5000."""
        endpoint = self.endpoints.get((method, path.rstrip("/")))
        if endpoint is None:
            raise ExchangeError(-5000, f"Path {path}, Method {method} is invalid")
        return endpoint


def with_symbol(one: int, every: int) -> Weight:
    """Return a weight that is lower when a symbol is named."""
    return lambda params: one if "symbol" in params else every


def from_id_on(ask: Ask, id_name: str, symbol: Callable[[], str | None]) -> Wanted:
    """Read which rows of a history by wall time are asked for: at most a week of them, or those from an id on."""
    span, limit = wall_span(ask.params, days(7)), ask.params.limit(500, 1_000)
    number = ask.params.integer(id_name)
    first = 0 if number is None else max(number, 1)
    return Wanted(account=ask.account, symbol=symbol(), first_id=first, start=span.start, end=span.end, limit=limit)
