"""The services the engine talks to, each by one channel."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from perpmesh.ai_engine.adapters.exchange_info import ExchangeInfo
from perpmesh.ai_engine.adapters.execution_client import ExecutionClient
from perpmesh.ai_engine.adapters.market_client import MarketClient
from perpmesh.ai_engine.adapters.model_client import ModelClient
from perpmesh.ai_engine.application.gather import Gather
from perpmesh.ai_engine.application.ports import Journal, Policies
from perpmesh.platform import grpc_client
from perpmesh.platform.service import Loop
from perpmesh.platform.settings import MeshSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Clients; each connects when it is used."""

    market: MarketClient
    account: ExecutionClient
    models: ModelClient
    filters: ExchangeInfo

    @property
    def loops(self) -> list[Loop]:
        """What keeps them current."""
        return [("filters", self.filters.refresh_forever), ("model", self.models.keep_current)]

    def gather(self, journal: Journal, policies: Policies) -> Gather:
        """Return what looks at all of them for one decision."""
        return Gather(
            instruments=self.filters,
            bars=self.market,
            quotes=self.market,
            accounts=self.account,
            journal=journal,
            policies=policies,
            models=self.models,
        )


@asynccontextmanager
async def neighbours(settings: MeshSettings) -> AsyncIterator[Neighbours]:
    """Hold the channels open while the block runs."""
    symbols = tuple(settings.symbol_list)
    async with AsyncExitStack() as channels:
        market, account, models = [
            await channels.enter_async_context(grpc_client.channel(settings.address(name)))
            for name in ("market_data", "execution", "rl_training")
        ]
        yield Neighbours(
            market=MarketClient(market, symbols),
            account=ExecutionClient(account),
            models=ModelClient(models),
            filters=ExchangeInfo(settings.exchange_url, symbols),
        )
