"""The gate before every entry: pure, fail-closed, and it names every reason at once. Exits never come here."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from perpmesh.execution.domain.facts import PriceFact
from perpmesh.execution.domain.lease import Lease
from perpmesh.execution.domain.stages import SHARES
from perpmesh.execution.domain.trade import Trade, risk_at
from perpmesh.execution.domain.words import Side, Stage
from perpmesh.kernel.errors import Refused
from perpmesh.kernel.instrument import Instrument
from perpmesh.kernel.money import ZERO, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One reason why not: a word for machines, a sentence for people, and the field at fault if it is one."""

    word: str
    sentence: str
    field: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The policies that bound an entry. Fractions of equity, never percentages."""

    max_slippage: Decimal
    max_stop_distance: Decimal
    price_stale_ms: int
    clock_offset_block_ms: int
    orders_per_minute: int
    max_risk_per_trade: Decimal
    max_open_risk: Decimal
    max_gross_exposure: Decimal
    max_position_exposure: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is known now, apart from any wish."""

    lease: Lease | None
    lease_reason: str  # why there is none
    boot_ms: int
    now_ms: int
    policy_revision: int
    clock_known: bool
    clock_offset_ms: int  # exchange clock minus our wall clock
    reconciled: bool
    account_trouble: str  # "" or why the account may not be traded: "HEDGE_MODE" …
    equity: Decimal | None
    budget_left: bool
    entries_last_minute: int
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What is known of the symbol that is wished for, and what is at stake already."""

    instrument: Instrument | None
    price: PriceFact | None
    trade: Trade | None  # the open trade on the symbol
    symbol_unsettled: bool  # an order on it has an unknown outcome
    symbol_cooling: bool  # the exchange lately had no margin or room for it
    position_notional: Decimal  # of the symbol, reservations included, at mark
    gross_notional: Decimal  # of all symbols, reservations included
    open_risk: Decimal  # loss if every stop is hit, reservations included
    seen_before: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryWish:
    """An entry that somebody wants."""

    origin: str  # what the client ids derive from
    symbol: str
    side: Side
    quantity: Decimal
    stop_price: Decimal
    take_profit_price: Decimal = ZERO
    reference_price: Decimal = ZERO  # what the decision was made at; 0: judge no slippage
    expires_at_ms: int = 0
    decision_id: str = ""
    request_id: str = ""
    strategy: str = ""
    amplification: bool = False
    traceparent: str = ""


def blockers(world: World) -> list[Refusal]:
    """Return every reason why no entry at all may go out now."""
    return [refusal for rule in _WORLD_RULES if (refusal := rule(world)) is not None]


def refusals(world: World, market: Market, wish: EntryWish) -> list[Refusal]:
    """Return every reason why this entry may not go out now; none means it may."""
    found = blockers(world)
    found += [refusal for ask in _MARKET_RULES if (refusal := ask(world, market, wish)) is not None]
    if market.instrument is not None and market.price is not None:
        found += _filter_refusals(market.instrument, market.price, wish)
        if world.equity is not None:
            found += _limit_refusals(world, world.equity, market, market.price, wish)
    return found


def _lease(world: World) -> Refusal | None:
    if world.lease is None:
        why = world.lease_reason or "risk_safety has granted none"
        return Refusal(word="LEASE_MISSING", sentence=f"there is no entry lease: {why}")
    if world.lease.remaining_ms(world.boot_ms) <= 0:
        return Refusal(word="LEASE_EXPIRED", sentence="the entry lease has run out")
    return None


def _stage(world: World) -> Refusal | None:
    if world.lease is not None and world.lease.stage is Stage.SHADOW:
        return Refusal(word="STAGE_SHADOW", sentence="the safety core is in stage SHADOW: nothing is sent")
    return None


def _policy(world: World) -> Refusal | None:
    if world.policy_revision < 0 or (world.lease and world.policy_revision < world.lease.policy_revision):
        return Refusal(word="POLICY_STALE", sentence=f"policy revision {world.policy_revision} is not the newest")
    return None


def _clock(world: World) -> Refusal | None:
    if not world.clock_known:
        return Refusal(word="CLOCK_UNKNOWN", sentence="the exchange's clock is not known")
    if abs(world.clock_offset_ms) > world.limits.clock_offset_block_ms:
        return Refusal(word="CLOCK_OFFSET", sentence=f"our clock is {world.clock_offset_ms} ms off the exchange's")
    return None


def _reconciled(world: World) -> Refusal | None:
    if not world.reconciled:
        return Refusal(word="NOT_RECONCILED", sentence="the books were not compared with the exchange lately")
    return None


def _account(world: World) -> Refusal | None:
    if world.account_trouble:
        return Refusal(
            word=world.account_trouble, sentence=f"the account is not as it must be: {world.account_trouble}"
        )
    if world.equity is None or world.equity <= 0:
        return Refusal(word="EQUITY_UNKNOWN", sentence="the account's equity is not known, or gone")
    return None


def _budget(world: World) -> Refusal | None:
    if not world.budget_left:
        return Refusal(word="RATE_BUDGET", sentence="the rest of the exchange's rate limit is kept for exits")
    if world.entries_last_minute >= world.limits.orders_per_minute:
        return Refusal(word="RATE_BUDGET", sentence=f"{world.entries_last_minute} entries within a minute")
    return None


_WORLD_RULES: tuple[Callable[[World], Refusal | None], ...] = (
    _lease, _stage, _policy, _clock, _reconciled, _account, _budget,
)  # fmt: skip


def _symbol(_: World, market: Market, wish: EntryWish) -> Refusal | None:
    if market.instrument is None:
        return Refusal(word="SYMBOL_UNKNOWN", sentence=f"{wish.symbol} is not traded here", field="symbol")
    return None


def _price(world: World, market: Market, wish: EntryWish) -> Refusal | None:
    price = market.price
    if price is None:
        return Refusal(word="PRICE_STALE", sentence=f"no price of {wish.symbol} is known")
    age = world.boot_ms - price.heard_boot_ms
    if price.stale or age > world.limits.price_stale_ms:
        return Refusal(word="PRICE_STALE", sentence=f"the price of {wish.symbol} is {age} ms old")
    return None


def _expired(world: World, _: Market, wish: EntryWish) -> Refusal | None:
    if wish.expires_at_ms and world.now_ms >= wish.expires_at_ms:
        return Refusal(word="DECISION_EXPIRED", sentence="the decision came too late")
    return None


def _seen(_: World, market: Market, __: EntryWish) -> Refusal | None:
    if market.seen_before:
        return Refusal(word="SEEN_BEFORE", sentence="this was ordered before")
    return None


def _settled(_: World, market: Market, wish: EntryWish) -> Refusal | None:
    if market.symbol_unsettled:
        return Refusal(word="ORDER_UNSETTLED", sentence=f"an order on {wish.symbol} has an unknown outcome")
    return None


def _cooling(_: World, market: Market, wish: EntryWish) -> Refusal | None:
    if market.symbol_cooling:
        sentence = f"the exchange lately had no margin or room for more on {wish.symbol}"
        return Refusal(word="COOLING_OFF", sentence=sentence)
    return None


def _position(_: World, market: Market, wish: EntryWish) -> Refusal | None:
    if wish.amplification:
        return _amplifiable(market, wish)
    if market.trade is not None or market.position_notional > 0:
        return Refusal(word="POSITION_EXISTS", sentence=f"there is a position on {wish.symbol} already")
    return None


def _amplifiable(market: Market, wish: EntryWish) -> Refusal | None:
    """Only a trade of the same side with a standing stop may grow, and only under a stop at least as tight."""
    trade = market.trade
    if trade is None or trade.side is not wish.side or not trade.stop_price:
        return Refusal(word="NOTHING_TO_AMPLIFY", sentence=f"no protected {wish.side.value} trade on {wish.symbol}")
    if (wish.stop_price - trade.stop_price) * wish.side.sign < 0:
        return Refusal(word="STOP_WORSE", sentence="the stop would be looser than the one that stands")
    return None


def _slippage(world: World, market: Market, wish: EntryWish) -> Refusal | None:
    if not wish.reference_price or market.price is None:
        return None
    worse = (entry_price(market.price, wish.side) - wish.reference_price) * wish.side.sign / wish.reference_price
    if worse > world.limits.max_slippage:
        return Refusal(
            word="SLIPPAGE", sentence=f"the price is {text(worse.quantize(Decimal('0.00001')))} worse by now"
        )
    return None


_MARKET_RULES: tuple[Callable[[World, Market, EntryWish], Refusal | None], ...] = (
    _symbol, _price, _expired, _seen, _settled, _cooling, _position, _slippage,
)  # fmt: skip


def entry_price(price: PriceFact, side: Side) -> Decimal:
    """Return what an entry would pay now: the far side of the spread, or the mark when it is not known."""
    return (price.ask if side is Side.BUY else price.bid) or price.mark or price.last


def _filter_refusals(instrument: Instrument, price: PriceFact, wish: EntryWish) -> Iterator[Refusal]:
    """Ask what the exchange's filters will ask: of the order, and of the stop it needs."""
    here = price.mark or price.last
    try:
        instrument.check_quantity(wish.quantity)
        instrument.check_notional(wish.quantity, here)
    except Refused as refused:
        yield Refusal(word=f"FILTER_{refused.reason}", sentence=str(refused), field=refused.field)
    yield from _conditional_refusals(instrument, here, wish)


