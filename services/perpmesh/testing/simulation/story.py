"""What the engine decides and people ask for in a life, and what they must be answered."""

import asyncio
from collections.abc import Coroutine
from decimal import Decimal
from random import Random
from typing import Any

from perpmesh.exchange import commands as c
from perpmesh.exchange.errors import ExchangeError
from perpmesh.execution.application.submit import Request
from perpmesh.execution.domain.words import Side
from perpmesh.kernel.errors import Forbidden, PerpmeshError, Refused, Unavailable
from perpmesh.risk_safety.application.reset import ResetOrder
from perpmesh.risk_safety.domain.ess import EssState, Stage, Trigger, TripMode, TripOrder
from perpmesh.testing.simulation.exchange import by_hand
from perpmesh.testing.simulation.plan import Wish
from perpmesh.testing.simulation.world import Simulation
from perpmesh_api.ai_engine.v1 import decision_service_pb2 as ai_pb

WHOLE = {"BTCUSDT": Decimal("0.05"), "ETHUSDT": Decimal("1.0")}
STOP_DISTANCE = Decimal("0.006")
TTL_MS = 5_000
RESET_AFTER_SECONDS = 4.0
SIDES = {1: Side.BUY, -1: Side.SELL}


class Story:
    """Acts out the wishes of a plan on a simulation."""

    def __init__(self, simulation: Simulation) -> None:
        self._in = simulation
        self._chance = Random(f"{simulation.plan.seed}/story")  # noqa: S311 - a seeded life
        self._count = 0

    def acts(self) -> list[Coroutine[Any, Any, None]]:
        return [*(self._at(wish) for wish in self._in.plan.wishes), self._operator()]

    async def _at(self, wish: Wish) -> None:
        await asyncio.sleep(wish.at)
        self._count += 1
        self._in.say(f"wish: {wish.kind} {wish.symbol}")
        act = getattr(self, f"_{wish.kind.replace(' ', '_')}")
        act(wish, f"{wish.kind}-{self._count}")

    # Decisions, over the bus.

    def _quantity(self, wish: Wish) -> Decimal:
        step = self._in.exchange.engine.specs[wish.symbol].step
        return (WHOLE[wish.symbol] * Decimal(wish.size) / step).to_integral_value() * step

    def _stop(self, symbol: str, sign: int) -> Decimal:
        tick = self._in.exchange.engine.specs[symbol].tick
        return (self._in.exchange.price(symbol) * (1 - sign * STOP_DISTANCE) / tick).to_integral_value() * tick

    def _decide(self, wish: Wish, name: str, action: Any, sign: int, **more: Any) -> None:
        quantity = self._quantity(wish)
        self._in.referee.wished[name] = quantity
        ttl = more.pop("ttl_ms", TTL_MS)
        decision = ai_pb.Decision(
            decision_id=name, symbol=wish.symbol, action=action, quantity=str(quantity),
            reference_price=str(self._in.exchange.price(wish.symbol)), strategy="simulated",
            stop_price=str(self._stop(wish.symbol, sign)) if sign else "",
            expires_at_ms=self._in.clock.now_ms() + ttl, **more,
        ).SerializeToString()  # fmt: skip

        async def take() -> None:
            await self._in.execution_runs()
            self._in.execution.decide(decision)

        self._in.bus.send(take)

    def _long(self, wish: Wish, name: str) -> None:
        self._decide(wish, name, ai_pb.ACTION_LONG, 1)

    def _short(self, wish: Wish, name: str) -> None:
        self._decide(wish, name, ai_pb.ACTION_SHORT, -1)

    def _close(self, wish: Wish, name: str) -> None:
        self._decide(wish, name, ai_pb.ACTION_CLOSE, 0)

    def _late_decision(self, wish: Wish, name: str) -> None:
        self._decide(wish, name, ai_pb.ACTION_LONG, 1, ttl_ms=-1)

    def _amplify(self, wish: Wish, name: str) -> None:
        sign = 1 if self._in.referee.amount(wish.symbol) > 0 else -1
        action = ai_pb.ACTION_LONG if sign > 0 else ai_pb.ACTION_SHORT
        self._decide(wish, name, action, sign, amplification=True)

    # Requests, over gRPC: a client whose call fails asks again under the same request_id.

    def _request(self, wish: Wish, name: str, side: Side, quantity: Decimal, stop: Decimal) -> Request:
        return Request(
            request_id=name, symbol=wish.symbol, side=side, quantity=quantity, stop_price=stop,
            take_profit_price=Decimal(0), reason="", traceparent="",
        )  # fmt: skip

    def _request_entry(self, wish: Wish, name: str) -> None:
        sign = 1 if self._chance.random() < 1 / 2 else -1
        quantity = self._quantity(wish)
        self._in.referee.wished[name] = quantity
        request = self._request(wish, name, SIDES[sign], quantity, self._stop(wish.symbol, sign))
        for again in range(1 + (self._chance.random() < self._in.plan.repeats)):
            self._in.loop.call_later(again * 0.4, self._ask, self._enter, request)

    def _ask(self, how: Any, request: Request) -> None:
        if self._in.execution.life.runs:
            self._in.execution.life.start(how(request))

    async def _enter(self, request: Request) -> None:
        try:
            await self._in.execution.cases.submit.entry(request)
        except (Refused, Unavailable, OSError) as error:
            self._in.say(f"{request.request_id}: {error}")
        except Exception as error:  # noqa: BLE001 - judged
            self._in.referee.violated("error", f"{request.request_id}: {error!r}")

    def _request_exit(self, wish: Wish, name: str) -> None:
        self._exit(wish, name, Decimal(1_000))

    def _partial_exit(self, wish: Wish, name: str) -> None:
        step = self._in.exchange.engine.specs[wish.symbol].step
        self._exit(wish, name, (abs(self._in.referee.amount(wish.symbol)) / 2 / step).to_integral_value() * step)

    def _exit(self, wish: Wish, name: str, quantity: Decimal) -> None:
        held = self._in.referee.amount(wish.symbol)
        if held and quantity:
            side = Side.SELL if held > 0 else Side.BUY
            self._ask(self._leave, self._request(wish, name, side, quantity, Decimal(0)))

    async def _leave(self, request: Request) -> None:
        submit = self._in.execution.cases.submit
        try:
            await submit.exit(request)
        except Refused as refused:
            amount = self._in.referee.amount(request.symbol)
            nothing = amount * request.side.sign >= 0 or self._in.execution.cases.tools.desk.just_closed(request.symbol)
            self._in.referee.answered(f"exit {request.request_id}", refused.reason, held=nothing)
        except Unavailable as error:
            self._in.say(f"{request.request_id}: {error}")
        except Exception as error:  # noqa: BLE001 - judged
            self._in.referee.violated("I4", f"exit {request.request_id} failed: {error!r}")

    def _flatten(self, wish: Wish, name: str) -> None:  # noqa: ARG002 - everything
        if self._in.execution.life.runs:
            self._in.execution.life.start(self.flatten(name))

    async def flatten(self, name: str) -> None:
        try:
            await self._in.execution.cases.flatten.flatten(reason=name)
        except Exception as error:  # noqa: BLE001 - judged
            self._in.referee.violated("I4", f"flatten {name} failed: {error!r}")

    # The stop, and those who lift it.

    def _trip(self, wish: Wish, name: str, mode: TripMode = TripMode.BLOCK) -> None:  # noqa: ARG002
        if self._in.safety.life.runs and self._in.safety.opened.is_set():
            self._in.safety.life.start(
                self._pull(TripOrder(trigger=Trigger.MANUAL, reason=name, actor="operator", mode=mode))
            )

    def _trip_and_flatten(self, wish: Wish, name: str) -> None:
        self._trip(wish, name, TripMode.FLATTEN)

    async def _pull(self, order: TripOrder) -> None:
        began = self._in.loop.time()
        try:
            await self._in.safety.core.ess.trip(order)
        except (Refused, Unavailable) as error:
            self._in.say(f"trip: {error}")
            return
        self._in.referee.tally.trips += 1
        self._in.say(f"trip answered after {self._in.loop.time() - began:.3f} s")

    def _pause_entries(self, wish: Wish, name: str) -> None:  # noqa: ARG002
        if self._in.safety.life.runs and self._in.safety.opened.is_set():
            self._in.safety.life.start(self._hold_back())

    async def _hold_back(self) -> None:
        core = self._in.safety.core
        for paused in (True, False):
            try:
                await core.ess.pause(paused=paused)
            except OSError as error:
                self._in.say(f"pause: {error}")
            await asyncio.sleep(3)

    async def _operator(self) -> None:
        """Two people who look at a trip, and lift it when its cause is gone."""
        while True:
            await asyncio.sleep(RESET_AFTER_SECONDS)
            safety = self._in.safety
            if safety.life.runs and safety.opened.is_set() and safety.core.ess.latch.state is EssState.TRIPPED:
                await asyncio.wait({safety.life.start(self._lift())}, timeout=RESET_AFTER_SECONDS)

    async def _lift(self) -> None:
        order = ResetOrder(
            reason="looked at", stage=Stage.FULL, operator_token="operator:ann", approver_token="approver:bob"  # noqa: S106
        )  # fmt: skip
        try:
            await self._in.safety.core.reset(order)
            self._in.say("reset")
        except (PerpmeshError, Forbidden, OSError) as error:
            self._in.say(f"reset: {error}")

    # The market, and other people on the account.

    def _by_hand(self, wish: Wish, name: str) -> None:  # noqa: ARG002
        side = "BUY" if self._chance.random() < 1 / 2 else "SELL"
        try:
            by_hand(self._in.exchange, wish.symbol, side, self._quantity(wish))
        except ExchangeError as error:
            self._in.say(f"by hand: {error}")

    def _funding(self, wish: Wish, name: str) -> None:  # noqa: ARG002
        self._in.exchange.apply(c.SettleFunding(wish.symbol, Decimal("0.0001")))

    def _jump(self, wish: Wish, name: str) -> None:  # noqa: ARG002
        sign = 1 if self._chance.random() < 1 / 2 else -1
        self._in.exchange.step(wish.symbol, sign * 0.012 * wish.size)
        self._in.quote(wish.symbol)
