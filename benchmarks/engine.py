"""Limit and cancel commands per second of the pure machine, beside a book that only matches, on the same commands."""

import time
from bisect import insort
from collections.abc import Callable, Sequence
from decimal import Decimal
from random import Random

from benchmarks.tables import Table
from perpmesh.exchange.commands import CancelOrder, CreateAccount, PlaceOrder, SetBook, SetMark
from perpmesh.exchange.engine import Engine
from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange.symbols import SymbolSpec, default_symbols
from perpmesh.exchange.words import OrderType, SelfTrade, Side, TimeInForce

try:
    from benchmarks.nautilus_peer import nautilus_seconds
except ImportError:  # the package is not installed
    nautilus_seconds = None

COMMANDS = 20_000
ACCOUNTS = 50
RESTING = 2_000  # orders in the book at a time, about
MIDDLE, DEPTH = 600_000, 100  # ticks: orders rest within 10 USDT of 60,000
RICH = Decimal(1_000_000_000)
GOAL = 150_000
ROUNDS = 3
SPEC = default_symbols()[0]

Commands = Sequence[PlaceOrder | CancelOrder]


def main() -> list[Table]:
    """Measure a stream that only rests and cancels, and one in which one order in ten takes."""
    table = Table(
        f"The machine alone, one core: commands/s, best of {ROUNDS} × {COMMANDS:,} (goal {GOAL:,})",
        ["", "commands/s", "the machine is"],
    )
    for name, crossing in (("rest and cancel", 0.0), ("one order in ten takes", 0.1)):
        commands = _stream(crossing)
        machine = COMMANDS / min(_machine_seconds(commands) for _ in range(ROUNDS))
        table.rows.append((f"{name}: the machine", f"{machine:,.0f}", f"{machine / GOAL:.0%} of the goal"))
        peers: dict[str, Callable[[Commands], float] | None] = {
            "sorted list, matching only": _naive_seconds,
            "nautilus_trader, matching engine": nautilus_seconds,
        }
        for peer, measure in peers.items():
            if measure:
                rate = COMMANDS / measure(commands)
                table.rows.append((f"{name}: {peer}", f"{rate:,.0f}", f"{machine / rate:.2f} ×"))
    return [table]


def _stream(crossing: float) -> Commands:
    """Fill the book, then place and cancel in turn. Order numbers count from one, as the machine gives them."""
    chance = Random(7)
    open_orders: list[tuple[int, str]] = []
    commands: list[PlaceOrder | CancelOrder] = []
    placed = 0
    while len(commands) < COMMANDS:
        if len(open_orders) > RESTING:
            number, owner = open_orders.pop(chance.randrange(len(open_orders)))
            commands.append(CancelOrder(owner, SPEC.symbol, order_id=number))
        else:
            placed += 1
            owner = f"account-{chance.randrange(ACCOUNTS)}"
            open_orders.append((placed, owner))
            commands.append(_order(chance, owner, f"bench-{placed}", takes=chance.random() < crossing))
    return commands


def _order(chance: Random, owner: str, client_id: str, *, takes: bool) -> PlaceOrder:
    side, away = chance.choice(list(Side)), chance.randint(1, DEPTH)
    away = -away // 10 if takes else away
    return PlaceOrder(
        owner,
        SPEC.symbol,
        side,
        OrderType.LIMIT,
        SPEC.quantity(chance.randint(2, 50)),
        SPEC.price(MIDDLE - side.sign * away),
        TimeInForce.GTC,
        client_order_id=client_id,
        self_trade=SelfTrade.NONE,
    )


def _machine_seconds(commands: Commands) -> float:
    engine, price = Engine([SPEC]), SPEC.price(MIDDLE)
    engine.apply(SetMark(SPEC.symbol, price, price), market_ms=0, wall_ms=0)
    engine.apply(SetBook(SPEC.symbol, _levels(SPEC, -1), _levels(SPEC, 1)), market_ms=0, wall_ms=0)
    for number in range(ACCOUNTS):
        engine.apply(CreateAccount(f"account-{number}", RICH), market_ms=0, wall_ms=0)
    began = time.process_time()
    for number, command in enumerate(commands):
        try:
            engine.apply(command, market_ms=number, wall_ms=number)
        except ExchangeError:  # the order that is to be cancelled was filled meanwhile
            continue
    return time.process_time() - began


def _levels(spec: SymbolSpec, sign: int) -> tuple[tuple[Decimal, Decimal], ...]:
    """Make a background far enough away that nobody meets it: it is there, as it always is."""
    return tuple((spec.price(MIDDLE + sign * (200 + 10 * n)), spec.quantity(1_000)) for n in range(33))


def _naive_seconds(commands: Commands) -> float:
    """Time two sorted lists of orders: no accounts, no margins, no checks, no facts, and cancelling by search."""
    sides: dict[Side, list[list[object]]] = {side: [] for side in Side}
    orders: dict[int, list[object]] = {}
    began, number = time.process_time(), 0
    for command in commands:
        if isinstance(command, CancelOrder):
            row = orders.pop(command.order_id, None)
            if row is not None and row[2]:
                sides[row[3]].remove(row)
            continue
        number += 1
        row = [-command.price * command.side.sign, number, command.quantity, command.side]
        orders[number] = row
        _naive_take(sides[command.side.other], command, row)
        if row[2]:
            insort(sides[command.side], row)
    return time.process_time() - began


def _naive_take(facing: list[list[object]], command: PlaceOrder, row: list[object]) -> None:
    limit = command.price * command.side.sign
    while row[2] and facing and facing[0][0] <= limit:
        size = min(row[2], facing[0][2])
        row[2] -= size
        facing[0][2] -= size
        if not facing[0][2]:
            facing.pop(0)
