from decimal import Decimal

from tests.unit.market_data.kit import BTC, START, minute

from perpmesh.market_data.adapters import wire
from perpmesh.market_data.domain.price import BookMoved, MarkMoved, PriceState


def test_the_exchanges_messages_become_our_words():
    book = {"e": "bookTicker", "u": 1, "s": BTC, "b": "100.10", "B": "1", "a": "100.20", "A": "2", "T": 7, "E": 9}
    assert wire.message_of(book) == BookMoved(symbol=BTC, bid=Decimal("100.1"), ask=Decimal("100.2"), market_ms=7)
    mark = {"e": "markPriceUpdate", "E": 9, "s": BTC, "p": "100.15", "i": "100.14", "P": "0", "r": "", "T": 5}
    found = wire.message_of(mark)
    assert isinstance(found, MarkMoved)
    assert (found.mark, found.index, found.funding_rate, found.next_funding_ms) == (
        Decimal("100.15"), Decimal("100.14"), 0, 5,
    )  # fmt: skip
    assert wire.message_of({"e": "aggTrade", "s": BTC}) is None


def test_a_candle_in_progress_is_not_taken_for_a_closed_one():
    k = {"t": START, "T": START + 59_999, "s": BTC, "i": "1m", "o": "1", "c": "2", "h": "3", "l": "1", "v": "5"}
    for closed in (True, False):
        found = wire.message_of({"e": "kline", "E": 1, "s": BTC, "k": {**k, "x": closed}})
        assert found.closed is closed
        assert (found.open, found.high, found.low, found.close, found.volume) == (1, 3, 1, 2, 5)


def test_a_row_of_history_and_a_message_of_the_stream_make_the_same_candle():
    each = minute(4)
    row = [each.open_time_ms, *(str(v) for v in (each.open, each.high, each.low, each.close, each.volume)), 0]
    assert wire.candle_of_row(BTC, "1m", row) == each
    sent = wire.candle(each)
    assert (sent.open_time_ms, sent.close_time_ms, sent.closed) == (each.open_time_ms, each.open_time_ms + 59_999, True)
    assert Decimal(sent.volume) == each.volume


def test_numbers_are_written_without_exponent_or_trailing_zeros():
    state = PriceState(symbol=BTC, last=Decimal("1E+5"), bid=Decimal("99999.90"), funding_rate=Decimal("1E-8"))
    sent = wire.price(state, stale=True)
    assert (sent.last_price, sent.bid_price, sent.funding_rate, sent.stale) == ("100000", "99999.9", "0.00000001", True)
