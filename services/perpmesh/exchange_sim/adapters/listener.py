"""A connection to the streams: which of them it has chosen, and how it wants them."""

import json
from collections.abc import Iterable
from typing import Any

from perpmesh.exchange_sim.adapters.connection import Connection
from perpmesh.exchange_sim.adapters.hub import Hub
from perpmesh.exchange_sim.domain import frames
from perpmesh.exchange_sim.domain.control_frames import WRONG_REQUEST, Frame, Malformed, read_frame
from perpmesh.exchange_sim.domain.streams import parse_stream


class StreamListener:
    """`route` is where it connected ("public", "market", "private"), or "" when everything may be had anywhere."""

    def __init__(
        self, connection: Connection, hub: Hub, *, route: str, combined: bool, events: frozenset[str], streams_max: int
    ) -> None:
        self._connection = connection
        self._hub = hub
        self._route = route
        self._combined = combined
        self._events = events  # of the user stream that it wants; empty: all
        self._streams_max = streams_max
        self._names = connection.names

    def offer(self, stream: str, payload: str, event: str = "") -> None:
        """Queue a message of a stream; `event` is its kind in a user stream."""
        if event and self._events and event not in self._events:
            return
        self._connection.send(frames.combined(stream, payload) if self._combined else frames.plain(payload))
        if self._connection.is_over:
            self.leave()

    def listen(self, names: Iterable[str]) -> None:
        """Choose streams. Names that mean nothing are kept too, and stay silent."""
        for name in names:
            if name not in self._names and len(self._names) < self._streams_max:
                self._names[name] = None
                if self._may_have(name):
                    self._hub.subscribe(self, [name])

    def leave(self) -> None:
        self._hub.unsubscribe(self, list(self._names))

    def hear(self, text: str) -> None:
        """Answer a control frame."""
        try:
            frame = read_frame(text)
            answer: Any = {"result": self._do(frame), "id": frame.id}
        except Malformed as error:
            answer = {"error": {"code": error.code, "msg": error.message}}
            answer |= {"id": error.frame_id} if error.frame_id is not None else {}
        self._connection.say(json.dumps(answer, separators=(",", ":")))

    def _do(self, frame: Frame) -> Any:
        match frame.method:
            case "SUBSCRIBE":
                if len({*self._names, *frame.names}) > self._streams_max:
                    raise Malformed(WRONG_REQUEST, "Invalid request: too many parameters", frame.id)
                self.listen(frame.names)
                if self._hub.faults.armed:
                    self._connection.suffer(self._hub.faults.cuts(frame.names, self._hub.owner, opening=False))
            case "UNSUBSCRIBE":
                self._hub.unsubscribe(self, frame.names)
                for name in frame.names:
                    self._names.pop(name, None)
            case "LIST_SUBSCRIPTIONS":
                return list(self._names)
            case "SET_PROPERTY":
                self._combined = bool(frame.value)
            case _:
                return self._combined
        return None

    def _may_have(self, name: str) -> bool:
        """Whether the route carries it; one that does not stays silent, as at the venue."""
        if not self._route:
            return True
        stream = parse_stream(name)
        if stream is None:
            return self._route == "private"
        return self._route == ("public" if stream.kind.is_public else "market")
