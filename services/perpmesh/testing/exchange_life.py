"""A seeded life of two traders in a wandering market: every command the exchange knows, likely ones more often.

It is blind: it does not look at what the exchange answers, so the same seed asks the same of any implementation.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from decimal import Decimal
from hashlib import sha256
from random import Random

from perpmesh.exchange import commands as c
from perpmesh.exchange.engine import Engine
from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange.symbols import default_symbols
from perpmesh.exchange.words import (
    MarginChange,
    MarginType,
    OrderType,
    PositionSide,
    PriceMatch,
    SelfTrade,
    Side,
    SymbolStatus,
    TimeInForce,
    WorkingType,
)

BTC, ETH = "BTCUSDT", "ETHUSDT"
MARKET_MS, WALL_MS = 1_700_000_000_000, 1_800_000_000_000
START = {"alice": Decimal(12_000), "bob": Decimal(3_000)}

MID = {BTC: Decimal(60_000), ETH: Decimal(3_000)}
TICK = {BTC: Decimal("0.1"), ETH: Decimal("0.01")}
LIMIT_TYPES = (OrderType.STOP, OrderType.TAKE_PROFIT)
CLOSING = (OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET)
CONDITIONAL = [kind for kind in OrderType if kind.is_conditional]
TIFS = [TimeInForce.GTC] * 5 + [TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTX]
NAMES = [None, "a", "b", "c", "d", "e", "f"]
MATCHES = [PriceMatch.NONE] * 8 + [PriceMatch.OPPONENT, PriceMatch.OPPONENT_5, PriceMatch.QUEUE, PriceMatch.QUEUE_5]
STATUSES = [SymbolStatus.TRADING] * 4 + [SymbolStatus.PRE_SETTLE, SymbolStatus.SETTLING, SymbolStatus.CLOSE]


class Life:
    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)  # noqa: S311 - an experiment, not a secret
        self.middle = dict(MID)
        self.dual = dict.fromkeys(START, False)
        self.asked: deque[c.PlaceOrder] = deque(maxlen=30)  # limit orders of late; some of them rest
        self.closed: str | None = None  # a symbol whose status was changed: it is listed again soon

    def commands(self, count: int) -> Iterator[c.Command]:
        makers = [self.order] * 8 + [self.conditional] * 3 + [self.book] * 5 + [self.mark] * 4 + [self.tape] * 6
        makers += [self.amend] * 4 + [self.cancel, self.setting, self.setting, self.house]
        for name in self.dual:
            self.dual[name] = self.odds(0.4)
            yield c.SetPositionMode(name, dual_side=self.dual[name])
            yield from (c.SetLeverage(name, symbol, self.chance.choice([20, 100])) for symbol in MID)
            yield from (c.SetMarginType(name, symbol, MarginType.ISOLATED) for symbol in MID if self.odds(0.4))
        for _ in range(count):
            yield self.relist() or self.chance.choice(makers)()

    def odds(self, chance: float) -> bool:
        return self.chance.random() < chance

    def who(self) -> str:
        return self.chance.choice(list(START))

    def symbol(self) -> str:
        return self.chance.choice([BTC, ETH])

    def side(self) -> Side:
        return self.chance.choice(list(Side))

    def size(self, symbol: str, most: int = 300) -> Decimal:
        return Decimal(self.chance.randint(1, most)) / 100 * (1 if symbol == BTC else 10)

    def near(self, symbol: str, spread: int = 60) -> Decimal:
        away = Decimal(self.chance.randint(-spread, spread)) / 10_000
        return (self.middle[symbol] * (1 + away)).quantize(TICK[symbol])

    def position_side(self, account: str) -> PositionSide | None:
        if self.odds(0.03):
            return self.chance.choice(list(PositionSide))
        return self.chance.choice([PositionSide.LONG, PositionSide.SHORT]) if self.dual[account] else None

    def order(self) -> c.Command:
        account, symbol, limit = self.who(), self.symbol(), self.odds(0.7)
        match = self.chance.choice(MATCHES) if limit else PriceMatch.NONE
        order = c.PlaceOrder(
            account=account,
            symbol=symbol,
            side=self.side(),
            type=OrderType.LIMIT if limit else OrderType.MARKET,
            quantity=self.size(symbol),
            price=self.near(symbol) if limit and match is PriceMatch.NONE else None,
            time_in_force=self.chance.choice(TIFS) if limit else None,
            reduce_only=True if not self.dual[account] and self.odds(0.2) else None,
            position_side=self.position_side(account),
            client_order_id=self.chance.choice(NAMES),
            price_match=match,
            self_trade=self.chance.choice(list(SelfTrade)),
        )
        if limit and order.client_order_id:
            self.asked.append(order)
        return c.PlaceInParts(order, (30, 30, 20), 5) if self.odds(0.04) else order

    def amend(self) -> c.Command:
        if not self.asked:
            return c.AdvanceTime()
        order, match = self.chance.choice(self.asked), self.chance.choice(MATCHES)
        return c.AmendOrder(
            account=order.account,
            symbol=order.symbol,
            side=self.side() if self.odds(0.05) else order.side,
            quantity=self.size(order.symbol),
            price=self.chance.choice([order.price, self.near(order.symbol)]) if match is PriceMatch.NONE else None,
            client_order_id=order.client_order_id,
            price_match=match,
            reduce_only=self.chance.choice([None, None, True]),
        )

    def conditional(self) -> c.Command:
        account, symbol, kind = self.who(), self.symbol(), self.chance.choice(CONDITIONAL)
        closes = kind in CLOSING and self.odds(0.5)
        return c.PlaceAlgoOrder(
            account=account,
            symbol=symbol,
            side=self.side(),
            type=kind,
            trigger_price=self.near(symbol, 150),
            quantity=None if closes else self.size(symbol),
            price=self.near(symbol, 150) if kind in LIMIT_TYPES else None,
            close_position=closes,
            callback_rate=Decimal("0.3") if kind is OrderType.TRAILING_STOP_MARKET else None,
            working_type=self.chance.choice(list(WorkingType)),
            position_side=self.position_side(account),
            reduce_only=None if closes or self.dual[account] else self.chance.choice([None, True]),
        )

    def book(self) -> c.Command:
        symbol = self.symbol()
        self.middle[symbol] *= 1 + Decimal(self.chance.randint(-100, 100)) / 10_000
        middle, tick = self.middle[symbol].quantize(TICK[symbol]), TICK[symbol]
        steps = [(n * 20 * tick, self.size(symbol, 200)) for n in range(1, self.chance.randint(1, 12))]
        return c.SetBook(
            symbol, tuple((middle - d, q) for d, q in steps), tuple((middle + d, q) for d, q in steps)
        )  # fmt: skip

    def mark(self) -> c.Command:
        symbol = self.symbol()
        gap = 2_000 if self.odds(0.02) else 10
        price = self.near(symbol, gap) + Decimal("0.00000123")
        return c.SetMark(symbol, price, price, Decimal("0.0001"))

    def tape(self) -> c.Command:
        symbol = self.symbol()
        return c.MarketTrade(symbol, self.near(symbol, 20), self.size(symbol, 200), self.side())

    def cancel(self) -> c.Command:
        account, symbol = self.who(), self.symbol()
        options: list[c.Command] = [
            c.CancelAllOrders(account, symbol),
            c.CancelAllAlgoOrders(account, symbol),
            c.CancelOrder(account, symbol, client_order_id=self.chance.choice(["a", "b", "c"])),
            c.CountdownCancelAll(account, symbol, 5),
            c.RejectWhenTriggered(account, self.chance.randint(1, 60), "on demand"),
        ]
        return self.chance.choice(options)

    def setting(self) -> c.Command:
        account, symbol = self.who(), self.symbol()
        options: list[c.Command] = [
            c.SetLeverage(account, symbol, self.chance.choice([5, 50, 75, 100, 100])),
            c.SetMarginType(account, symbol, self.chance.choice(list(MarginType))),
            c.SettleFunding(symbol, Decimal(self.chance.randint(-30, 30)) / 10_000),
            c.Deposit(account, Decimal(self.chance.randint(-12_000, 16_000))),
            c.AdjustPositionMargin(
                account,
                symbol,
                Decimal(self.chance.randint(1, 10_000)) / 100,
                self.chance.choice(list(MarginChange)),
                self.position_side(account),
            ),
            c.SetFeeTier(account, self.chance.randint(0, 9)),
            c.SetCommission(account, symbol, Decimal(self.chance.randint(0, 9)) / 100_000, Decimal("0.00045")),
            c.AdvanceTime(),
            c.SetPositionMode(account, dual_side=self.dual[account]),
        ]
        return self.chance.choice(options)

    def house(self) -> c.Command:
        """What the exchange itself does: rules, delisting, liquidation at will, its fund."""
        symbol = self.symbol()
        status = self.chance.choice(STATUSES)
        self.closed = None if status is SymbolStatus.TRADING else symbol
        options: list[c.Command] = [
            c.ChangeSymbol(symbol, status),
            c.ChangeSymbol(symbol, tick=TICK[symbol] * self.chance.choice([1, 2, 5])),
            c.ChangeSymbol(symbol, min_notional=Decimal(self.chance.choice([5, 20, 200]))),
            c.Liquidate(self.who(), self.chance.choice([None, BTC, ETH])),
            c.FundInsurance(Decimal(self.chance.randint(-20_000, 2_000))),
        ]
        return self.chance.choice(options)

    def relist(self) -> c.Command | None:
        if self.closed is None or self.odds(0.7):
            return None
        symbol, self.closed = self.closed, None
        return c.ChangeSymbol(symbol, SymbolStatus.TRADING)


class Witness:
    """An engine that lives through commands, and one hash over all that it answered: facts and refusals."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.heard = sha256()
        self.facts = 0

    def live(self, commands: Iterable[c.Command], first: int = 0) -> None:
        """Apply the commands in order, each a second of market time and a millisecond of wall time after the last."""
        for n, command in enumerate(commands, first):
            try:
                facts = self.engine.apply(command, market_ms=MARKET_MS + n * 1_000, wall_ms=WALL_MS + n)
            except ExchangeError as error:
                self.heard.update(b"%d" % error.code)
                continue
            self.facts += len(facts)
            self.heard.update(repr(facts).encode())

    def die_and_come_back(self) -> None:
        """Go on from the snapshot alone, as a process does that was killed."""
        self.engine = Engine.restore(default_symbols(), self.engine.snapshot())

    @property
    def digest(self) -> str:
        """Return the hash of everything heard and of the state as it is."""
        whole = self.heard.copy()
        whole.update(self.engine.state_hash().encode())
        return whole.hexdigest()


def births() -> Iterator[c.Command]:
    """Yield what comes before a life: two accounts, and a market to trade on."""
    yield from (c.CreateAccount(name, balance) for name, balance in START.items())
    yield from (c.SetMark(symbol, middle, middle) for symbol, middle in MID.items())
    for symbol, middle in MID.items():
        yield c.SetBook(symbol, ((middle - 1, Decimal(50)),), ((middle + 1, Decimal(50)),))
