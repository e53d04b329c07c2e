"""Adding and ending faults, and what some of them do the moment they begin. All of it is forgotten by a restart."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal

from perpmesh.exchange.commands import AdvanceTime, ChangeSymbol, Command, Liquidate
from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange.words import SymbolStatus
from perpmesh.exchange_sim.application.engine_faults import EngineFaults, doom
from perpmesh.exchange_sim.application.ports import Audience, Connections
from perpmesh.exchange_sim.application.sequencer import Sequencer, Turn
from perpmesh.exchange_sim.application.venue import Venue
from perpmesh.exchange_sim.domain.fault_plan import Armed, FaultPlan
from perpmesh.exchange_sim.domain.faults import (
    ChangeFilters,
    CloseConnection,
    DelistSymbol,
    ExpireListenKey,
    FaultKind,
    FaultSpec,
    Maintenance,
    Occasion,
    RejectTrigger,
    Scope,
)
from perpmesh.exchange_sim.domain.faults import Liquidate as LiquidateFault
from perpmesh.kernel.errors import Invalid, Refused
from perpmesh.kernel.time import Clock

Act = Callable[["FaultControl", Armed, Turn], None]


class FaultControl:
    """The plan of faults, as operators change it."""

    def __init__(
        self, plan: FaultPlan, sequencer: Sequencer, audience: Audience, connections: Connections, clock: Clock
    ) -> None:
        self._plan = plan
        self._sequencer = sequencer
        self.audience = audience
        self.connections = connections
        self.clock = clock
        self._waiting: dict[str, asyncio.Task[None]] = {}
        self._nudges: set[asyncio.Task[None]] = set()
        sequencer.act = EngineFaults(plan, self._nudge_after).execute

    async def add(self, spec: FaultSpec) -> Armed:
        """Put a fault in force; what it does at once is done when this returns, unless it begins later.

        Raises:
            Invalid: the scope names what is not here, or what the kind cannot use.
            Refused: the exchange will not do what the fault asks of it.
        """
        spec = replace(spec, scope=_resolved(self._sequencer.venue, spec.scope))
        fault = self._plan.add(spec)
        wait_ms = spec.scope.from_ms - self.clock.now_ms()
        if wait_ms > 0:
            self._waiting[fault.fault_id] = asyncio.create_task(self._begin_later(fault, wait_ms))
            return fault
        try:
            await self._begin(fault)
        except Exception:
            self._plan.remove(fault.fault_id)
            raise
        return fault

    def faults(self) -> list[Armed]:
        """Return every fault that was added and not ended."""
        return list(self._plan)

    def remove(self, fault_id: str) -> Armed:
        """End a fault; raise NotFound when there is none of that id."""
        fault = self._plan.remove(fault_id)
        self._forget(fault_id)
        return fault

    def clear(self) -> list[Armed]:
        """End all faults."""
        for fault_id in tuple(self._waiting):
            self._forget(fault_id)
        return self._plan.clear()

    def close(self) -> None:
        """End all faults, and wake nobody any more."""
        self.clear()
        for nudge in tuple(self._nudges):
            nudge.cancel()

    def _nudge_after(self, delay_ms: int) -> None:
        """Let the engine's time go on at a moment when something is due: the market's next tick may be later."""

        async def nudge() -> None:
            await asyncio.sleep(delay_ms / 1_000)
            await self._sequencer.submit(lambda turn: turn.execute(AdvanceTime()))

        task = asyncio.create_task(nudge())
        self._nudges.add(task)
        task.add_done_callback(self._nudges.discard)

    def _forget(self, fault_id: str) -> None:
        task = self._waiting.pop(fault_id, None)
        if task is not None:
            task.cancel()

    async def _begin_later(self, fault: Armed, wait_ms: int) -> None:
        await asyncio.sleep(wait_ms / 1_000)
        del self._waiting[fault.fault_id]
        with suppress(Refused):  # nobody waits for the reason any more; the list shows that it never struck
            await self._begin(fault)

    async def _begin(self, fault: Armed) -> None:
        act = ACTS.get(type(fault.spec.kind))
        if act is not None:
            await self._sequencer.submit(lambda turn: act(self, fault, turn))


def _resolved(venue: Venue, scope: Scope) -> Scope:
    """Return the scope with the account's id for its key; raise Invalid for an account or symbol that is not here."""
    if scope.symbol and scope.symbol not in venue.feeds:
        raise Invalid(
            f"{scope.symbol} is not traded here; there are {', '.join(venue.feeds)}",
            reason="FAULT_SCOPE",
            field="fault.scope.symbol",
        )
    return replace(scope, account=account_of(venue, scope.account, "fault.scope.account")) if scope.account else scope


