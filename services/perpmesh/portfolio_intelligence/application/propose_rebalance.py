"""Propose a rebalance: check the targets, ask for what the proposal needs to know, and make it known."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from perpmesh.kernel.errors import Invalid, NotFound, Refused, Unavailable
from perpmesh.kernel.ids import derived_id
from perpmesh.kernel.money import ZERO, text
from perpmesh.kernel.time import Clock
from perpmesh.portfolio_intelligence.application.keep_books import KeepBooks
from perpmesh.portfolio_intelligence.application.ports import Announcer, Exchange, Prices
from perpmesh.portfolio_intelligence.domain.account import Account
from perpmesh.portfolio_intelligence.domain.rebalance import MAX_WEIGHT, Market, Proposal, propose

ACCOUNT_AGE_MS_MAX = 5_000  # a proposal from an older account would be about another portfolio


@dataclass(frozen=True, slots=True)
class Target:
    """How much of equity a symbol should hold."""

    symbol: str
    weight: Decimal


class ProposeRebalance:
    """Proposes; it never orders."""

    def __init__(
        self,
        *,
        books: KeepBooks,
        exchange: Exchange,
        prices: Prices,
        announcer: Announcer,
        symbols: Collection[str],
        band: Callable[[], Decimal],
        clock: Clock,
    ) -> None:
        self._books = books
        self._exchange = exchange
        self._prices = prices
        self._announcer = announcer
        self._symbols = frozenset(symbols)
        self._band = band
        self._clock = clock

    async def __call__(
        self, request_id: str, targets: Sequence[Target], no_trade_band: Decimal | None
    ) -> tuple[str, Proposal]:
        """Return the proposal's id and the proposal.

        Raises:
            Invalid: a weight beyond 2, a symbol twice, a band that is no fraction.
            NotFound: a symbol that this mesh does not trade.
            Refused: there is no equity.
            Unavailable: the account, a price or a filter is not known, or too old.
        """
        wanted = self._checked(targets)
        band = _checked_band(self._band() if no_trade_band is None else no_trade_band)
        account = self._fresh_account()
        held = _signed_quantities(account)
        markets = {symbol: await self._market(symbol) for symbol in sorted({*wanted, *held})}
        proposal = propose(equity=account.equity, held=held, targets=wanted, markets=markets, band=band)
        now = self._clock.now_ms()
        proposal_id = derived_id("rebalance", *([request_id] if request_id else [now, sorted(wanted.items())]))
        await self._announcer.proposed(proposal_id, proposal)
        return proposal_id, proposal

    def _checked(self, targets: Sequence[Target]) -> Mapping[str, Decimal]:
        wanted: dict[str, Decimal] = {}
        for index, target in enumerate(targets):
            if abs(target.weight) > MAX_WEIGHT:
                raise Invalid(
                    f"a weight of {text(target.weight)} is beyond {text(MAX_WEIGHT)}",
                    reason="WEIGHT_TOO_LARGE",
                    field=f"targets[{index}].weight",
                )
            if target.symbol not in self._symbols:
                raise NotFound(
                    f"{target.symbol} is not traded here", reason="UNKNOWN_SYMBOL", field=f"targets[{index}].symbol"
                )
            if target.symbol in wanted:
                raise Invalid(f"{target.symbol} is named twice", reason="TWICE", field=f"targets[{index}].symbol")
            wanted[target.symbol] = target.weight
        return wanted

    def _fresh_account(self) -> Account:
        summary = self._books.summary()
        age = self._books.age_ms(summary)
        if age > ACCOUNT_AGE_MS_MAX:
            raise Unavailable(f"the account was last read {age} ms ago")
        if summary.account.equity <= 0:
            raise Refused("there is no equity to share out", reason="NO_EQUITY")
        return summary.account

    async def _market(self, symbol: str) -> Market:
        quote = await self._prices.quote(symbol)
        if quote.stale:
            raise Unavailable(f"the price of {symbol} is stale")
        return Market(
            instrument=await self._exchange.instrument(symbol),
            mark_price=quote.mark_price,
            bid_price=quote.bid_price,
            ask_price=quote.ask_price,
            taker_rate=await self._exchange.taker_rate(symbol),
        )


def _checked_band(band: Decimal) -> Decimal:
    if not 0 <= band <= 1:
        raise Invalid(
            f"a band of {text(band)} is no fraction between 0 and 1", reason="BAND_OUT_OF_RANGE", field="no_trade_band"
        )
    return band


def _signed_quantities(account: Account) -> Mapping[str, Decimal]:
    held: dict[str, Decimal] = {}
    for holding in account.holdings:
        held[holding.symbol] = held.get(holding.symbol, ZERO) + holding.signed_quantity
    return held
