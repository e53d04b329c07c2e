"""What the exchange's filters will ask of an entry and of the stop it needs, asked before anything is sent."""

from collections.abc import Iterator
from decimal import Decimal

from perpmesh.execution.domain.admission import EntryWish, Refusal
from perpmesh.execution.domain.facts import PriceFact
from perpmesh.kernel.errors import Refused
from perpmesh.kernel.instrument import Instrument
from perpmesh.kernel.money import text


def filter_refusals(instrument: Instrument, price: PriceFact, wish: EntryWish) -> Iterator[Refusal]:
    """Return what the exchange would refuse."""
    here = price.fair
    try:
        instrument.check_quantity(wish.quantity)
        instrument.check_notional(wish.quantity, here)
    except Refused as refused:
        yield Refusal(word=f"FILTER_{refused.reason}", sentence=str(refused), field=refused.field)
    yield from _conditional_refusals(instrument, here, wish)


def _conditional_refusals(instrument: Instrument, here: Decimal, wish: EntryWish) -> Iterator[Refusal]:
    if wish.stop_price <= 0:
        yield Refusal(word="STOP_REQUIRED", sentence="an entry needs a stop", field="stop_price")
        return
    for field, trigger in (("stop_price", wish.stop_price), ("take_profit_price", wish.take_profit_price)):
        if trigger and not instrument.takes_price(trigger):
            yield Refusal(
                word="FILTER_PRICE", field=field,
                sentence=f"{field} {text(trigger)} is no price that the exchange takes: tick {text(instrument.tick)}",
            )  # fmt: skip
    if (here - wish.stop_price) * wish.side.sign <= 0:
        yield Refusal(word="STOP_WRONG_SIDE", sentence="the stop would trigger at once", field="stop_price")
    if wish.take_profit_price and (wish.take_profit_price - here) * wish.side.sign <= 0:
        yield Refusal(
            word="TAKE_PROFIT_WRONG_SIDE", sentence="the take-profit would trigger at once", field="take_profit_price"
        )
