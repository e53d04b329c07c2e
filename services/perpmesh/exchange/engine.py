"""The exchange: one machine that takes commands one after the other and answers with facts."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from perpmesh.exchange import (
    accounts,
    adl,
    amend,
    codec,
    commands,
    conditional,
    delisting,
    fees,
    funding,
    isolated,
    liquidation,
    matching,
    orders,
    scripted,
)
from perpmesh.exchange import present as show
from perpmesh.exchange.chain import Chain
from perpmesh.exchange.commands import Command
from perpmesh.exchange.errors import refusal
from perpmesh.exchange.events import BestQuoted, BookChanged, Event
from perpmesh.exchange.state import Account, Algo, Market, Order, Position, State, place_of
from perpmesh.exchange.symbols import MONEY, SymbolSpec
from perpmesh.exchange.views import (
    AccountView,
    AlgoView,
    AmendmentView,
    CommissionView,
    Counters,
    DepthView,
    IncomeView,
    LedgerView,
    MarginChangeView,
    MarketView,
    OrderView,
    PositionView,
    SettingsView,
    TradeView,
)
from perpmesh.exchange.words import MarginType, Side
from perpmesh.exchange.world import World

Handler = Callable[[World, Any], None]


def _market_trade(world: World, command: commands.MarketTrade) -> None:
    market, spec = world.market(command.symbol), world.spec(command.symbol)
    market.time = world.market_ms
    lots = spec.to_lots(command.quantity)
    if lots > 0 and spec.status.is_matched:
        matching.background_trade(world, command.symbol, spec.to_ticks(command.price), lots, command.taker_side)


def _set_book(world: World, command: commands.SetBook) -> None:
    spec, market = world.spec(command.symbol), world.market(command.symbol)
    market.time = world.market_ms
    if spec.status.is_matched:
        matching.replace_background(world, command.symbol, _levels(spec, command.bids), _levels(spec, command.asks))


def _set_depth(world: World, command: commands.SetDepth) -> None:
    market = world.market(command.symbol)
    market.time = world.market_ms
    if world.spec(command.symbol).status.is_matched:
        bids, asks = list(map(list, command.bids)), list(map(list, command.asks))
        matching.replace_background(world, command.symbol, bids, asks)


def _levels(spec: SymbolSpec, levels: Iterable[tuple[Decimal, Decimal]]) -> list[list[int]]:
    whole = ([spec.to_ticks(price), spec.to_lots(quantity)] for price, quantity in levels)
    return [level for level in whole if level[1] > 0]


def _change_book(world: World, command: commands.ChangeBook) -> None:
    spec, market = world.spec(command.symbol), world.market(command.symbol)
    market.time = world.market_ms
    if not spec.status.is_matched:
        return
    bids, asks = (
        [(spec.to_ticks(price), spec.to_lots(quantity)) for price, quantity in side]
        for side in (command.bids, command.asks)
    )
    matching.change_background(world, command.symbol, bids, asks)
    ids = (command.first_id, command.last_id)
    world.events.append(BookChanged(command.symbol, command.bids, command.asks, *ids, world.market_ms))


def _quote_best(world: World, command: commands.QuoteBest) -> None:
    if world.spec(command.symbol).status.is_matched:
        quoted = BestQuoted(command.symbol, command.bid, command.ask, command.update_id, world.market_ms)
        world.events.append(quoted)


def _set_mark(world: World, command: commands.SetMark) -> None:
    market = world.market(command.symbol)
    market.mark, market.index = int(command.mark * MONEY), int(command.index * MONEY)
    market.funding_rate = int(command.funding_rate * MONEY)
    market.time = world.market_ms


def _advance_time(world: World, _: commands.AdvanceTime) -> None:
    conditional.expire_due(world)
    scripted.fill_due(world)


HANDLERS: Final[dict[type, Handler]] = {
    commands.CreateAccount: accounts.create,
    commands.Deposit: accounts.deposit,
    commands.PlaceOrder: orders.place,
    commands.PlaceInParts: scripted.place,
    commands.AmendOrder: amend.amend,
    commands.CancelOrder: orders.cancel,
    commands.CancelAllOrders: orders.cancel_all,
    commands.PlaceAlgoOrder: conditional.place,
    commands.RejectWhenTriggered: scripted.reject_when_triggered,
    commands.CancelAlgoOrder: conditional.cancel,
    commands.CancelAllAlgoOrders: conditional.cancel_all,
    commands.SetLeverage: accounts.set_leverage,
    commands.SetMarginType: accounts.set_margin_type,
    commands.AdjustPositionMargin: isolated.adjust,
    commands.SetFeeTier: fees.set_tier,
    commands.SetCommission: fees.set_commission,
    commands.SetPositionMode: accounts.set_position_mode,
    commands.CountdownCancelAll: accounts.set_countdown,
    commands.MarketTrade: _market_trade,
    commands.SetBook: _set_book,
    commands.SetDepth: _set_depth,
    commands.ChangeBook: _change_book,
    commands.QuoteBest: _quote_best,
    commands.SetMark: _set_mark,
    commands.SettleFunding: funding.settle,
    commands.ChangeSymbol: delisting.change,
    commands.Liquidate: liquidation.force,
    commands.FundInsurance: accounts.fund_insurance,
    commands.AdvanceTime: _advance_time,
}


# They change no price, position, wallet or setting unless they fill something, and a fill says so itself.
CALM: Final = frozenset({commands.PlaceOrder, commands.AmendOrder, commands.CancelOrder, commands.CancelAllOrders})


class Engine:
    """Deterministic: the state is a function of the commands and the times they came with."""

    def __init__(self, symbols: Sequence[SymbolSpec], state: State | None = None) -> None:
        markets = {spec.symbol: Market(spec.symbol) for spec in symbols}
        self._symbols = tuple(symbols)
        self._world = World(self._symbols, state or State(markets))
        self._chain = Chain(self._world.state)

    def apply(self, command: Command, *, market_ms: int, wall_ms: int) -> list[Event]:
        """Do `command` and return what happened, in order.

        `market_ms` dates trades, funding and income; `wall_ms` dates orders and positions (time, updateTime),
        which clients compare with serverTime, and drives GTD and countdowns.

        Raises:
            ExchangeError: refused; nothing has changed.
        """
        world = self._world
        world.market_ms, world.wall_ms, world.events = market_ms, wall_ms, []
        kind = type(command)
        if kind in CALM:
            HANDLERS[kind](world, command)
        else:
            world.unsettle()
            HANDLERS[kind](world, command)
            world.unsettle()
        if world.unsettled or world.went_flat:
            self._settle()
        self._chain.note(market_ms, wall_ms, world.events)
        return world.events

    def _settle(self) -> None:
        """Let what the command set off run its course: triggers move prices, prices trigger and liquidate."""
        world = self._world
        conditional.tidy(world)
        while True:
            triggered = [conditional.trigger_due(world, symbol) for symbol in world.specs]
            liquidated = liquidation.watch(world)
            conditional.tidy(world)
            if not (any(triggered) or liquidated):
                world.unsettled = False
                world.touched.clear()
                return

    def test(self, command: commands.PlaceOrder, *, wall_ms: int) -> OrderView:
        """Return the order that `command` would make now, or raise ExchangeError; nothing changes."""
        self._world.wall_ms = wall_ms
        return self._show_order(orders.test(self._world, command))

    # Reading. An unknown account is refused with -2015, an unknown symbol with -1121.

    @property
    def specs(self) -> dict[str, SymbolSpec]:
        return self._world.specs

    def accounts(self) -> tuple[str, ...]:
        return tuple(self._world.state.accounts)

    def account(self, account: str) -> AccountView:
        return show.account_view(self._world.books, self._world.account(account), self.positions(account))

    def positions(self, account: str, symbol: str | None = None) -> tuple[PositionView, ...]:
        """Every position place: one per symbol, in hedge mode LONG and SHORT; empty ones too."""
        found = self._world.account(account)
        symbols = self._world.specs if symbol is None else [self._world.spec(symbol).symbol]
        places = [place_of(name, side) for name in symbols for side in found.sides()]
        return tuple(self._show_position(found, found.position(place)) for place in places)

    def _show_position(self, account: Account, position: Position) -> PositionView:
        """Show a position with its place in the queue of deleveraging, which facts do not tell."""
        view = show.position_view(self._world.books, account, position)
        return replace(view, adl=adl.quantile(self._world, account, position)) if position.lots else view

    def settings(self, account: str, symbol: str) -> SettingsView:
        found, spec = self._world.account(account), self._world.spec(symbol)
        leverage = found.leverage_of(symbol)
        kind = MarginType.ISOLATED if found.is_isolated(symbol) else MarginType.CROSSED
        return SettingsView(symbol, leverage, kind, show.money(spec.max_notional(leverage)))

    def order(
        self, account: str, symbol: str, *, order_id: int | None = None, client_order_id: str | None = None
    ) -> OrderView:
        """Return the order, the newest one when a client id was used again; -2013 when there is none."""
        if order_id is None and client_order_id is None:
            raise refusal(-1102, "orderId")
        found, name = self._world.account(account), self._world.spec(symbol).symbol
        if order_id is not None:
            order = found.open_orders.get(order_id) or found.finished.get(order_id)
        else:
            every = [*found.open_orders.values(), *found.finished.values()]
            named = [o for o in every if o.symbol == name and o.client_id == client_order_id]
            order = max(named, key=lambda o: o.order_id, default=None)
        if order is None or order.symbol != name:
            raise refusal(-2013)
        return self._show_order(order)

    def open_orders(self, account: str, symbol: str | None = None) -> tuple[OrderView, ...]:
        orders_ = self._world.account(account).open_orders.values()
        return tuple(self._show_order(o) for o in orders_ if symbol in (None, o.symbol))

    def all_orders(self, account: str, symbol: str | None = None) -> tuple[OrderView, ...]:
        """Oldest first. The server filters by id, time (order.time) and limit."""
        return tuple(self._show_order(o) for o in self._orders(self._world.account(account), symbol))

    def _orders(self, account: Account, symbol: str | None) -> list[Order]:
        every = [*account.finished.values(), *account.open_orders.values()]
        return sorted((o for o in every if symbol in (None, o.symbol)), key=lambda o: o.order_id)

    def _show_order(self, order: Order) -> OrderView:
        return show.order_view(self._world.specs[order.symbol], order)

    def algo(self, account: str, *, algo_id: int | None = None, client_algo_id: str | None = None) -> AlgoView:
        """Return the conditional order, the newest when a client id was used again; -2013 when there is none."""
        if algo_id is None and client_algo_id is None:
            raise refusal(-1102, "algoId")
        for algo in reversed(self._algos(self._world.account(account), None)):
            if algo.algo_id == algo_id or (algo_id is None and algo.client_id == client_algo_id):
                return self._show_algo(algo)
        raise refusal(-2013)

    def open_algos(self, account: str, symbol: str | None = None) -> tuple[AlgoView, ...]:
        algos = self._world.account(account).open_algos.values()
        return tuple(self._show_algo(a) for a in algos if symbol in (None, a.symbol))

    def all_algos(self, account: str, symbol: str | None = None) -> tuple[AlgoView, ...]:
        return tuple(self._show_algo(a) for a in self._algos(self._world.account(account), symbol))

    def _algos(self, account: Account, symbol: str | None) -> list[Algo]:
        every = [*account.past_algos.values(), *account.open_algos.values()]
        return sorted((a for a in every if symbol in (None, a.symbol)), key=lambda a: a.algo_id)

    def _show_algo(self, algo: Algo) -> AlgoView:
        return show.algo_view(self._world.specs[algo.symbol], algo)

    def trades(self, account: str, symbol: str | None = None) -> tuple[TradeView, ...]:
        rows = [t for t in self._world.account(account).trades if symbol in (None, t.symbol)]
        return tuple(show.trade_view(self._world.specs[row.symbol], account, row) for row in rows)

    def income(self, account: str) -> tuple[IncomeView, ...]:
        return tuple(show.income_view(row) for row in self._world.account(account).income)

    def amendments(self, account: str, symbol: str | None = None) -> tuple[AmendmentView, ...]:
        """Oldest first. The server filters by order, time and limit."""
        rows = [row for row in self._world.account(account).amendments if symbol in (None, row.symbol)]
        return tuple(show.amendment_view(self._world.specs[row.symbol], row) for row in rows)

    def margin_changes(self, account: str, symbol: str) -> tuple[MarginChangeView, ...]:
        rows = [row for row in self._world.account(account).margin_moves if row.symbol == symbol]
        return tuple(show.margin_change_view(row) for row in rows)

    def commission(self, account: str, symbol: str) -> CommissionView:
        return fees.commission_view(self._world.account(account), self._world.spec(symbol))

    def has_resting(self, symbol: str) -> bool:
        """Return whether an order of some account rests in the symbol's book."""
        name = self._world.spec(symbol).symbol
        return any(self._world.resting[name, side].best for side in Side)

    def depth(self, symbol: str, limit: int = 1000) -> DepthView:
        spec = self._world.spec(symbol)
        return DepthView(self._side(spec, Side.BUY)[:limit], self._side(spec, Side.SELL)[:limit])

    def _side(self, spec: SymbolSpec, side: Side) -> tuple[tuple[Decimal, Decimal], ...]:
        lots: dict[int, int] = {}
        for price, size in self._world.state.markets[spec.symbol].levels(side):
            lots[price] = lots.get(price, 0) + size
        for order in self._world.resting[spec.symbol, side]:
            lots[order.price] = lots.get(order.price, 0) + order.remaining
        best_first = sorted(lots.items(), reverse=side is Side.BUY)
        return tuple((spec.price(price), spec.quantity(size)) for price, size in best_first)

    def market(self, symbol: str) -> MarketView:
        market, spec = self._world.market(symbol), self._world.spec(symbol)
        return MarketView(
            symbol=symbol,
            last=spec.price(market.last),
            mark=show.money(market.mark),
            index=show.money(market.index),
            funding_rate=show.money(market.funding_rate),
            time=market.time,
        )

    def ledger(self) -> LedgerView:
        state = self._world.state
        every = state.accounts.values()
        return LedgerView(
            deposits=show.money(state.deposits),
            wallets=show.money(sum(a.wallet for a in every)),
            holdings_cost=show.money(sum(p.cost for a in every for p in a.positions.values())),
            fees=show.money(state.fees),
            insurance=show.money(state.insurance),
            background=show.money(state.background),
        )

    def counters(self) -> Counters:
        state = self._world.state
        trade_ids = {market.symbol: market.trade_id for market in state.markets.values()}
        return Counters(state.next_order_id, state.next_algo_id, state.next_tran_id, trade_ids)

    # Keeping.

    def snapshot(self) -> bytes:
        """Return the whole state as canonical JSON: equal states, equal bytes."""
        return codec.dump(self._world.state)

    @classmethod
    def restore(cls, symbols: Sequence[SymbolSpec], snapshot: bytes) -> "Engine":
        """Return an engine that goes on from `snapshot`, taken with the same symbols."""
        return cls(symbols, codec.load(State, snapshot))

    @property
    def rolling_hash(self) -> str:
        """Return a hash of all facts so far, with their times: cheap, and the same after a restore."""
        return self._chain.value

    def state_hash(self) -> str:
        """Return the SHA-256 of the snapshot."""
        return sha256(self.snapshot()).hexdigest()
