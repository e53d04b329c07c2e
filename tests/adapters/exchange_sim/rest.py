"""A client that signs as the documentation says, and lets a test break any part of it."""

import time
from urllib.parse import quote, urlencode

import aiohttp
from tests.adapters.exchange_sim.conftest import KEY, SECRET
from yarl import URL

from perpmesh.exchange_sim.domain.signature import sign


class Rest:
    """Answers are (status, body, headers)."""

    def __init__(self, host, behind_ms=0):
        self._behind_ms = behind_ms  # of the exchange's clock
        self.url = f"http://{host}"
        self._session = aiohttp.ClientSession()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self._session.close()

    async def public(self, path, **params):
        async with self._session.get(f"{self.url}{path}", params=params) as answer:
            return answer.status, await answer.json(), answer.headers

    async def signed(self, method, path, *, key=KEY, secret=SECRET, at_ms=0, where="query", **params):
        """Send a signed request; `where` says whether its parameters travel in the query, in the body or half in each.

        `secret` is what HMAC signs with, or a function from the text to its signature.
        """
        params.setdefault("timestamp", int(time.time() * 1_000) - self._behind_ms + at_ms)
        names = list(params)
        cut = {"query": len(names), "body": 0, "both": len(names) // 2}[where]
        query, body = (urlencode({name: params[name] for name in part}) for part in (names[:cut], names[cut:]))
        text = query + body  # run together, with nothing between them
        mark = f"signature={quote(secret(text) if callable(secret) else sign(secret, text))}"
        query, body = (query, f"{body}&{mark}") if body else (f"{query}&{mark}", None)
        url = f"{self.url}{path}?{query}" if query else f"{self.url}{path}"
        headers = {"X-MBX-APIKEY": key, "Content-Type": "application/x-www-form-urlencoded"}
        async with self._session.request(method, URL(url, encoded=True), data=body, headers=headers) as answer:
            return answer.status, await answer.json(), answer.headers

    async def raw(self, method, path, headers=None, body=None):
        async with self._session.request(method, f"{self.url}{path}", headers=headers, data=body) as answer:
            return answer.status, await answer.json(), answer.headers
