"""Control frames: what is understood, and the venue's words for what is not."""

import pytest

from perpmesh.exchange_sim.domain.control_frames import Frame, Malformed, read_frame


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ('{"method":"SUBSCRIBE","params":["a@trade","b@depth"],"id":1}', Frame("SUBSCRIBE", ("a@trade", "b@depth"), 1)),
        ('{"method":"UNSUBSCRIBE","params":["a@trade"],"id":"x-1"}', Frame("UNSUBSCRIBE", ("a@trade",), "x-1")),
        ('{"method":"LIST_SUBSCRIPTIONS","id":0}', Frame("LIST_SUBSCRIPTIONS", (), 0)),
        ('{"method":"SET_PROPERTY","params":["combined",true],"id":5}', Frame("SET_PROPERTY", ("combined",), 5, True)),
        ('{"method":"GET_PROPERTY","params":["combined"],"id":2}', Frame("GET_PROPERTY", ("combined",), 2)),
    ],
)
def test_a_frame_is_read(text, frame):
    assert read_frame(text) == frame


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ('{"method":"SET_PROPERTY","params":["colour",true],"id":1}', 0, "Unknown property"),
        ('{"method":"GET_PROPERTY","params":["colour"],"id":1}', 0, "Unknown property"),
        ('{"method":"SET_PROPERTY","params":["combined","yes"],"id":1}', 1, "Invalid value type: expected Boolean"),
        ('{"method":"SET_PROPERTY","params":["combined"],"id":1}', 1, "Invalid value type: expected Boolean"),
        ('{"method":"SET_PROPERTY","params":[1,true]}', 2, "Invalid request: property name must be a string"),
        ('{"method":"GET_PROPERTY"}', 2, "Invalid request: property name must be a string"),
        ('{"method":"GET_PROPERTY","params":["combined",1]}', 2, "Invalid request: too many parameters"),
        ('{"method":"SUBSCRIBE","params":["a"],"id":-1}', 2, "Invalid request: request ID must be an unsigned integer"),
        (
            '{"method":"SUBSCRIBE","params":["a"],"id":1.5}',
            2,
            "Invalid request: request ID must be an unsigned integer",
        ),
        ('{"params":["a"],"id":1}', 2, "Invalid request: missing field `method` at line 1 column 23"),
        ('{"method":"SUBSCRIBE","params":[1]}', 2, "Invalid request: stream name must be a string"),
        (
            '{"method":"DANCE"}',
            2,
            (
                "Invalid request: unknown variant `DANCE`, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, "
                "`LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY` at line 1 column 18"
            ),
        ),
        ("dance", 3, "Invalid JSON: expected value at line 1 column 1"),
        ("[" * 100_000, 3, "Invalid JSON: recursion limit exceeded at line 1 column 128"),
        ("[]", 2, "Invalid request: invalid type, expected an object at line 1 column 2"),
        ('{"method":["x"]}', 2, None),
        ('{"method":"SUBSCRIBE","params":{"a":1}}', 2, None),
    ],
)
def test_a_frame_that_makes_no_sense_is_told_what_is_wrong(text, code, message):
    with pytest.raises(Malformed) as refused:
        read_frame(text)
    assert refused.value.code == code
    assert message in (None, refused.value.message)
