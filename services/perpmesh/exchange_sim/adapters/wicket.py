"""One connection. Plain requests pass through a small door of their own, all others through the library's.

The library reads every byte, so what is a request is decided in one place. A whole plain request then needs no task,
no request object and no response object: it is answered by a callback. From the first one that is not plain (a
WebSocket, a body that is still on its way, a last request, nonsense) the connection is the library's until it ends.
"""

import asyncio
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web
from aiohttp.http import SERVER_SOFTWARE, HttpVersion11, RawRequestMessage

from perpmesh.exchange_sim.adapters.door import Answer, Asked, Door
from perpmesh.platform import telemetry

log = telemetry.log(__name__)
METHODS: Final = frozenset({"GET", "POST", "PUT", "DELETE"})
PLAIN_BODY_MAX: Final = 16 * 1024


class Wicket(web.RequestHandler):
    """Answers requests one by one, in their order."""

    def __init__(self, manager: web.Server, door: Door, **options: Any) -> None:
        super().__init__(manager, **options)
        self._door = door
        self._address = ""
        self._left: asyncio.Future[None] | None = self._loop.create_future()  # done when the library takes over
        self._busy = False  # a plain request waits for its answer

    async def start(self) -> None:
        """Do as the library does, once the plain requests are over."""
        if self._left is not None:
            await self._left
        await super().start()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._address = str((self.peername or ("",))[0])

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._left is not None and self._messages:
            self._next()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._next()

    def close(self) -> None:
        super().close()
        self._end_plain()

    def force_close(self) -> None:
        super().force_close()
        self._end_plain()

    def _end_plain(self) -> None:
        if self._left is not None and not self._busy:
            self._left.cancel()

    def _process_keepalive(self) -> None:
        super()._process_keepalive()
        if self._left is not None and not self._busy and self._keepalive_handle is None:
            self.force_close()

    def _next(self) -> None:
        """Begin to answer the next request, unless there is one already, or an answer that nobody fetches."""
        if self._left is None or not self._messages or self._busy or self._paused or self._close:
            return
        message: Any
        message, payload = self._messages[0]
        if not _is_plain(message, payload):
            self._left.set_result(None)
            self._left = None
            return
        self._messages.popleft()
        self._busy = self._request_in_progress = True
        self._make_room()
        body = payload.read_nowait().decode("utf-8", "replace") if payload.total_bytes else ""
        key = message.headers.get("X-MBX-APIKEY", "")
        self._door.begin(Asked(message.method, message.path, body, key, self._address), self._answer)

    def _make_room(self) -> None:
        """Let the library read on."""
        if self._parser is not None:
            self._parser.message_consumed()
        if self._buffer_paused and len(self._messages) <= self._msg_queue_resume_size:
            self._resume_reading_if_drained()

    def _answer(self, answer: Answer) -> None:
        self._busy = self._request_in_progress = False
        if self._handler_waiter is not None and not self._handler_waiter.done():
            self._handler_waiter.set_result(None)
        if self.transport is None:
            self._end_plain()
            return
        self.transport.write(whole(answer, self._door.clock.now_ms() // 1_000))
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(self._next_keepalive_close_time, self._process_keepalive)
        if self._close or self._force_close:
            self.force_close()
        elif self._messages:
            self._loop.call_soon(self._next)  # others have their turn in between

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Refuse what is not even HTTP in the venue's form, too."""
        log.info("not a request", status=status, error=repr(exc)[:200], remote=request.remote)
        answer = web.json_response({"code": -1013, "msg": "INVALID_MESSAGE"}, status=status)
        answer.force_close()
        return answer


def _is_plain(message: Any, payload: Any) -> bool:
    return (
        isinstance(message, RawRequestMessage)
        and message.method in METHODS
        and message.version == HttpVersion11
        and not (message.should_close or message.upgrade or message.compression)
        and message.path.startswith("/")
        and payload.is_eof()
        and payload.total_bytes <= PLAIN_BODY_MAX
        and payload.exception() is None
    )


def whole(answer: Answer, second: int) -> bytes:
    """Return the bytes of an answer given in a second since 1970, with what the library adds to its own."""
    told = "".join([f"{name}: {value}\r\n" for name, value in answer.headers.items()])
    head = f"{_status(answer.status)}{told}Content-Length: {len(answer.body)}\r\n{_dated(second)}\r\n"
    return head.encode() + answer.body


@lru_cache
def _status(status: int) -> str:
    known = status in HTTPStatus.__members__.values()
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase if known else ''}\r\n"


@lru_cache(maxsize=1)
def _dated(second: int) -> str:
    return f"Date: {formatdate(second, usegmt=True)}\r\nServer: {SERVER_SOFTWARE}\r\n"
