"""The entry saga: gate, reserve, record, send once, protect; a crash between any two steps ends protected or flat."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from perpmesh.execution.application.attend import Attendant
from perpmesh.execution.application.books import Books
from perpmesh.execution.application.exits import Exits
from perpmesh.execution.application.ports import VenueRefused, VenueSilent
from perpmesh.execution.application.protect import Protector, Unprotectable
from perpmesh.execution.application.report import Reporter
from perpmesh.execution.application.sender import Sender, unknown_message
from perpmesh.execution.application.tools import Tools
from perpmesh.execution.domain import gate
from perpmesh.execution.domain.admission import EntryWish, Market, Refusal, World, figures
from perpmesh.execution.domain.dry_run import Judgement
from perpmesh.execution.domain.facts import PositionFact
from perpmesh.execution.domain.follow import tighter
from perpmesh.execution.domain.lease import Lease
from perpmesh.execution.domain.order import Order
from perpmesh.execution.domain.risk_case import stake_of
from perpmesh.execution.domain.stages import largest_quantity
from perpmesh.execution.domain.trade import Trade, moved, opened, protected, trade_id_of
from perpmesh.execution.domain.words import Leg, OrderStatus, TradeStatus
from perpmesh.kernel.errors import Refused
from perpmesh.kernel.ids import client_order_id
from perpmesh.kernel.money import ZERO, text

ASKS = 3
PAUSE_SECONDS = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a wish."""

    order: Order
    trade: Trade | None = None
    stop: Order | None = None


