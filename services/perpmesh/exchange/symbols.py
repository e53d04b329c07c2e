"""The contracts that are traded and their rules: increments, filters, brackets, fees. Figures are Binance's own."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from math import ceil

from perpmesh.exchange.words import SymbolStatus

MONEY = 100_000_000  # integer money units in one USDT
PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class Bracket:
    """A tier of notional value: what leverage it allows and how much maintenance margin it asks."""

    number: int
    leverage: int
    floor: int  # whole USDT
    cap: int
    maintenance_ppm: int
    cum: int

    @property
    def maintenance_rate(self) -> Decimal:
        return Decimal(self.maintenance_ppm) / PPM


@dataclass(frozen=True)
class SymbolSpec:
    """One USDT-margined perpetual. Decimals as exchangeInfo shows them; the integer forms are for the machine."""

    symbol: str
    base: str
    tick: Decimal
    step: Decimal
    price_precision: int
    quantity_precision: int
    min_price: Decimal
    max_price: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    market_max_quantity: Decimal
    min_notional: Decimal
    brackets: tuple[Bracket, ...]
    sub_type: str
    onboard_ms: int = 1_569_398_400_000
    quote: str = "USDT"
    max_orders: int = 200
    max_algos: int = 200  # across all symbols
    percent_up: Decimal = Decimal("1.0500")
    percent_down: Decimal = Decimal("0.9500")
    market_take_bound: Decimal = Decimal("0.05")
    trigger_protect: Decimal = Decimal("0.0500")
    liquidation_fee: Decimal = Decimal("0.012500")
    maker_ppm: int = 200  # VIP0: 0.0200 %
    taker_ppm: int = 500  # VIP0: 0.0500 %
    status: SymbolStatus = SymbolStatus.TRADING
    price_grain: Decimal = Decimal(0)  # what the machine counts prices in; 0: the tick
    quantity_grain: Decimal = Decimal(0)  # the same for quantities; 0: the step

    @cached_property
    def grains(self) -> tuple[Decimal, Decimal]:
        """Return the price of one tick and the quantity of one lot: they stay when the filters become coarser."""
        return self.price_grain or self.tick, self.quantity_grain or self.step

    @cached_property
    def tick_units(self) -> int:
        """Return one tick in money units."""
        return int(self.grains[0] * MONEY)

    @cached_property
    def lot_units(self) -> int:
        """Return how many lots make one whole coin."""
        return int(1 / self.grains[1])

    @cached_property
    def lot_size_units(self) -> int:
        """Return one lot in 1e-8 of a coin."""
        return int(self.grains[1] * MONEY)

    @cached_property
    def unit(self) -> int:
        """Return the worth of one lot at a price of one tick, in money units: always whole."""
        return self.tick_units // self.lot_units

    @cached_property
    def min_notional_units(self) -> int:
        return int(self.min_notional * MONEY)

    @cached_property
    def percent_ppm(self) -> tuple[int, int]:
        """Return how far limit prices may go, above and below, in parts per million of the mark: rounded inwards."""
        return int(self.percent_up * PPM), ceil(self.percent_down * PPM)

    @cached_property
    def ticks_allowed(self) -> tuple[int, int, int]:
        """Return the lowest and highest price in ticks and the step between; the price of what is none is refused."""
        grain = self.grains[0]
        if (
            self.min_price % grain
            or self.max_price % grain
            or self.tick % grain
            or round(grain, self.price_precision) != grain
        ):
            return 1, 0, 1
        return self.to_ticks(self.min_price), self.to_ticks(self.max_price), self.to_ticks(self.tick)

    @cached_property
    def lots_allowed(self) -> tuple[int, int, int, int]:
        """Return the smallest and largest quantity in lots, the largest of a market order, and the step between."""
        low, high, market_high = self.min_quantity, self.max_quantity, self.market_max_quantity
        grain = self.grains[1]
        if (
            any(each % grain for each in (low, high, market_high, self.step))
            or round(grain, self.quantity_precision) != grain
        ):
            return 1, 0, 0, 1
        return self.to_lots(low), self.to_lots(high), self.to_lots(market_high), self.to_lots(self.step)

    def to_ticks(self, price: Decimal) -> int:
        return int(price / self.grains[0])

    def to_lots(self, quantity: Decimal) -> int:
        return int(quantity / self.grains[1])

    def price(self, ticks: int) -> Decimal:
        return ticks * self.grains[0]

    def quantity(self, lots: int) -> Decimal:
        return lots * self.grains[1]

    @cached_property
    def _price_form(self) -> tuple[int, int, str] | None:
        return _form(self.grains[0], self.price_precision)

    @cached_property
    def _quantity_form(self) -> tuple[int, int, str] | None:
        return _form(self.grains[1], self.quantity_precision)

    def price_text(self, ticks: int) -> str:
        """Write a price, never a negative one, with the places that the symbol shows."""
        form = self._price_form
        if form is None:
            return f"{self.price(ticks):.{self.price_precision}f}"
        return form[2] % divmod(ticks * form[0], form[1])

    def quantity_text(self, lots: int) -> str:
        """Write a quantity, never a negative one, with the places that the symbol shows."""
        form = self._quantity_form
        if form is None:
            return f"{self.quantity(lots):.{self.quantity_precision}f}"
        return form[2] % divmod(lots * form[0], form[1])

    def value(self, lots: int, price_units: int) -> int:
        """Return lots × a price in money units, rounded half away from zero: the worth at a mark price."""
        product = lots * price_units
        half = self.lot_units // 2
        return (product + half) // self.lot_units if product >= 0 else -((-product + half) // self.lot_units)

    def bracket_of(self, notional: int) -> Bracket:
        """Return the tier of a notional value in money units; the last one above all caps."""
        for bracket in self.brackets:
            if notional <= bracket.cap * MONEY:
                return bracket
        return self.brackets[-1]

    def maintenance(self, notional: int) -> int:
        """Return the maintenance margin of a notional value: notional × rate − cum."""
        bracket = self.bracket_of(notional)
        return notional * bracket.maintenance_ppm // PPM - bracket.cum * MONEY

    @cached_property
    def _max_notionals(self) -> tuple[int, ...]:
        most = max(b.leverage for b in self.brackets)
        return tuple(max(b.cap for b in self.brackets if b.leverage >= n) * MONEY for n in range(most + 1))

    def max_notional(self, leverage: int) -> int:
        """Return the largest position in money units that `leverage` allows."""
        return self._max_notionals[leverage]


def _form(grain: Decimal, places: int) -> tuple[int, int, str] | None:
    """Return how many of the last place a grain is, how many make one, and the form; None when it has more places."""
    unit = 10**places
    if places == 0 or grain * unit % 1:
        return None
    return int(grain * unit), unit, f"%d.%0{places}d"


def _brackets(*rows: tuple[int, int, int]) -> tuple[Bracket, ...]:
    """Make tiers from (leverage, cap, maintenance ppm); cum follows so that maintenance is continuous."""
    tiers: list[Bracket] = []
    for leverage, cap, ppm in rows:
        floor, before, cum = (tiers[-1].cap, tiers[-1].maintenance_ppm, tiers[-1].cum) if tiers else (0, ppm, 0)
        tiers.append(Bracket(len(tiers) + 1, leverage, floor, cap, ppm, cum + floor * (ppm - before) // PPM))
    return tuple(tiers)


_LOW_TIERS = ((125, 50_000, 4_000), (100, 600_000, 5_000), (75, 3_000_000, 6_500), (50, 12_000_000, 10_000))
_HIGH_RATES = ((25, 20_000), (20, 25_000), (10, 50_000), (5, 100_000), (4, 125_000), (3, 150_000), (2, 250_000))
_BTC_CAPS = (70, 100, 230, 480, 600, 800, 1_200)
_ETH_CAPS = (50, 65, 150, 320, 400, 530, 800)


def _tiers(caps_in_millions: tuple[int, ...], last_cap: int) -> tuple[Bracket, ...]:
    rates = zip(_HIGH_RATES, caps_in_millions, strict=True)
    high = tuple((leverage, cap * 1_000_000, ppm) for (leverage, ppm), cap in rates)
    return _brackets(*_LOW_TIERS, *high, (1, last_cap * 1_000_000, 500_000))


def default_symbols() -> tuple[SymbolSpec, ...]:
    """Return BTCUSDT and ETHUSDT with the filters of exchangeInfo and the brackets of 2024-10."""
    btc = SymbolSpec(
        symbol="BTCUSDT",
        base="BTC",
        tick=Decimal("0.10"),
        step=Decimal("0.001"),
        price_precision=2,
        quantity_precision=3,
        min_price=Decimal("556.80"),
        max_price=Decimal(4_529_764),
        min_quantity=Decimal("0.001"),
        max_quantity=Decimal(1000),
        market_max_quantity=Decimal(120),
        min_notional=Decimal(50),
        brackets=_tiers(_BTC_CAPS, 1_800),
        sub_type="PoW",
    )
    eth = SymbolSpec(
        symbol="ETHUSDT",
        base="ETH",
        tick=Decimal("0.01"),
        step=Decimal("0.001"),
        price_precision=2,
        quantity_precision=3,
        min_price=Decimal("39.86"),
        max_price=Decimal(306_177),
        min_quantity=Decimal("0.001"),
        max_quantity=Decimal(10_000),
        market_max_quantity=Decimal(2000),
        min_notional=Decimal(20),
        brackets=_tiers(_ETH_CAPS, 1_200),
        sub_type="Layer-1",
    )
    return btc, eth
