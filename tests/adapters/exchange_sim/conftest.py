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


class MinuteClock(SystemClock):
    """A clock on which a minute has just begun: what is counted by the minute does not start again in mid-test."""

    def __init__(self):
        self.behind_ms = super().now_ms() % 60_000

    def now_ms(self):
        return super().now_ms() - self.behind_ms


@asynccontextmanager
async def serving(clock=None, **options):
    """Serve an exchange and yield its host:port."""
    config = Config(**{"port": 0, "accounts": (ACCOUNT,), "speed": 60.0, **options})
    async with exchange(config, clock or SystemClock()) as port:
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
