"""Frames: what a WebSocket client reads from the bytes that are written once for all."""

import pytest

from perpmesh.exchange_sim.domain.frames import PING, TEXT, combined, frame, plain


def read(data):
    """Read one unmasked frame by RFC 6455 and return (opcode byte, payload)."""
    length, rest = data[1], data[2:]
    if length == 126:
        length, rest = int.from_bytes(rest[:2], "big"), rest[2:]
    elif length == 127:
        length, rest = int.from_bytes(rest[:8], "big"), rest[8:]
    assert len(rest) == length
    return data[0], rest


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536, 200_000])
def test_a_frame_of_any_length_is_read_as_it_was_written(length):
    payload = b"x" * length
    assert read(frame(TEXT, payload)) == (0b1000_0001, payload)
    assert read(frame(PING, payload[:125])) == (0b1000_1001, payload[:125])


def test_a_message_is_had_plain_or_with_the_name_of_its_stream():
    assert read(plain('{"ü":1}')) == (TEXT, '{"ü":1}'.encode())
    assert read(combined("a@trade", '{"e":1}')) == (TEXT, b'{"stream":"a@trade","data":{"e":1}}')
