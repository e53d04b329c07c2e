"""The gate before every entry: pure, fail-closed, and it names every reason at once. Exits never come here."""

from collections.abc import Callable

from perpmesh.execution.domain.admission import EntryWish, Market, Refusal, World
from perpmesh.execution.domain.filter_rules import filter_refusals
from perpmesh.execution.domain.risk_case import Case
from perpmesh.execution.domain.risk_limits import limit_refusals
from perpmesh.execution.domain.words import Stage


def blockers(world: World) -> list[Refusal]:
    """Return every reason why no entry at all may go out now."""
    return [refusal for rule in _WORLD_RULES if (refusal := rule(world)) is not None]


def refusals(world: World, market: Market, wish: EntryWish) -> list[Refusal]:
    """Return every reason why this entry may not go out now; none means it may."""
    found = blockers(world)
    found += [refusal for ask in _MARKET_RULES if (refusal := ask(world, market, wish)) is not None]
    if market.instrument is not None and market.price is not None and market.price.fair > 0:
        found += filter_refusals(market.instrument, market.price, wish)
        if world.equity is not None and world.equity > 0:
            found += limit_refusals(Case(world, wish, market.price, world.equity))
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


def _store(world: World) -> Refusal | None:
    if world.store_failed:
        return Refusal(word="STORE_FAILED", sentence="the store does not take what is true: is the disk full?")
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
    return None


def _rate(world: World) -> Refusal | None:
    """An entry counts from its admission, so that many at once cannot pass together."""
    if world.entries_last_minute >= world.limits.orders_per_minute:
        return Refusal(
            word="ORDERS_PER_MINUTE", policy="execution.orders_per_minute",
            sentence=f"{world.entries_last_minute} entries within a minute: no more than that are allowed",
            measured=str(world.entries_last_minute + 1), limit=str(world.limits.orders_per_minute),
        )  # fmt: skip
    return None


_WORLD_RULES: tuple[Callable[[World], Refusal | None], ...] = (
    _lease, _stage, _policy, _clock, _reconciled, _store, _account, _budget, _rate,
)  # fmt: skip


def _symbol(_: World, market: Market, wish: EntryWish) -> Refusal | None:
    if market.instrument is None:
        return Refusal(word="SYMBOL_UNKNOWN", sentence=f"{wish.symbol} is not traded here", field="symbol")
    return None


def _price(world: World, market: Market, wish: EntryWish) -> Refusal | None:
    price = market.price
    if price is None or price.fair <= 0:
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


def _position(world: World, market: Market, wish: EntryWish) -> Refusal | None:
    if wish.amplification:
        return _amplifiable(market, wish)
    if market.trade is not None or world.exposure.of(wish.symbol) > 0:
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


_MARKET_RULES: tuple[Callable[[World, Market, EntryWish], Refusal | None], ...] = (
    _symbol, _price, _expired, _seen, _settled, _cooling, _position,
)  # fmt: skip
