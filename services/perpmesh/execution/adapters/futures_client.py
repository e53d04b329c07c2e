"""python-binance with our own idea of when a request was made, how long it is good for, and where the exchange is."""

from collections.abc import Callable
from typing import Any

import aiohttp
from binance.async_client import AsyncClient

RECV_WINDOW_MS = 5_000
TIMEOUT_SECONDS = 3.0
HeardHeaders = Callable[[int, Any], None]


class FuturesClient(AsyncClient):  # type: ignore[misc]
    """Signs with the exchange's time instead of the wall clock, keeps a signature that is there, reads rate headers."""

    def __init__(self, *, key: str, secret: str, url: str, stamp: Callable[[], int], on_headers: HeardHeaders) -> None:
        super().__init__(api_key=key, api_secret=secret)
        self.API_URL = self.MARGIN_API_URL = f"{url}/api"
        self.FUTURES_URL = f"{url}/fapi"
        self.FUTURES_DATA_URL = f"{url}/futures/data"
        self._stamp = stamp
        self._on_headers = on_headers

    def sign(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters with a timestamp and recvWindow, ours unless they bring their own, and signed."""
        stamped = {"timestamp": self._stamp(), "recvWindow": RECV_WINDOW_MS, **data}
        return {**stamped, "signature": self._generate_signature(stamped)}

    def _get_request_kwargs(self, method: str, signed: bool, force_params: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002 - theirs
        if signed and "signature" not in kwargs["data"]:
            kwargs["data"] = self.sign(kwargs["data"])
        ready = super()._get_request_kwargs(method, False, force_params, **kwargs)  # noqa: FBT003 - theirs
        ready["timeout"] = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        return ready

    async def _handle_response(self, response: aiohttp.ClientResponse) -> Any:
        self._on_headers(response.status, response.headers)
        return await super()._handle_response(response)
