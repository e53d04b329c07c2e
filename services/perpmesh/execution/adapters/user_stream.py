"""The exchange's user stream: it says at once that something moved; what it is, REST tells."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp

from perpmesh.execution.adapters.futures_client import FuturesClient
from perpmesh.execution.application.desk import Desk
from perpmesh.kernel.errors import Unavailable
from perpmesh.platform import telemetry
from perpmesh.platform.settings import MeshSettings

log = telemetry.log(__name__)
KEEP_ALIVE_SECONDS = 20 * 60
HEARTBEAT_SECONDS = 15.0


class UserStream:
    """Opens the stream, keeps its key alive, and names the symbols of each event."""

    def __init__(
        self,
        settings: MeshSettings,
        client: FuturesClient,
        moved: Callable[[list[str]], None],
        may_ask: Callable[[], bool] = lambda: True,
        desk: Desk | None = None,
    ) -> None:
        self._url = settings.exchange_ws_url
        self._client = client
        self._moved = moved
        self._may_ask = may_ask
        self._desk = desk

    async def listen(self) -> None:
        """Listen until the stream ends; run it inside `forever`. What was missed meanwhile, a full look finds."""
        if not self._may_ask():
            raise Unavailable("no stream while the exchange may not be asked")
        key = await self._client.futures_stream_get_listen_key()
        async with aiohttp.ClientSession() as session:
            url = f"{self._url}/private/ws?listenKey={key}"
            async with session.ws_connect(url, heartbeat=HEARTBEAT_SECONDS) as socket:
                log.info("user stream open")
                self._moved([])
                keeper = asyncio.create_task(self._keep_alive(key))
                try:
                    async for frame in socket:
                        if frame.type is aiohttp.WSMsgType.TEXT and not self._heard(frame.json()):
                            return
                finally:
                    keeper.cancel()
        log.warning("user stream ended")

    async def _keep_alive(self, key: str) -> None:
        while True:
            await asyncio.sleep(KEEP_ALIVE_SECONDS)
            await self._client.futures_stream_keepalive(key)

    def _heard(self, message: Mapping[str, Any]) -> bool:
        """Take one event in; return False when the stream is of no use any more."""
        event: Mapping[str, Any] = message.get("data", message)
        match event.get("e"):
            case "ORDER_TRADE_UPDATE" | "ALGO_UPDATE":
                self._moved([event["o"]["s"]])
            case "ACCOUNT_UPDATE":
                self._moved([position["s"] for position in event["a"].get("P", ())])
            case "listenKeyExpired":
                return False
            case "ACCOUNT_CONFIG_UPDATE" | "MARGIN_CALL":
                log.warning("account event", kind=event["e"])
                self._configured(event)
                self._moved([])
        return True

    def _configured(self, event: Mapping[str, Any]) -> None:
        """Somebody set a symbol's leverage ("ac") or switched multi-assets mode ("ai")."""
        if self._desk is None:
            return
        if setting := event.get("ac"):
            self._desk.leverage_told(setting["s"], int(setting["l"]))
        if mode := event.get("ai"):
            self._desk.multi_assets_told(on=bool(mode["j"]))
