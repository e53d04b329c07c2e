"""What a venue's age costs: memory, and the time of questions about the past, while orders come and go.

`python -m benchmarks memory`; ORDERS=1000000 is how many orders (the default takes a minute).
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

from benchmarks.tables import Table, milliseconds
from perpmesh.exchange.commands import CancelOrder, Command, CreateAccount, PlaceOrder, SetBook, SetMark
from perpmesh.exchange.engine import Engine
from perpmesh.exchange.symbols import default_symbols
from perpmesh.exchange.words import OrderType, Side, TimeInForce
from perpmesh.exchange_sim.adapters.archive import SqliteArchive
from perpmesh.exchange_sim.application.history import History, Wanted

ORDERS = 100_000
ACCOUNTS = 20
FILLED_EVERY = 4  # one order in four is a market order, the others rest and are cancelled
SHARES = (0.0, 0.1, 0.25, 0.5, 1.0)
SPEC = default_symbols()[0]
PRICE, QUANTITY, FAR = Decimal(60_000), Decimal("0.010"), Decimal(58_000)


def main() -> Iterator[Table]:
    """Let orders pass, and look at the process several times meanwhile."""
    orders = int(os.environ.get("ORDERS", ORDERS))
    with tempfile.TemporaryDirectory(prefix="perpmesh-bench-") as folder:
        file = Path(folder) / "archive.sqlite"
        archive = SqliteArchive(file)
        engine = _opened()
        growth = Table(
            f"Memory of the machine and its archive, {ACCOUNTS} accounts, one order in {FILLED_EVERY} filled",
            ["orders", "RSS, MB", "archive, MB", "snapshot, MB"],
        )
        done = 0
        for share in SHARES:
            while done < int(orders * share):
                _pass(engine, archive, done)
                done += 1
            archive.settle()
            snapshot = len(engine.snapshot())
            growth.rows.append(
                (f"{done:,}", *(f"{size / 1e6:.1f}" for size in (_rss(), file.stat().st_size, snapshot)))
            )
        yield growth
        yield _questions(History(engine, archive), orders)
        archive.close()


def _opened() -> Engine:
    engine = Engine([SPEC])
    size = Decimal(1_000_000)
    commands: list[Command] = [CreateAccount(f"account-{n}", Decimal(10_000_000)) for n in range(ACCOUNTS)]
    commands += [SetMark(SPEC.symbol, PRICE, PRICE), SetBook(SPEC.symbol, ((PRICE - 1, size),), ((PRICE + 1, size),))]
    for command in commands:
        engine.apply(command, market_ms=0, wall_ms=0)
    return engine


def _pass(engine: Engine, archive: SqliteArchive, number: int) -> None:
    """Let one order come and go."""
    owner, turn = f"account-{number % ACCOUNTS}", number // ACCOUNTS
    if turn % FILLED_EVERY == 0:
        side = (Side.BUY, Side.SELL)[turn // FILLED_EVERY % 2]
        commands: list[Command] = [PlaceOrder(owner, SPEC.symbol, side, OrderType.MARKET, QUANTITY)]
    else:
        place = PlaceOrder(owner, SPEC.symbol, Side.BUY, OrderType.LIMIT, QUANTITY, FAR, TimeInForce.GTC)
        commands = [place, CancelOrder(owner, SPEC.symbol, order_id=number + 1)]
    for command in commands:
        archive.keep(engine.apply(command, market_ms=number, wall_ms=number))


def _questions(history: History, orders: int) -> Table:
    owner = f"account-{(orders // 2) % ACCOUNTS}"
    whole = Wanted(account=owner, symbol=SPEC.symbol, limit=500)
    middle = Wanted(account=owner, symbol=SPEC.symbol, first_id=orders // 2, limit=500)
    questions: dict[str, Callable[[], object]] = {
        "one order, half of the way back": lambda: history.order(owner, SPEC.symbol, orders // 2 + 1, None),
        "allOrders, the newest 500": lambda: history.orders(whole),
        "allOrders, 500 from the middle": lambda: history.orders(middle),
        "userTrades, the newest 500": lambda: history.trades(whole),
        "income, the newest 500": lambda: history.income(whole),
    }
    table = Table(f"Questions about the past after {orders:,} orders", ["", "ms"])
    for name, ask in questions.items():
        ask()
        began = time.perf_counter()
        ask()
        table.rows.append((name, milliseconds(time.perf_counter() - began)))
    return table


def _rss() -> int:
    """Return the process's resident memory in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
