"""Account maths: margins, profit, what is available, where liquidation is. Integers, but for that price."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import NamedTuple

from perpmesh.exchange.commitments import Commitment
from perpmesh.exchange.state import DEFAULT_LEVERAGE, Account, Market, Order, Position, place_of
from perpmesh.exchange.symbols import MONEY, Bracket, SymbolSpec
from perpmesh.exchange.words import PositionSide, Side


class PlaceMargin(NamedTuple):
    """The margins of one position place. Open orders count with the worse of their two directions."""

    position: int
    open_orders: int
    bid_notional: int
    ask_notional: int


@dataclass(frozen=True, slots=True)
class Totals:
    """An account summed up, in money units. Isolated positions count in the totals but not in `cross_*`."""

    unrealized: int
    cross_unrealized: int
    maintenance: int
    cross_maintenance: int
    position_initial: int
    cross_position_initial: int
    open_order_initial: int
    cross_wallet: int

    @property
    def raw_available(self) -> int:
        return self.cross_wallet + self.cross_unrealized - self.cross_position_initial - self.open_order_initial

    @property
    def available(self) -> int:
        return max(0, self.raw_available)

    @property
    def max_withdraw(self) -> int:
        """Profit not yet taken cannot be withdrawn."""
        return max(0, self.raw_available - max(0, self.cross_unrealized))


@dataclass(slots=True)
class Books:
    """What the maths needs to know beside the account: the rules and the prices."""

    specs: Mapping[str, SymbolSpec]
    markets: Mapping[str, Market]
    epoch: int = 0  # of prices, positions, wallets and settings: what was reckoned in an earlier one holds no more

    def mark(self, symbol: str) -> int:
        """Return the mark price in money units, the last price while there is no mark yet."""
        market = self.markets[symbol]
        return market.mark or market.last * self.specs[symbol].tick_units

    def notional(self, position: Position) -> int:
        """Return the signed worth of a position at the mark."""
        return self.specs[position.symbol].value(position.lots, self.mark(position.symbol))

    def unrealized(self, position: Position) -> int:
        return self.notional(position) - position.cost if position.lots else 0

    def maintenance(self, position: Position) -> int:
        return self.specs[position.symbol].maintenance(abs(self.notional(position))) if position.lots else 0

    def order_notional(self, order: Order) -> int:
        return order.remaining * order.price * self.specs[order.symbol].unit


def step(books: Books, account: Account, place: str, side: Side, worth: int) -> tuple[int, int]:
    """Return the margin of a place, position and orders together: as it is, and with orders of `worth` on `side`."""
    position, commitment = account.positions.get(place), account.commitments.places.get(place)
    notional = books.notional(position) if position is not None and position.lots else 0
    buys, sells = (commitment.buys, commitment.sells) if commitment is not None else (0, 0)
    leverage = account.leverage.get(place.partition(":")[0], DEFAULT_LEVERAGE)
    before = _worst(notional, buys, sells) // leverage
    if side.sign > 0:
        return before, _worst(notional, buys + worth, sells) // leverage
    return before, _worst(notional, buys, sells + worth) // leverage


def place_margin(books: Books, account: Account, symbol: str, side: PositionSide) -> PlaceMargin:
    """Return the margins of a place."""
    place = place_of(symbol, side)
    position, commitment = account.positions.get(place), account.commitments.places.get(place)
    notional = books.notional(position) if position is not None and position.lots else 0
    buys, sells = (commitment.buys, commitment.sells) if commitment is not None else (0, 0)
    leverage = account.leverage_of(symbol)
    held = abs(notional) // leverage
    return PlaceMargin(held, _worst(notional, buys, sells) // leverage - held, buys, sells)


def _worst(notional: int, buys: int, sells: int) -> int:
    """Return the largest notional value that a place can come to."""
    if notional:
        return max(abs(notional), abs(notional + buys), abs(notional - sells))
    return max(sells, buys)


def available(books: Books, account: Account) -> int:
    """Return `Totals.raw_available`, reckoned anew only in another epoch: orders keep it in step by `follow`."""
    commitments = account.commitments
    if commitments.epoch == books.epoch:
        return commitments.available
    for place, position in account.positions.items():
        if position.lots:
            commitments.at(place, position.symbol)
    left = account.cross_wallet
    for place, commitment in commitments.places.items():
        symbol, found = commitment.symbol, account.positions.get(place)
        notional = commitment.notional = books.notional(found) if found is not None and found.lots else 0
        leverage = commitment.leverage = account.leverage_of(symbol)
        commitment.held = abs(notional) // leverage
        commitment.margin = _worst(notional, commitment.buys, commitment.sells) // leverage - commitment.held
        left -= commitment.margin
        if found is not None and found.lots and not account.is_isolated(symbol):
            left += notional - found.cost - commitment.held
    commitments.epoch, commitments.available = books.epoch, left
    return left


def follow(books: Books, account: Account, commitment: Commitment) -> None:
    """Keep `available` in step with orders that came or went at a place."""
    commitments = account.commitments
    if commitments.epoch == books.epoch:
        worst = _worst(commitment.notional, commitment.buys, commitment.sells)
        margin = worst // commitment.leverage - commitment.held
        commitments.available += commitment.margin - margin
        commitment.margin = margin


def open_places(account: Account) -> Iterator[tuple[str, PositionSide]]:
    """Yield each (symbol, side) that has a position or an open order, in a fixed order."""
    keys = {place for place, position in account.positions.items() if position.lots}
    keys |= {place for place, commitment in account.commitments.places.items() if commitment.orders}
    for key in sorted(keys):
        symbol, side = key.split(":")
        yield symbol, PositionSide(side)


def totals(books: Books, account: Account) -> Totals:
    """Sum an account up."""
    unrealized = cross_unrealized = maintenance = cross_maintenance = initial = cross_initial = orders = 0
    for symbol, side in open_places(account):
        position = account.position(place_of(symbol, side))
        margin = place_margin(books, account, symbol, side)
        profit, maintain = books.unrealized(position), books.maintenance(position)
        unrealized += profit
        maintenance += maintain
        initial += margin.position
        orders += margin.open_orders
        if not account.is_isolated(symbol):
            cross_unrealized += profit
            cross_maintenance += maintain
            cross_initial += margin.position
    return Totals(
        unrealized,
        cross_unrealized,
        maintenance,
        cross_maintenance,
        initial,
        cross_initial,
        orders,
        account.cross_wallet,
    )


def liquidation_price(spec: SymbolSpec, position: Position, twin: Position | None, behind: int) -> Decimal:
    """Return the mark price at which margin balance equals maintenance; 0 when no price does that.

    `twin` and `behind` are what `liquidation_wallet` says.

    LP = (WB − TMM + UPNL + cum − signed·EP) / (|amt|·mmr − signed), in the tier that holds |amt|·LP. The other
    side of a hedge moves with the same price, so it joins the sums, in the tier that it has at that price.
    """
    if not position.lots:
        return Decimal(0)
    legs = [position] if twin is None else [position, twin]
    for tiers in product(spec.brackets, repeat=len(legs)):
        price = _price_in(spec, legs, tiers, behind)
        if price and all(_holds(spec, tier, leg, price) for tier, leg in zip(tiers, legs, strict=True)):
            return price
    return Decimal(0)


def _holds(spec: SymbolSpec, tier: Bracket, leg: Position, price: Decimal) -> bool:
    return tier.floor < abs(leg.lots) / Decimal(spec.lot_units) * price <= tier.cap


def liquidation_wallet(books: Books, account: Account, position: Position) -> tuple[int, Position | None]:
    """Return what stands behind a position (WB − TMM + UPNL) and the other side of its hedge."""
    if account.is_isolated(position.symbol):
        return position.isolated, None
    others = [
        p for p in account.positions.values() if p is not position and p.lots and not account.is_isolated(p.symbol)
    ]
    twin = next((p for p in others if p.symbol == position.symbol), None)
    behind = sum(books.unrealized(p) - books.maintenance(p) for p in others if p is not twin)
    return account.cross_wallet + behind, twin


def _price_in(spec: SymbolSpec, legs: list[Position], tiers: tuple[Bracket, ...], wallet: int) -> Decimal:
    """Return where the legs, each in its tier, use `wallet` up; 0 when nowhere."""
    numerator = Decimal(wallet - sum(leg.cost for leg in legs)) / MONEY + sum(tier.cum for tier in tiers)
    sizes = (abs(leg.lots) * tier.maintenance_rate - leg.lots for leg, tier in zip(legs, tiers, strict=True))
    denominator = sum(sizes, Decimal(0)) / spec.lot_units
    price = numerator / denominator if denominator else Decimal(0)
    return max(price, Decimal(0))
