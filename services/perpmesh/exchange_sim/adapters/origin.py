"""What a market is made from, as it is kept in a state folder, and where its chance comes from."""

import json
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Protocol

from perpmesh.exchange.symbols import SymbolSpec, default_symbols
from perpmesh.exchange_sim.domain.candles import Seeds
from perpmesh.exchange_sim.domain.feed import SymbolFeed
from perpmesh.kernel.chance import Chance
from perpmesh.kernel.errors import Refused
from perpmesh.kernel.time import MS_PER_DAY

FORMAT = 2  # of a kept state: 1 counted market time in seconds
LEAD_MS = 5 * MS_PER_DAY  # the past a new market has: models need four days of it before they can say anything

Rates = Mapping[str, Mapping[int, Decimal]]  # by symbol and settlement, in the data's own time (ms)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a state folder's market was made from: data, seed and shift. It may not change under a kept state."""

    seed: int
    shift_ms: int
    first_ms: int
    fingerprint: str

    def to_json(self) -> str:
        return json.dumps({"format": FORMAT, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> "Origin":
        kept = json.loads(text)
        if not isinstance(kept, dict) or kept.pop("format", None) != FORMAT:
            raise Refused(
                "the state folder was written by an older perpmesh, whose market time had whole seconds: "
                "move it away and begin anew",
                reason="OLD_STATE",
                field="state_dir",
            )
        return cls(**kept)


class MarketSource(Protocol):
    """Where a market comes from: candles, a recording, or chance alone."""

    @property
    def fingerprint(self) -> str:
        """Tell this data from any other."""
        ...

    def originate(self, seed: int, start_ms: int | None, now_ms: int) -> Origin:
        """Decide where a new market begins, `start_ms` being in the data's own time."""
        ...

    def feeds(self, origin: Origin, rates: Rates) -> dict[str, SymbolFeed]:
        """Return the market of each symbol, with real funding `rates` where there are any."""
        ...


def seeds_of(seed: int) -> Seeds:
    """Return where every seeded draw of a replay comes from."""

    def seeded(name: str) -> Chance:
        return random.Random(f"{seed}:{name}")  # noqa: S311 - a market to replay, not a secret

    return seeded


def spec_of(symbol: str) -> SymbolSpec:
    """Return the contract that data is for; refuse a symbol that is not listed here."""
    specs = {spec.symbol: spec for spec in default_symbols()}
    if symbol not in specs:
        raise Refused(f"no contract {symbol} is known here", reason="UNKNOWN_SYMBOL", field="data")
    return specs[symbol]


def moved(rates: Mapping[int, Decimal] | None, shift_ms: int) -> dict[int, Decimal] | None:
    """Return rates by market second, moved with the data."""
    return {(time + shift_ms) // 1_000: rate for time, rate in rates.items()} if rates else None
