"""Execution at its desk: on the pure engine, or on the exchange's own sockets with its faults at hand.

Each test is named by the project and the issue where users met what it tells.
"""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import grpc
import pytest
from tests.adapters.exchange_sim.control import Control
from tests.adapters.execution.conftest import KEY, SECRET, house, log, outbox, store
from tests.unit.execution.bench import Bench

from perpmesh.exchange_sim.config import AccountConfig, Config
from perpmesh.exchange_sim.main import exchange
from perpmesh.platform.settings import MeshSettings
from perpmesh.platform.time import SystemClock
from perpmesh.testing.ports import free_ports

__all__ = ["house", "log", "outbox", "store"]


@pytest.fixture
async def bench() -> Bench:
    made = Bench()
    await made.start()
    return made


@pytest.fixture
async def settings(tmp_path: Path) -> AsyncIterator[MeshSettings]:
    account = AccountConfig(KEY, SECRET, Decimal(10_000))
    risk, market_data, execution, control = free_ports(4)
    config = Config(port=0, grpc_listen=f"127.0.0.1:{control}", accounts=(account,), speed=1.0)
    async with exchange(config, SystemClock()) as port:
        yield MeshSettings(
            state_dir=tmp_path, exchange_url=f"http://127.0.0.1:{port}", api_key=KEY, api_secret=SECRET,
            risk_safety_address=f"127.0.0.1:{risk}", market_data_address=f"127.0.0.1:{market_data}",
            execution_address=f"127.0.0.1:{execution}", exchange_sim_address=f"127.0.0.1:{control}",
        )  # fmt: skip


@pytest.fixture
async def faults(settings: MeshSettings) -> AsyncIterator[Control]:
    """The exchange's knobs."""
    async with grpc.aio.insecure_channel(settings.exchange_sim_address) as channel:
        yield Control(channel)