def _conditional_refusals(instrument: Instrument, here: Decimal, wish: EntryWish) -> Iterator[Refusal]:
    if wish.stop_price <= 0:
        yield Refusal(word="STOP_REQUIRED", sentence="an entry needs a stop", field="stop_price")
        return
    for field, trigger in (("stop_price", wish.stop_price), ("take_profit_price", wish.take_profit_price)):
        if trigger and not instrument.takes_price(trigger):
            yield Refusal(
                word="FILTER_PRICE", field=field,
                sentence=f"{field} {text(trigger)} is no price that the exchange takes: tick {text(instrument.tick)}",
            )  # fmt: skip
    if (here - wish.stop_price) * wish.side.sign <= 0:
        yield Refusal(word="STOP_WRONG_SIDE", sentence="the stop would trigger at once", field="stop_price")
    if wish.take_profit_price and (wish.take_profit_price - here) * wish.side.sign <= 0:
        yield Refusal(
            word="TAKE_PROFIT_WRONG_SIDE", sentence="the take-profit would trigger at once", field="take_profit_price"
        )


def _limit_refusals(
    world: World, equity: Decimal, market: Market, price: PriceFact, wish: EntryWish
) -> Iterator[Refusal]:
    here, limits = price.mark or price.last, world.limits
    pays = entry_price(price, wish.side)
    share = SHARES[world.lease.stage] if world.lease else ZERO
    share = share or Decimal(1)  # a lease that allows nothing has been named already
    if abs(here - wish.stop_price) > here * limits.max_stop_distance:
        yield Refusal(word="STOP_TOO_FAR", sentence="the stop is too far away", field="stop_price")
    risk = risk_at(pays, wish.stop_price, wish.quantity, wish.side)
    notional = wish.quantity * pays
    for word, amount, limit in (
        ("RISK_PER_TRADE", risk, limits.max_risk_per_trade * share),
        ("OPEN_RISK", market.open_risk + risk, limits.max_open_risk * share),
        ("GROSS_EXPOSURE", market.gross_notional + notional, limits.max_gross_exposure),
        ("POSITION_EXPOSURE", market.position_notional + notional, limits.max_position_exposure),
    ):
        if amount > equity * limit:
            sentence = f"{text(amount.quantize(Decimal('0.01')))} USDT is over the limit of "
            sentence += f"{text((equity * limit).quantize(Decimal('0.01')))} USDT"
            yield Refusal(word=word, sentence=f"{word.lower().replace('_', ' ')}: {sentence}", field="quantity")
