"""The venue's whole state: the exchange machine, the replayed market and who may trade. Deterministic; no waiting."""

import hashlib
import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from perpmesh.exchange import codec
from perpmesh.exchange.commands import AdvanceTime, Command, CreateAccount
from perpmesh.exchange.engine import Engine
from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange.events import Event, TradePrinted
from perpmesh.exchange.state import State
from perpmesh.exchange_sim.application.history import Archive, History
from perpmesh.exchange_sim.application.records import ApiKeyAdded, ClockSet, Commanded, ListenKeyKept, Record, Ticked
from perpmesh.exchange_sim.domain.feed import SymbolFeed
from perpmesh.kernel.errors import InvariantViolated, Refused

TAPE_KEPT = 1_000
LISTEN_KEY_MS = 60 * 60_000
SHAPE = codec.shape(State, Record)  # of a snapshot and of the log that follows it
NO_LISTEN_KEY = "This listenKey does not exist. Please use POST /fapi/v1/listenKey to recreate listenKey"


@dataclass(slots=True)
class ApiKey:
    """A client's credentials. The secret is shared with the client, or is the client's public key in PEM."""

    secret: str
    account: str


@dataclass(slots=True)
class ListenKey:
    key: str
    expires_ms: int


@dataclass(slots=True)
class Venue:
    """Everything the venue knows. What changes it is noted in `records` until the sequencer has kept it."""

    engine: Engine
    feeds: Mapping[str, SymbolFeed]
    market_ms: int
    wall_ms: int = 0
    speed: float = 1.0
    paused: bool = False
    api_keys: dict[str, ApiKey] = field(default_factory=dict)
    listen_keys: dict[str, ListenKey] = field(default_factory=dict)  # by account
    tapes: dict[str, deque[TradePrinted]] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    archive: Archive | None = None  # None: the past is what the machine remembers of it

    @property
    def history(self) -> History:
        return History(self.engine, self.archive)

    @property
    def second(self) -> int:
        """Return the second of market time."""
        return self.market_ms // 1_000

    def next_ms(self, *, fine: bool) -> int:
        """Return the next moment of market time at which some symbol's background does something."""
        return min(feed.next_ms(self.market_ms, fine=fine) for feed in self.feeds.values())

    @property
    def is_recorded(self) -> bool:
        """Return whether some symbol's market is being shown message by message."""
        return any(feed.is_recorded(self.market_ms) for feed in self.feeds.values())

    # What happens.

    def tick(self, market_ms: int, wall_ms: int) -> list[Event]:
        """Let the background move on to `market_ms`."""
        before, self.market_ms, self.wall_ms = self.market_ms, market_ms, wall_ms
        events: list[Event] = []
        for feed in self.feeds.values():
            for command in feed.commands(market_ms, before):
                events += self._apply(command, wall_ms)
        events += self._apply(AdvanceTime(), wall_ms)
        self.records.append(Ticked(market_ms, wall_ms))
        return events

    def execute(self, command: Command, wall_ms: int) -> list[Event]:
        """Do what a client asks, or raise ExchangeError with nothing changed."""
        events = self._apply(command, wall_ms)
        self.wall_ms = max(self.wall_ms, wall_ms)
        self.records.append(Commanded(command, wall_ms))
        return events

    def add_account(self, api_key: str, secret: str, create: CreateAccount, wall_ms: int) -> list[Event]:
        """Let somebody trade; a key that is known already keeps its account and only changes its secret."""
        known = create.account in self.engine.accounts()
        events = [] if known else self.execute(create, wall_ms)
        self._note(ApiKeyAdded(api_key, secret, create.account))
        return events

    def set_clock(self, speed: float, *, paused: bool) -> None:
        self._note(ClockSet(speed, paused))

    def open_listen_key(self, account: str, wall_ms: int) -> str:
        """Return the account's key, made when it has none, good for another hour."""
        held = self.listen_keys.get(account)
        key = held.key if held else hashlib.sha256(f"listen|{account}|{wall_ms}".encode()).hexdigest()
        self._note(ListenKeyKept(account, key, wall_ms + LISTEN_KEY_MS))
        return key

    def keep_listen_key(self, account: str, wall_ms: int) -> str:
        """Return the account's key, good for another hour; raise -1125 when it has none."""
        if account not in self.listen_keys:
            raise ExchangeError(-1125, NO_LISTEN_KEY)
        return self.open_listen_key(account, wall_ms)

    def close_listen_key(self, account: str) -> None:
        held = self.listen_keys.get(account)
        if held:
            self._note(ListenKeyKept(account, held.key, 0))

    def lapsed_listen_keys(self, wall_ms: int) -> list[tuple[str, str]]:
        """Return and forget the (account, key) pairs whose hour is over."""
        lapsed = [(account, held.key) for account, held in self.listen_keys.items() if held.expires_ms <= wall_ms]
        for account, _ in lapsed:
            self.close_listen_key(account)
        return lapsed

    def listener(self, key: str) -> str | None:
        """Return whose user stream `key` opens."""
        return next((account for account, held in self.listen_keys.items() if held.key == key), None)

    # Remembering.

    def redo(self, record: Record) -> None:
        """Let a remembered record happen again, exactly as it did."""
        match record:
            case Ticked(market_ms, wall_ms):
                self.tick(market_ms, wall_ms)
            case Commanded(command, wall_ms):
                self.execute(command, wall_ms)
            case _:
                self._keep(record)
        self.records.clear()

    def take_records(self) -> Sequence[Record]:
        taken, self.records = self.records, []
        return taken

    def snapshot(self) -> bytes:
        """Return the whole state; the archive then holds all that is over in it."""
        if self.archive is not None:
            self.archive.settle()
        state = {
            "shape": SHAPE,
            "market_ms": self.market_ms,
            "wall_ms": self.wall_ms,
            "speed": self.speed,
            "paused": self.paused,
            "api_keys": {key: [held.secret, held.account] for key, held in self.api_keys.items()},
            "listen_keys": {account: [held.key, held.expires_ms] for account, held in self.listen_keys.items()},
            "engine": self.engine.snapshot().decode(),
        }
        return json.dumps(state).encode()

    @classmethod
    def restore(cls, feeds: Mapping[str, SymbolFeed], snapshot: bytes) -> "Venue":
        """Return the venue as it was.

        Raises:
            Refused: it was kept in another form than this version's.
        """
        state = json.loads(snapshot)
        if state.get("shape") != SHAPE:
            raise Refused(
                "this state was written by another version of perpmesh: run that version, or move the folder away "
                "and begin anew",
                reason="OTHER_VERSION",
            )
        specs = [feed.spec for feed in feeds.values()]
        return cls(
            engine=Engine.restore(specs, state["engine"].encode()),
            feeds=feeds,
            market_ms=state["market_ms"],
            wall_ms=state["wall_ms"],
            speed=state["speed"],
            paused=state["paused"],
            api_keys={key: ApiKey(*held) for key, held in state["api_keys"].items()},
            listen_keys={account: ListenKey(*held) for account, held in state["listen_keys"].items()},
        )

    def close(self) -> None:
        if self.archive is not None:
            self.archive.close()

    def _apply(self, command: Command, wall_ms: int) -> list[Event]:
        try:
            events = self.engine.apply(command, market_ms=self.market_ms, wall_ms=wall_ms)
        except ExchangeError:
            raise
        except Exception as error:
            raise InvariantViolated(f"the exchange broke on {command}") from error
        if self.archive is not None:
            self.archive.keep(events)
        for event in events:
            if isinstance(event, TradePrinted):
                self.tapes.setdefault(event.symbol, deque(maxlen=TAPE_KEPT)).append(event)
        return events

    def _note(self, record: Record) -> None:
        self._keep(record)
        self.records.append(record)

    def _keep(self, record: Record) -> None:
        match record:
            case ListenKeyKept(account, _, 0):
                self.listen_keys.pop(account, None)
            case ListenKeyKept(account, key, expires_ms):
                self.listen_keys[account] = ListenKey(key, expires_ms)
            case ApiKeyAdded(api_key, secret, account):
                self.api_keys[api_key] = ApiKey(secret, account)
            case ClockSet(speed, paused):
                self.speed, self.paused = speed, paused
            case _:
                raise AssertionError(record)
