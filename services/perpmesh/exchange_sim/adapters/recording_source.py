"""Recorded books and trades: a folder of raw WebSocket messages, one a line, as hftbacktest and others collect them."""

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from perpmesh.exchange.commands import ChangeBook, Command, MarketTrade, QuoteBest, SetBook
from perpmesh.exchange.words import Side
from perpmesh.exchange_sim.adapters.origin import LEAD_MS, Origin, Rates, moved, seeds_of, spec_of
from perpmesh.exchange_sim.domain.candles import CandleSeries, Columns, Recorded
from perpmesh.exchange_sim.domain.feed import SymbolFeed
from perpmesh.exchange_sim.domain.premium import Premium
from perpmesh.exchange_sim.domain.recording import RecordedFeed, Recording, minutes_of
from perpmesh.exchange_sim.domain.synthetic import Synthetic
from perpmesh.kernel.errors import Invalid
from perpmesh.kernel.time import MS_PER_DAY, MS_PER_MINUTE

LEAD_MINUTES = LEAD_MS // MS_PER_MINUTE
Level = tuple[Decimal, Decimal]


@dataclass(frozen=True, slots=True)
class RecordingSource:
    """The recordings by symbol, and a hash of their files."""

    recordings: Mapping[str, Recording]
    fingerprint: str

    @classmethod
    def read(cls, folder: Path) -> "RecordingSource":
        """Read every *.jsonl and *.jsonl.gz of a folder, or one such file; raise Invalid for what is no recording."""
        paths = sorted(path for path in folder.glob("*.jsonl*")) if folder.is_dir() else [folder]
        if not paths:
            raise Invalid(f"{folder}: there is no *.jsonl or *.jsonl.gz in it", reason="DATA_MALFORMED", field="data")
        digest, recordings = hashlib.sha256(), {}
        for path in paths:
            raw = path.read_bytes()
            digest.update(raw)
            symbol, recording = _read(path, gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)
            recordings[symbol] = recording
        return cls(recordings, digest.hexdigest()[:32])

    def originate(self, seed: int, start_ms: int | None, now_ms: int) -> Origin:
        """Begin now with the first book that was recorded; only a recorded market is moved by any span of time."""
        begin = min(recording.begin_ms for recording in self.recordings.values())
        return Origin(seed, now_ms - begin, now_ms, self.fingerprint)

    def feeds(self, origin: Origin, rates: Rates) -> dict[str, SymbolFeed]:
        return {symbol: self._feed(symbol, origin, rates) for symbol in self.recordings}

    def _feed(self, symbol: str, origin: Origin, rates: Rates) -> SymbolFeed:
        spec, seeds = spec_of(symbol), seeds_of(origin.seed)
        recording = self.recordings[symbol].moved(origin.shift_ms)
        minutes, scales = minutes_of(spec, recording), (float(spec.tick), float(spec.step))
        price = int(minutes[0, 0])
        past = _past(Synthetic(symbol, scales, seeds_of(origin.seed + 1), around=price * scales[0]), price)
        rows = Recorded(np.concatenate([past, minutes]), recording.begin_ms // MS_PER_MINUTE - LEAD_MINUTES)
        series = CandleSeries(rows, Synthetic(symbol, scales, seeds, around=price * scales[0]))
        premium = Premium(seeds, symbol, moved(rates.get(symbol), origin.shift_ms))
        return RecordedFeed(spec, series, premium, seeds, recording)


def _past(days: Synthetic, price: int) -> Columns:
    """Return five days by chance that end at `price`."""
    made, close = [], 0
    for _ in range(LEAD_MS // MS_PER_DAY):
        made.append(days.next_day(close))
        close = int(made[-1][-1, 3])
    rows = np.concatenate(made)
    rows[:, :4] = np.maximum(np.rint(rows[:, :4] * (price / close)), 1)
    return rows


def _read(path: Path, raw: bytes) -> tuple[str, Recording]:
    reader = _Reader(path)
    for number, line in enumerate(raw.splitlines(), 1):
        reader.take(number, line)
    return reader.symbol, reader.recording()


class _Reader:
    """Turns messages into commands, in the order of the exchange's own time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._decimals: dict[str, Decimal] = {}
        self._found: list[tuple[int, int, Command]] = []  # time, place in the file
        self._books: list[tuple[int, int, int, Any]] = []
        self.symbol = ""

    def take(self, number: int, line: bytes) -> None:
        """Read one line: a message, behind the time of its receipt or not, in its stream's envelope or not."""
        try:
            message = json.loads(line[line.index(b"{") :])
            message = message.get("data", message)
            if "lastUpdateId" in message:
                self._books.append((int(message["T"]), number, int(message["lastUpdateId"]), message))
                return
            command = self._command(message)
        except (ValueError, KeyError, TypeError, ArithmeticError, AttributeError) as error:
            raise self._refuse(f"not a message of a stream ({error})", number) from None
        if command is not None:
            self._found.append((int(message["T"]), number, command))

    def recording(self) -> Recording:
        """Return everything from the first book on; changes that it already contains are left out."""
        if not self._books:
            raise self._refuse("there is no book (an answer of GET depth) to begin with")
        begin, _, first_id, book = self._books[0]
        frames: list[tuple[int, int, Command]] = [(begin, 0, self._book(book))]
        frames += sorted(
            (found for found in self._found if self._is_after(found, begin, first_id)), key=lambda found: found[:2]
        )
        if not any(isinstance(command, MarketTrade) for *_, command in frames):
            raise self._refuse("there is no trade in it")
        frames = [(max(time, begin), number, command) for time, number, command in frames]
        return Recording([command for *_, command in frames], [time for time, *_ in frames], first_id)

    @staticmethod
    def _is_after(found: tuple[int, int, Command], begin_ms: int, first_id: int) -> bool:
        time, _, command = found
        match command:
            case ChangeBook():
                return command.last_id >= first_id
            case QuoteBest():
                return command.update_id > first_id
            case _:
                return time > begin_ms

    def _command(self, message: Any) -> Command | None:
        kind = message.get("e")
        if kind not in {"depthUpdate", "bookTicker", "trade"}:
            return None
        symbol = str(message["s"])
        if self.symbol not in {"", symbol}:
            raise ValueError(f"{symbol} among messages of {self.symbol}")
        self.symbol = symbol
        if kind == "depthUpdate":
            return ChangeBook(
                symbol, self._levels(message["b"]), self._levels(message["a"]), message["U"], message["u"]
            )
        if kind == "bookTicker":
            bid, ask = self._level(message["b"], message["B"]), self._level(message["a"], message["A"])
            return QuoteBest(symbol, bid, ask, message["u"])
        if message.get("X", "MARKET") != "MARKET":
            return None
        side = Side.SELL if message["m"] else Side.BUY
        return MarketTrade(symbol, *self._level(message["p"], message["q"]), side)

    def _book(self, message: Any) -> SetBook:
        return SetBook(self.symbol, self._levels(message["bids"]), self._levels(message["asks"]))

    def _levels(self, rows: Any) -> tuple[Level, ...]:
        return tuple(self._level(price, quantity) for price, quantity in rows)

    def _level(self, price: str, quantity: str) -> Level:
        return self._decimal(price), self._decimal(quantity)

    def _decimal(self, text: str) -> Decimal:
        """Return a number; each text is read once, for there are few different ones."""
        known = self._decimals.get(text)
        if known is None:
            known = self._decimals[text] = Decimal(text)
        return known

    def _refuse(self, rule: str, number: int | None = None) -> Invalid:
        where = str(self._path) if number is None else f"{self._path}, line {number}"
        return Invalid(f"{where}: {rule}", reason="DATA_MALFORMED", field="data")
