"""A real exchange on a free port, and clients that reach it over sockets."""

from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from binance import AsyncClient, BinanceSocketManager

from perpmesh.exchange_sim.config import AccountConfig, Config
from perpmesh.exchange_sim.main import exchange
from perpmesh.platform.time import SystemClock

KEY, SECRET = "testkey", "testsecret"
ACCOUNT = AccountConfig(KEY, SECRET, Decimal(10_000))


@asynccontextmanager
async def serving(**options):
    """Serve an exchange and yield its host:port."""
    config = Config(**{"port": 0, "accounts": (ACCOUNT,), "speed": 60.0, **options})
    async with exchange(config, SystemClock()) as port:
        yield f"127.0.0.1:{port}"


@pytest.fixture
async def host():
    async with serving() as where:
        yield where


def client_of(host):
    """python-binance, unmodified but for the addresses it calls."""

    class Client(AsyncClient):
        API_URL = f"http://{host}/api"
        FUTURES_URL = f"http://{host}/fapi"
        FUTURES_DATA_URL = f"http://{host}/futures/data"

    return Client(KEY, SECRET)


def sockets_of(host, client):
    class Sockets(BinanceSocketManager):
        STREAM_URL = f"ws://{host}/"
        FSTREAM_URL = f"ws://{host}/"

    return Sockets(client)


@pytest.fixture
async def client(host):
    made = client_of(host)
    yield made
    await made.close_connection()
