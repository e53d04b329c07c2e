"""A connection that sends any bytes at all, and insists on an answer in time."""

import asyncio
import json
import time
from dataclasses import dataclass
from urllib.parse import quote_plus

from perpmesh.exchange_sim.domain.signature import sign
from perpmesh.testing.exchange_process import KEY, SECRET

ANSWER_SECONDS = 10.0


@dataclass(frozen=True)
class Sent:
    """One request, and how far it is to be believed."""

    method: str
    path: str
    pairs: tuple = ()
    where: str = "query"  # query, body or both
    signature: str = "good"  # good, bad, none, first or twice
    key: str = KEY
    content_type: str = "application/x-www-form-urlencoded"
    stamp: bool = True
    body: str = ""  # sent as it is, behind the parameters

    def text(self):
        pairs = [*self.pairs, *([("timestamp", str(time.time_ns() // 1_000_000))] if self.stamp else [])]
        return [f"{_quoted(name)}={_quoted(value)}" for name, value in pairs]

    def bytes(self):
        parts = self.text()
        cut = {"query": len(parts), "body": 0, "both": len(parts) // 2}[self.where]
        query, body = "&".join(parts[:cut]), "&".join(parts[cut:]) + self.body
        signature = {"good": sign(SECRET, query + body), "bad": "0" * 64, "twice": "0" * 64}.get(self.signature)
        if signature is not None and cut:
            query += f"&signature={signature}" * (2 if self.signature == "twice" else 1)
        elif signature is not None:
            body += f"&signature={signature}" if body else f"signature={signature}"
        head = f"{self.method} {self.path}?{query} HTTP/1.1\r\nHost: x\r\nX-MBX-APIKEY: {self.key}\r\n"
        head += f"Content-Type: {self.content_type}\r\nContent-Length: {len(body.encode('utf-8', 'replace'))}\r\n\r\n"
        return head.encode("utf-8", "replace") + body.encode("utf-8", "replace")


def _quoted(text):
    return quote_plus(text.encode("utf-8", "surrogatepass"))


class Line:
    """One connection, made again when the server closed it."""

    def __init__(self, host):
        name, port = host.split(":")
        self._address = name, int(port)
        self._reader = self._writer = None

    async def ask(self, request):
        """Return (status, body bytes); a server that does not answer in time fails the test."""
        async with asyncio.timeout(ANSWER_SECONDS):
            if self._writer is None or self._writer.is_closing() or self._reader.at_eof():
                self._reader, self._writer = await asyncio.open_connection(*self._address)
            self._writer.write(request)
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            body = b"" if request.startswith(b"HEAD") else await self._reader.readexactly(int(length.split(b":")[1]))
            if b"connection: close" in head.lower():
                await self.close()
            return int(head.split()[1]), body

    async def close(self):
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def believable(status, body, *, empty=False):
    """Assert that an answer is one of the venue's: success, or an error with a code and a text."""
    assert status < 500, (status, body)
    if empty and not body:
        return None
    answer = json.loads(body)
    if status != 200:
        assert isinstance(answer["code"], int), (status, body)
        assert answer["code"] < 0, (status, body)
        assert answer["msg"], (status, body)
        assert isinstance(answer["msg"], str), (status, body)
    return answer
