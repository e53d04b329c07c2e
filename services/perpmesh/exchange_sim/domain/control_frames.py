"""The frames with which a listener chooses its streams, and the venue's own words for those that make no sense."""

import json
from dataclasses import dataclass
from typing import Any

METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
COMBINED = "combined"  # the only property there is: whether payloads are wrapped in {"stream", "data"}
UNKNOWN_PROPERTY, WRONG_VALUE, WRONG_REQUEST, WRONG_JSON = range(4)


class Malformed(Exception):
    """A frame that makes no sense; the codes are 0 to 3."""

    def __init__(self, code: int, message: str, frame_id: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.frame_id = code, message, frame_id


@dataclass(frozen=True, slots=True)
class Frame:
    """One wish. `id` comes back with the answer, as it was sent."""

    method: str
    names: tuple[str, ...]  # the streams, or the property
    id: Any
    value: bool | None = None  # of the property, for SET_PROPERTY


def read_frame(text: str) -> Frame:
    """Read a control frame, or raise Malformed."""
    try:
        frame = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"at line {error.lineno} column {error.colno}"
        raise Malformed(WRONG_JSON, f"Invalid JSON: expected value {where}") from None
    except RecursionError:
        raise Malformed(WRONG_JSON, "Invalid JSON: recursion limit exceeded at line 1 column 128") from None
    except ValueError:  # a number of thousands of digits
        raise Malformed(WRONG_JSON, "Invalid JSON: number out of range at line 1 column 128") from None
    end = f"at line 1 column {len(text)}"
    if not isinstance(frame, dict):
        raise Malformed(WRONG_REQUEST, f"Invalid request: invalid type, expected an object {end}")
    frame_id = frame.get("id")
    if not _is_id(frame_id):
        raise Malformed(WRONG_REQUEST, "Invalid request: request ID must be an unsigned integer")
    if "method" not in frame:
        raise Malformed(WRONG_REQUEST, f"Invalid request: missing field `method` {end}", frame_id)
    method, params = frame["method"], frame.get("params") or []
    if method not in METHODS:
        known = ", ".join(f"`{each}`" for each in METHODS)
        text = f"Invalid request: unknown variant `{method}`, expected one of {known} {end}"
        raise Malformed(WRONG_REQUEST, text, frame_id)
    if not isinstance(params, list):
        raise Malformed(WRONG_REQUEST, f"Invalid request: invalid type, expected a sequence {end}", frame_id)
    return _property(method, params, frame_id) if method.endswith("PROPERTY") else _streams(method, params, frame_id)


def _streams(method: str, params: list[Any], frame_id: Any) -> Frame:
    if not all(isinstance(name, str) for name in params):
        raise Malformed(WRONG_REQUEST, "Invalid request: stream name must be a string", frame_id)
    return Frame(method, tuple(params), frame_id)


def _property(method: str, params: list[Any], frame_id: Any) -> Frame:
    needed = 2 if method == "SET_PROPERTY" else 1
    if len(params) > needed:
        raise Malformed(WRONG_REQUEST, "Invalid request: too many parameters", frame_id)
    if not params or not isinstance(params[0], str):
        raise Malformed(WRONG_REQUEST, "Invalid request: property name must be a string", frame_id)
    if params[0] != COMBINED:
        raise Malformed(UNKNOWN_PROPERTY, "Unknown property", frame_id)
    value = params[1] if len(params) == needed and needed > 1 else None
    if needed > 1 and not isinstance(value, bool):
        raise Malformed(WRONG_VALUE, "Invalid value type: expected Boolean", frame_id)
    return Frame(method, (COMBINED,), frame_id, value)


def _is_id(value: Any) -> bool:
    return value is None or isinstance(value, str) or (type(value) is int and value >= 0)
