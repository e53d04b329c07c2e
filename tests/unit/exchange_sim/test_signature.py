"""Who may come in, and when."""

import pytest

from perpmesh.exchange.errors import ExchangeError
from perpmesh.exchange_sim.domain.signature import (
    check_signature,
    check_time,
    check_time_at_engine,
    sign,
    signed_text,
    window_of,
)

SECRET = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"
TEXT = (
    "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943"
)
SIGNATURE = "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9"


WORDS = {
    -1021: (
        "Timestamp for this request is outside of the recvWindow.",
        "Timestamp for this request was 1000ms ahead of the server's time.",
    ),
    -1022: ("Signature for this request is not valid.",),
    -1131: ("recvWindow must be less than 60000.",),
    -5028: ("Timestamp for this request is outside of the ME recvWindow.",),
}


def code_of(act, *arguments):
    with pytest.raises(ExchangeError) as refused:
        act(*arguments)
    assert refused.value.message in WORDS[refused.value.code]
    return refused.value.code


def test_the_official_vector_is_reproduced():
    assert sign(SECRET, TEXT) == SIGNATURE
    check_signature(SECRET, TEXT, SIGNATURE.upper())


def test_query_and_body_are_signed_run_together_without_the_signature():
    query, body = TEXT[:60], TEXT[60:]
    assert signed_text(query, body + "&signature=" + SIGNATURE) == TEXT
    assert signed_text(f"signature=x&{TEXT}", "") == TEXT


def test_a_signature_over_the_decoded_text_is_accepted():
    check_signature(SECRET, "origClientOrderId=a%3Ab%2Fc", sign(SECRET, "origClientOrderId=a:b/c"))


@pytest.mark.parametrize("signature", ["", "0" * 64, SIGNATURE[:-1], "ü"])
def test_any_other_signature_is_refused(signature):
    assert code_of(check_signature, SECRET, TEXT, signature) == -1022


def test_a_request_is_in_time_within_its_window_and_up_to_a_second_ahead():
    for stamp in (95_000, 100_000, 100_999):
        check_time(stamp, 5_000, 100_000)
    assert code_of(check_time, 94_999, 5_000, 100_000) == -1021
    assert code_of(check_time, 101_000, 5_000, 100_000) == -1021


def test_a_request_that_waited_too_long_is_refused_at_the_engine():
    check_time_at_engine(95_000, 5_000, 100_000)
    assert code_of(check_time_at_engine, 94_999, 5_000, 100_000) == -5028


def test_the_window_is_five_seconds_unless_asked_and_at_most_a_minute():
    assert window_of(None) == 5_000
    assert window_of(60_000) == 60_000
    assert code_of(window_of, 60_001) == -1131
    assert code_of(window_of, 0) == -1131
