"""A market that stands still until a session moves it: what a session meets is decided by the session alone."""

from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from perpmesh.exchange.commands import AdvanceTime, MarketTrade, SetBook, SetMark, SettleFunding
from perpmesh.exchange.words import Side
from perpmesh.exchange_sim import main
from perpmesh.exchange_sim.application.sequencer import Sequencer
from perpmesh.exchange_sim.config import AccountConfig, Config
from perpmesh.exchange_sim.domain.replay_clock import ReplayClock
from perpmesh.platform.time import SystemClock

KEY, SECRET = "testkey", "testsecret"
TICKS = {"BTCUSDT": Decimal("0.1"), "ETHUSDT": Decimal("0.01")}
AT_FIRST = {"BTCUSDT": 100_000, "ETHUSDT": 4_000}
DEPTH = 20


class Market:
    """The venue's hand: it sets prices, and nothing moves without it."""

    def __init__(self, host, sequencer):
        self.host = host
        self._sequencer = sequencer

    async def move(self, symbol, price):
        """Let `price` be bid and one tick more be asked, mark and index follow, and one trade at `price`."""
        price, tick = Decimal(price), TICKS[symbol]
        bids = tuple((price - tick * step, Decimal(10)) for step in range(DEPTH))
        asks = tuple((price + tick * (step + 1), Decimal(10)) for step in range(DEPTH))
        await self._do(
            SetBook(symbol, bids, asks),
            SetMark(symbol, price, price, Decimal("0.0001")),
            MarketTrade(symbol, price, Decimal("0.5"), Side.SELL),
        )

    async def settle_funding(self, symbol, rate="0.0001"):
        await self._do(SettleFunding(symbol, Decimal(rate)))

    async def pass_time(self):
        """Let what waits for a wall time that has come happen."""
        await self._do(AdvanceTime())

    async def stop(self):
        await self._sequencer.change_clock(ReplayClock.pause)
        for symbol, price in AT_FIRST.items():
            await self.move(symbol, price)

    async def _do(self, *commands):
        await self._sequencer.submit(lambda turn: [turn.execute(command) for command in commands])


def quiet_days(folder):
    """Write three days of candles that come back to where they began: less to read than the shipped month."""
    start_ms, files = 1_735_689_600_000, []
    for symbol, price in AT_FIRST.items():
        row = f"{price},{price * 1.001:.2f},{price * 0.999:.2f},{price},100"
        lines = (f"{start_ms + minute * 60_000},{row}" for minute in range(3 * 1_440))
        files.append(folder / f"{symbol}_1m.csv")
        files[-1].write_text("\n".join(["open_time,open,high,low,close,volume", *lines]))
    return tuple(files)


@asynccontextmanager
async def serving(**options):
    """Serve an exchange and yield the hand that moves its market, which runs 60 times as fast as the wall clock."""
    kept = []

    class Kept(Sequencer):
        def __init__(self, *args, **named):
            super().__init__(*args, **named)
            kept.append(self)

    account = AccountConfig(KEY, SECRET, Decimal(10_000))
    config = Config(**{"port": 0, "accounts": (account,), "speed": 60.0, **options})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(main, "Sequencer", Kept)
        async with main.exchange(config, SystemClock()) as port:
            yield Market(f"127.0.0.1:{port}", kept[0])