class Enter:
    """Opens trades and adds to them. One at a time per symbol."""

    def __init__(
        self,
        tools: Tools,
        *,
        sender: Sender,
        protector: Protector,
        exits: Exits,
        books: Books,
        attendant: Attendant,
        reporter: Reporter,
    ) -> None:
        self._ledger = tools.ledger
        self._desk = tools.desk
        self._sender = sender
        self._protector = protector
        self._exits = exits
        self._books = books
        self._attendant = attendant
        self._reporter = reporter
        self._sleep = tools.sleep
        self._diary = tools.diary
        self._clock = tools.desk.clock

    async def enter(self, wish: EntryWish) -> Outcome:
        """Do what is wished, once per origin; a repeat returns what the first one came to.

        Raises:
            Refused: the gate's first reason; all of them stand in the metadata.
            Unavailable: it was sent and its outcome is not known yet.
        """
        client_id = client_order_id(wish.origin, Leg.ENTRY)
        async with self._desk.locks[wish.symbol]:
            known = await self._ledger.order(client_id)
            if known is not None:
                return await self.outcome(known)
            await self._make_way(wish)
            return await self._admit(wish, client_id)

    async def outcome(self, order: Order) -> Outcome:
        """Return what became of an order that is in the log. The caller holds the symbol's lock."""
        if not order.status.is_final and order.leg not in (Leg.STOP, Leg.TAKE_PROFIT):
            await self._attendant.attend_locked(order.symbol)
            order = await self._ledger.order(order.client_id) or order
        if order.status is OrderStatus.REFUSED:
            words = order.reasons.split(",")
            raise Refused(order.reason, reason=words[0], metadata={"reasons": order.reasons})
        if not order.status.is_final:
            raise unknown_message(order)
        trade = await self._ledger.any_trade(order.trade_id) if order.trade_id else None
        return Outcome(order=order, trade=trade, stop=await self._newest_stop(trade))

    async def _newest_stop(self, trade: Trade | None) -> Order | None:
        if trade is None:
            return None
        stops = [order for order in await self._ledger.orders_of(trade.trade_id) if order.leg is Leg.STOP]
        return stops[-1] if stops else None

    async def _make_way(self, wish: EntryWish) -> None:
        """An opposite wish closes first, then enters."""
        trade = self._ledger.trade(wish.symbol)
        expired = 0 < wish.expires_at_ms <= self._clock.now_ms()
        if trade is None or trade.side is wish.side or wish.amplification or expired:
            return
        marks = {"decision_id": wish.decision_id, "request_id": wish.request_id, "traceparent": wish.traceparent}
        await self._exits.close(wish.symbol, Leg.EXIT, origin=wish.origin, reason="the opposite was decided", **marks)
        await self._attendant.attend_locked(wish.symbol)

    # Admission: from the look at the facts to the reservation nothing else can happen.

    async def _admit(self, wish: EntryWish, client_id: str) -> Outcome:
        world = self._reporter.world()
        market = self._market(wish)
        wish, reasons = self._sized(wish, world, market)
        reasons = [*gate.refusals(world, market, wish), *reasons]
        judgement = Judgement(
            client_id=client_id, world=world, market=market, wish=wish, reasons=tuple(r.word for r in reasons)
        )
        if reasons or world.lease is None or market.price is None:
            raise await self._refusal(judgement, reasons)
        self._desk.count_entry()
        self._desk.reservations[client_id] = stake_of(wish, market.price)
        try:
            return await self._run(judgement, world.lease)
        finally:
            self._desk.reservations.pop(client_id, None)  # what is not settled yet still counts, from the log
            await self._keep(judgement)

    async def _keep(self, judgement: Judgement) -> None:
        """Remember what was judged, after the order: between a price and an order there is no time for it."""
        try:
            await self._ledger.commit(judgements=[judgement])
        except Exception as error:  # noqa: BLE001 - it is for people who change policies; nothing rests on it
            self._diary.warning("judgement not kept", client_id=judgement.client_id, error=repr(error))

    def _market(self, wish: EntryWish) -> Market:
        return Market(
            instrument=self._desk.instruments.get(wish.symbol),
            price=self._desk.prices.price(wish.symbol),
            trade=self._ledger.trade(wish.symbol),
            symbol_unsettled=wish.symbol in self._desk.unsettled_symbols,
            symbol_cooling=self._desk.is_cooling(wish.symbol),
            seen_before=False,  # asked already: what is in the log returns its first outcome
        )

    def _sized(self, wish: EntryWish, world: World, market: Market) -> tuple[EntryWish, list[Refusal]]:
        """Fit the wish into the stage: a decision shrinks, a request is refused with what would fit."""
        if world.lease is None or market.instrument is None or market.price is None:
            return wish, []
        here = market.price.fair
        allowed = largest_quantity(world.lease.stage, wish.quantity, market.instrument, here)
        if allowed >= wish.quantity or not allowed:
            return wish, []
        if wish.decision_id:
            return replace(wish, quantity=allowed), []
        sentence = f"stage {world.lease.stage.name} allows {text(allowed)} of {text(wish.quantity)}"
        return wish, [Refusal(word="STAGE_SIZE", sentence=sentence, field="quantity")]

    async def _refusal(self, judgement: Judgement, reasons: Sequence[Refusal]) -> Refused:
        """Record why not, and return what the caller hears."""
        wish, client_id = judgement.wish, judgement.client_id
        words = ",".join(reason.word for reason in reasons)
        sentence = "; ".join(reason.sentence for reason in reasons)
        order = replace(
            self._entry(wish, client_id, ""), status=OrderStatus.REFUSED, reason=sentence[:500], reasons=words
        )
        if not (wish.decision_id and words == "POSITION_EXISTS"):  # said once is enough: it is held already
            await self._ledger.commit(orders=[order], judgements=[judgement])
        return Refused(
            sentence, reason=reasons[0].word, field=reasons[0].field, metadata={"reasons": words, **figures(reasons)}
        )

    def _entry(self, wish: EntryWish, client_id: str, trade_id: str) -> Order:
        now = self._clock.now_ms()
        return Order(
            client_id=client_id, symbol=wish.symbol, side=wish.side, leg=Leg.ENTRY, type="MARKET",
            quantity=wish.quantity, trigger_price=wish.stop_price, decision_id=wish.decision_id,
            request_id=wish.request_id, trade_id=trade_id, created_ms=now, updated_ms=now,
            traceparent=wish.traceparent,
        )  # fmt: skip

    # The saga.

    async def _run(self, judgement: Judgement, lease: Lease) -> Outcome:
        wish, client_id, market = judgement.wish, judgement.client_id, judgement.market
        trade = market.trade if wish.amplification else None
        fresh = trade is None
        trade = trade or self._trade(wish, client_id, market)
        order = self._entry(wish, client_id, trade.trade_id)
        await self._ledger.commit(orders=[order], trades=[trade] if fresh else [])
        try:
            order = await self._sender.send_entry(order, lease)
        except Refused:
            if fresh:
                await self._ledger.keep(trades=[moved(trade, TradeStatus.FAILED, self._clock.now_ms())])
            raise
        order = await self._answered(order)
        if not order.status.is_final:
            await self._ledger.keep(orders=[order])
            self._desk.unsettled_symbols.add(wish.symbol)
            raise unknown_message(order)
        if not order.executed:
            failed = [moved(trade, TradeStatus.FAILED, self._clock.now_ms())] if fresh else []
            await self._ledger.keep(orders=[order], trades=failed)
            return await self.outcome(order)
        self._note_position(order, trade)
        return await (self._filled(order, trade) if fresh else self._added(order, trade))

    def _trade(self, wish: EntryWish, client_id: str, market: Market) -> Trade:
        now = self._clock.now_ms()
        pays = market.price.pays(wish.side) if market.price else ZERO
        return Trade(
            trade_id=trade_id_of(client_id), symbol=wish.symbol, side=wish.side, stop_wish=wish.stop_price,
            take_profit_wish=wish.take_profit_price, reference_price=wish.reference_price or pays,
            strategy=wish.strategy, decision_id=wish.decision_id, request_id=wish.request_id, created_ms=now,
            updated_ms=now, traceparent=wish.traceparent,
        )  # fmt: skip

    async def _answered(self, order: Order) -> Order:
        """Ask a few times what became of an entry whose answer is not final; then leave it to reconciliation."""
        for _ in range(ASKS):
            if order.status.is_final:
                break
            try:
                order = await self._sender.resolve(order)
            except (VenueSilent, VenueRefused) as error:
                order = replace(order, reason=str(error))
            if not order.status.is_final:
                await self._sleep(PAUSE_SECONDS)
        return order

    def _note_position(self, order: Order, trade: Trade) -> None:
        known = self._desk.positions.get(order.symbol)
        before = known.signed if known else ZERO
        entry = known.entry if known else order.average or trade.reference_price
        signed = before + order.executed * order.side.sign
        self._desk.note_position(order.symbol, PositionFact(symbol=order.symbol, signed=signed, entry=entry))

    async def _filled(self, order: Order, trade: Trade) -> Outcome:
        """The position exists: record it together with its stop, and get the stop to the exchange at once."""
        trade = opened(trade, order.executed, self._clock.now_ms(), self._clock.boot_ms())
        stop = self._protector.stop_order(trade, step=0)
        await self._sender.keep_all([order, stop], [trade])
        try:
            stop = await self._protector.first_stop(trade, stop)
        except Unprotectable as reason:
            await self._attendant.give_up(trade, str(reason))
            return await self.outcome(order)
        accepted = self._clock.boot_ms()
        try:
            trade = await self._books.priced(trade)
            order = replace(order, average=trade.entry_price)
        except (VenueSilent, VenueRefused) as error:
            self._diary.warning("entry not priced yet", client_id=order.client_id, error=repr(error))
        if stop.status is OrderStatus.WORKING:
            trade = protected(trade, stop.trigger_price, self._clock.now_ms(), accepted)
        await self._sender.keep_all([order, stop], [trade])
        self._desk.protected.add(order.symbol)
        return await self._finished(order)

    async def _added(self, order: Order, trade: Trade) -> Outcome:
        """A position grew under its closePosition stop, which covers it already; now the stop moves up."""
        stop = tighter(trade.stop_wish, order.trigger_price, trade.side)
        grown = replace(trade, quantity=trade.quantity + order.executed, stop_wish=stop)
        await self._sender.keep_all([order], [grown])
        outcome = await self._finished(order)
        if outcome.trade is None or not outcome.trade.is_open:
            return outcome
        repriced = await self._books.priced(outcome.trade)
        await self._sender.keep_all([], [repriced])
        return replace(outcome, trade=repriced)

    async def _finished(self, order: Order) -> Outcome:
        try:
            await self._attendant.attend_locked(order.symbol)
        except Exception as error:  # noqa: BLE001 - what counts is done; reconciliation does the rest
            self._diary.warning("not put right yet", symbol=order.symbol, error=repr(error))
        return await self.outcome(await self._ledger.order(order.client_id) or order)
