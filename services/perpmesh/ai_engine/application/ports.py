"""What the use cases need from the world."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from perpmesh.ai_engine.domain.decision import Decision
from perpmesh.ai_engine.domain.limits import Limits
from perpmesh.ai_engine.domain.selector import Cell, Key
from perpmesh.ai_engine.domain.sizing import SizingPolicy
from perpmesh.ai_engine.domain.standing import Quote, Standing
from perpmesh.features import Bars
from perpmesh.kernel.chance import Chance
from perpmesh.kernel.instrument import Instrument

Chances = Callable[[str], Chance]  # a seeded source per text: the same text gives the same draws
Announce = Callable[[Decision], None]


class BarsKept(Protocol):
    """The closed bars we hold."""

    def bars(self, symbol: str) -> Bars: ...


class Quotes(Protocol):
    """The newest prices."""

    async def quote(self, symbol: str) -> Quote:
        """Return the newest prices; raise Unavailable when nobody answers."""
        ...


class Accounts(Protocol):
    """Equity and the open trade, from those who own them."""

    async def standing(self, symbol: str) -> Standing:
        """Return where we stand; raise Unavailable when it is not known."""
        ...


class Instruments(Protocol):
    """The symbols we decide on, with their filters."""

    @property
    def symbols(self) -> Sequence[str]: ...

    def get(self, symbol: str) -> Instrument:
        """Return one symbol; raise NotFound for one we do not trade, Unavailable before its filters are known."""
        ...


class Policies(Protocol):
    """Policy as of now."""

    def limits(self) -> Limits: ...


class Models(Protocol):
    """The sizing policy that serves now."""

    @property
    def serving(self) -> SizingPolicy: ...


class Journal(Protocol):
    """Every decision, on disk."""

    async def record(self, decision: Decision) -> bool:
        """Keep it, with its event when it is to be executed; return False when its id is known already."""
        ...

    async def newest(self, *, symbol: str = "", include_holds: bool = True, limit: int = 50) -> list[Decision]: ...

    async def amplified(self, trade_id: str) -> bool:
        """Return whether an amplification of this trade was asked for."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedTrade:
    """A trade that ended, as far as the selector cares."""

    trade_id: str
    strategy: str
    decision_id: str
    reward: float  # net PnL over the risk at the first stop
    closed_at_ms: int  # market time


class Lessons(Protocol):
    """What was learned, on disk; bound to one transaction."""

    async def known(self, trade_id: str) -> bool: ...

    async def regime_of(self, decision_id: str) -> str:
        """Return the trend regime the decision was made in; "" for a decision we do not know."""
        ...

    async def keep(self, trade: ClosedTrade, regime: str, cells: Sequence[tuple[Key, Cell]]) -> None: ...
