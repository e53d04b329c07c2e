"""What is written straight from integers says what the table of fields says, in everything that can happen."""

import json

from perpmesh.exchange.engine import Engine
from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange.events import OrderUpdated
from perpmesh.exchange.symbols import default_symbols
from perpmesh.exchange_sim.adapters.render_orders import ORDER
from perpmesh.exchange_sim.adapters.written import order_canceled, order_placed
from perpmesh.testing.exchange_life import Life, births


def facts_of_a_life(seed, commands):
    """Yield every fact about an order, with the symbols as they were then."""
    engine = Engine(default_symbols())
    for number, command in enumerate([*births(), *Life(seed).commands(commands)]):
        try:
            events = engine.apply(command, market_ms=1_000 * number, wall_ms=2_000 * number)
        except ExchangeError:
            continue
        yield from ((engine.specs, event) for event in events if isinstance(event, OrderUpdated))


def test_an_answer_written_from_integers_is_what_the_table_of_fields_makes_of_the_order():
    count = 0
    for specs, fact in facts_of_a_life(seed=11, commands=3_000):
        spec, order = specs[fact.order.symbol], fact.order
        for text in (order_placed(fact), order_canceled(fact)):
            shown = json.loads(text)
            assert text == json.dumps({name: ORDER[name](spec, order) for name in shown}, separators=(",", ":"))
        count += 1
    assert count > 500