def account_of(venue: Venue, name: str, field: str) -> str:
    """Return the id of the account that `name`, an id or an API key, stands for; raise Invalid, naming `field`."""
    if name in venue.api_keys:
        return venue.api_keys[name].account
    if name not in venue.engine.accounts():
        raise Invalid(f"no account has the id or the key {name}", reason="UNKNOWN_ACCOUNT", field=field)
    return name


def _expire_listen_keys(control: FaultControl, fault: Armed, turn: Turn) -> None:
    for account, held in tuple(turn.venue.listen_keys.items()):
        if fault.strikes(Occasion(account=account), turn.wall_ms):
            turn.venue.close_listen_key(account)
            control.audience.end_user_stream(account, held.key, turn.wall_ms)


def _cut_connections(control: FaultControl, fault: Armed, _: Turn) -> None:
    control.connections.cut(fault)


def _delist(_: FaultControl, fault: Armed, turn: Turn) -> None:
    _demand(fault, turn, ChangeSymbol(fault.spec.scope.symbol, SymbolStatus.SETTLING))


def _change_filters(_: FaultControl, fault: Armed, turn: Turn) -> None:
    """Change what was named; increments count from the least price and quantity, so these become multiples of them."""
    kind, symbol = fault.spec.kind, fault.spec.scope.symbol
    if not isinstance(kind, ChangeFilters):
        raise TypeError(kind)
    spec = turn.venue.engine.specs[symbol]
    command = ChangeSymbol(
        symbol,
        tick=kind.tick_size,
        step=kind.step_size,
        min_price=_multiple(spec.min_price, kind.tick_size),
        min_quantity=_multiple(spec.min_quantity, kind.step_size),
        min_notional=kind.min_notional,
    )
    _demand(fault, turn, command)


def _multiple(value: Decimal, increment: Decimal | None) -> Decimal | None:
    """Return the least multiple that is not below a value; None when there is no increment."""
    return None if increment is None else (value / increment).to_integral_value(ROUND_CEILING) * increment


def _liquidate(_: FaultControl, fault: Armed, turn: Turn) -> None:
    _demand(fault, turn, Liquidate(fault.spec.scope.account, fault.spec.scope.symbol or None))


def _demand(fault: Armed, turn: Turn, command: Command) -> None:
    try:
        turn.execute(command)
    except ExchangeError as error:
        raise Refused(
            f"the exchange will not: {error.message}", reason="FAULT_REFUSED", field=f"fault.{fault.spec.name}"
        ) from None
    fault.fired = 1


def _doom_open(_: FaultControl, fault: Armed, turn: Turn) -> None:
    """Doom the conditional orders that are open already."""
    for account in turn.venue.engine.accounts():
        for algo in turn.venue.engine.open_algos(account):
            doom(fault, turn.execute, algo, turn.wall_ms)


ACTS: dict[type[FaultKind], Act] = {
    ExpireListenKey: _expire_listen_keys,
    CloseConnection: _cut_connections,
    Maintenance: _cut_connections,
    DelistSymbol: _delist,
    ChangeFilters: _change_filters,
    LiquidateFault: _liquidate,
    RejectTrigger: _doom_open,
}
