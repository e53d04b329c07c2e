"""A seeded life of two traders in a wandering market: every command the exchange knows, likely ones more often."""

from collections.abc import Iterator
from random import Random

from perpmesh.exchange import commands as c
from perpmesh.exchange.words import MarginType, OrderType, PositionSide, SelfTrade, Side, TimeInForce, WorkingType

from .conftest import BTC, ETH, D

MID = {BTC: D(60_000), ETH: D(3_000)}
TICK = {BTC: D("0.1"), ETH: D("0.01")}
LIMIT_TYPES = (OrderType.STOP, OrderType.TAKE_PROFIT)
CLOSING = (OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET)
CONDITIONAL = [kind for kind in OrderType if kind.is_conditional]
TIFS = [TimeInForce.GTC] * 5 + [TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTX]


class Life:
    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.middle = dict(MID)
        self.dual = {"alice": False, "bob": False}

    def commands(self, count: int) -> Iterator[c.Command]:
        makers = [self.order] * 8 + [self.conditional] * 3 + [self.book] * 5 + [self.mark] * 4 + [self.tape] * 6
        makers += [self.cancel, self.setting]
        for name in self.dual:
            self.dual[name] = self.chance.random() < 0.4
            yield c.SetPositionMode(name, dual_side=self.dual[name])
            yield from (c.SetLeverage(name, symbol, self.chance.choice([20, 100])) for symbol in MID)
        for _ in range(count):
            yield self.chance.choice(makers)()

    def who(self) -> str:
        return self.chance.choice(["alice", "bob"])

    def symbol(self) -> str:
        return self.chance.choice([BTC, ETH])

    def side(self) -> Side:
        return self.chance.choice(list(Side))

    def size(self, symbol: str, most: int = 300) -> D:
        return D(self.chance.randint(1, most)) / 100 * (1 if symbol == BTC else 10)

    def near(self, symbol: str, spread: int = 60) -> D:
        away = D(self.chance.randint(-spread, spread)) / 10_000
        return (self.middle[symbol] * (1 + away)).quantize(TICK[symbol])

    def position_side(self, account: str) -> PositionSide | None:
        if self.chance.random() < 0.03:
            return self.chance.choice(list(PositionSide))
        return self.chance.choice([PositionSide.LONG, PositionSide.SHORT]) if self.dual[account] else None

    def order(self) -> c.Command:
        account, symbol, limit = self.who(), self.symbol(), self.chance.random() < 0.7
        return c.PlaceOrder(
            account=account,
            symbol=symbol,
            side=self.side(),
            type=OrderType.LIMIT if limit else OrderType.MARKET,
            quantity=self.size(symbol),
            price=self.near(symbol) if limit else None,
            time_in_force=self.chance.choice(TIFS) if limit else None,
            reduce_only=True if not self.dual[account] and self.chance.random() < 0.2 else None,
            position_side=self.position_side(account),
            client_order_id=self.chance.choice([None, None, "a", "b"]),
            self_trade=self.chance.choice(list(SelfTrade)),
        )

    def conditional(self) -> c.Command:
        account, symbol, kind = self.who(), self.symbol(), self.chance.choice(CONDITIONAL)
        closes = kind in CLOSING and self.chance.random() < 0.5
        return c.PlaceAlgoOrder(
            account=account,
            symbol=symbol,
            side=self.side(),
            type=kind,
            trigger_price=self.near(symbol, 150),
            quantity=None if closes else self.size(symbol),
            price=self.near(symbol, 150) if kind in LIMIT_TYPES else None,
            close_position=closes,
            callback_rate=D("0.3") if kind is OrderType.TRAILING_STOP_MARKET else None,
            working_type=self.chance.choice(list(WorkingType)),
            position_side=self.position_side(account),
            reduce_only=None if closes or self.dual[account] else self.chance.choice([None, True]),
        )

    def book(self) -> c.Command:
        symbol = self.symbol()
        self.middle[symbol] *= 1 + D(self.chance.randint(-100, 100)) / 10_000
        middle, tick = self.middle[symbol].quantize(TICK[symbol]), TICK[symbol]
        steps = [(n * 20 * tick, self.size(symbol, 200)) for n in range(1, self.chance.randint(1, 12))]
        return c.SetBook(
            symbol, tuple((middle - d, q) for d, q in steps), tuple((middle + d, q) for d, q in steps)
        )  # fmt: skip

    def mark(self) -> c.Command:
        symbol = self.symbol()
        price = self.near(symbol, 10) + D("0.00000123")
        return c.SetMark(symbol, price, price, D("0.0001"))

    def tape(self) -> c.Command:
        symbol = self.symbol()
        return c.MarketTrade(symbol, self.near(symbol, 20), self.size(symbol, 200), self.side())

    def cancel(self) -> c.Command:
        account, symbol = self.who(), self.symbol()
        return self.chance.choice(
            [
                c.CancelAllOrders(account, symbol),
                c.CancelAllAlgoOrders(account, symbol),
                c.CancelOrder(account, symbol, client_order_id="a"),
                c.CountdownCancelAll(account, symbol, 5),
            ]
        )

    def setting(self) -> c.Command:
        account, symbol = self.who(), self.symbol()
        return self.chance.choice(
            [
                c.SetLeverage(account, symbol, self.chance.choice([5, 50, 75, 100, 100])),
                c.SetMarginType(account, symbol, self.chance.choice(list(MarginType))),
                c.SettleFunding(symbol, D(self.chance.randint(-30, 30)) / 10_000),
                c.Deposit(account, D(self.chance.randint(-900, 1_500))),
                c.AdvanceTime(),
                c.SetPositionMode(account, dual_side=self.dual[account]),
            ]
        )
