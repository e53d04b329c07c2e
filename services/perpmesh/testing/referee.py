"""The exchange's own word, asked past the mesh: what happened is what it accepted."""

import hashlib
import hmac
import http.client
import itertools
import json
import time
import urllib.parse
from decimal import Decimal
from typing import Any

from perpmesh.platform.settings import MeshSettings

TIMEOUT_SECONDS = 5


class Referee:
    """Signed REST calls to the exchange with the mesh's own key, from addresses of its own.

    The exchange counts request weight per IP address: a referee that shared the mesh's would use up what it needs.
    """

    def __init__(self, settings: MeshSettings) -> None:
        self._settings = settings
        self._host = settings.exchange_url.removeprefix("http://")
        self._sources = itertools.cycle(f"127.0.0.{last}" for last in range(2, 250))

    def call(self, method: str, path: str, **parameters: Any) -> Any:
        """Call one signed endpoint and return its JSON; raise RuntimeError with the exchange's error body."""
        query = urllib.parse.urlencode({**parameters, "timestamp": time.time_ns() // 1_000_000, "recvWindow": 5000})
        secret = self._settings.api_secret.get_secret_value().encode()
        signature = hmac.new(secret, query.encode(), hashlib.sha256).hexdigest()
        connection = http.client.HTTPConnection(
            self._host, timeout=TIMEOUT_SECONDS, source_address=(next(self._sources), 0)
        )
        try:
            headers = {"X-MBX-APIKEY": self._settings.api_key.get_secret_value()}
            connection.request(method, f"{path}?{query}&signature={signature}", headers=headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(text)
        return json.loads(text)

    def position(self, symbol: str) -> Decimal:
        """Return the signed position of a symbol; 0 when flat."""
        rows = self.call("GET", "/fapi/v3/positionRisk", symbol=symbol)
        return sum((Decimal(row["positionAmt"]) for row in rows), Decimal(0))

    def stops(self, symbol: str) -> list[dict[str, Any]]:
        """Return the open conditional orders of a symbol that are stops."""
        rows = self.call("GET", "/fapi/v1/openAlgoOrders", symbol=symbol)
        return [row for row in rows if row["orderType"] == "STOP_MARKET"]

    def orders(self, symbol: str) -> list[dict[str, Any]]:
        """Return every order the exchange ever had of a symbol, oldest first."""
        rows: list[dict[str, Any]] = self.call("GET", "/fapi/v1/allOrders", symbol=symbol, limit=1000)
        return rows

    def trades(self, symbol: str) -> list[dict[str, Any]]:
        """Return the account's trades of a symbol."""
        rows: list[dict[str, Any]] = self.call("GET", "/fapi/v1/userTrades", symbol=symbol, limit=1000)
        return rows

    def income(self) -> list[dict[str, Any]]:
        """Return the account's income, without deposits."""
        rows = self.call("GET", "/fapi/v1/income", limit=1000, startTime=0)
        return [row for row in rows if row["incomeType"] != "TRANSFER"]
