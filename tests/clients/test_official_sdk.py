"""Binance's own SDK for Python: every method it has, each answer read by its strict models."""

import asyncio
import inspect
from contextlib import asynccontextmanager

import pytest
from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_common.errors import BadRequestError
from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import DerivativesTradingUsdsFutures
from tests.clients import sdk_calls
from tests.clients.market import KEY, SECRET, serving

from perpmesh.exchange_sim.domain.limits import Limits

TRANSPORT = {"send_request", "send_signed_request", "send_message", "send_signed_message"}
MANY = Limits(weight_per_minute=100_000, messages_per_second=1_000)


def sdk_of(host):
    return DerivativesTradingUsdsFutures(
        config_rest_api=ConfigurationRestAPI(KEY, SECRET, base_path=f"http://{host}", timeout=20_000),
        config_ws_api=ConfigurationWebSocketAPI(KEY, SECRET, stream_url=f"ws://{host}/ws-fapi/v1", timeout=20_000),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=f"ws://{host}"),
    )


@pytest.fixture
async def sdk(quiet):
    async with serving(data=quiet, limits=MANY) as market:
        await market.stop()
        yield sdk_of(market.host)


def read_by_model(answer):
    """Whether the library made an object of it, or rows of objects, and not a bare dictionary."""
    rows = answer if isinstance(answer, list) else [answer]
    return bool(rows) and all(type(row).__module__.startswith("binance_sdk") for row in rows)


@asynccontextmanager
async def streams_of(sdk):
    await sdk.websocket_streams.create_connection()
    try:
        yield sdk.websocket_streams
    finally:
        await sdk.websocket_streams.close_connection()


def own_methods(client):
    names = {name for name, _ in inspect.getmembers(type(client), inspect.isfunction)}
    return {name for name in names if not name.startswith("_") and name in vars(type(client))} - TRANSPORT


def test_every_rest_method_is_tried():
    tried = {name for name, _ in (*sdk_calls.MARKET, *sdk_calls.ACCOUNT, *sdk_calls.REFUSED)}
    assert own_methods(sdk_of("localhost").rest_api) == tried


@pytest.mark.parametrize("calls", [sdk_calls.MARKET, sdk_calls.ACCOUNT], ids=["market", "account"])
async def test_every_answer_is_read_by_its_model(sdk, calls):
    def session():
        for name, params in calls:
            read = getattr(sdk.rest_api, name)(**params).data()
            assert read is not None, name
            batch = read if isinstance(read, list) else [read]
            assert all(getattr(row, "code", None) in (None, 200, "200") for row in batch), (name, read)

    await asyncio.to_thread(session)


async def test_what_is_not_served_is_refused_in_binances_words(sdk):
    def session():
        for name, params in sdk_calls.REFUSED:
            with pytest.raises(BadRequestError) as refused:
                getattr(sdk.rest_api, name)(**params)
            assert refused.value.status_code < 0, name

    await asyncio.to_thread(session)


async def test_every_method_of_the_trading_socket_is_answered(sdk):
    client = sdk.websocket_api
    missing = own_methods(client) - {name for name, _ in sdk_calls.SOCKET} - {"ping_server", "close_connection"}
    assert missing == set()
    await client.create_connection()
    try:
        for name, params in sdk_calls.SOCKET:
            assert read_by_model((await getattr(client, name)(**params)).data()), name
    finally:
        await client.close_connection()


async def test_every_stream_of_a_market_that_runs_is_read_by_its_model(quiet):
    async with (
        serving(data=quiet, limits=MANY, strict_routes=True) as market,
        streams_of(sdk_of(market.host)) as streams,
    ):
        heard = {name: asyncio.get_running_loop().create_future() for name, _ in sdk_calls.STREAMS}

        def hear(name):
            return lambda message: heard[name].done() or heard[name].set_result(message)

        for name, params in sdk_calls.STREAMS:
            stream = await getattr(streams, name)(**params)
            stream.on("message", hear(name))
        await asyncio.wait_for(asyncio.gather(*heard.values()), 30)
    for name, _ in sdk_calls.STREAMS:
        assert read_by_model(heard[name].result()), name


async def test_user_events_are_read_by_their_models(sdk):
    key = (await asyncio.to_thread(sdk.rest_api.start_user_data_stream)).data().listen_key
    async with streams_of(sdk) as streams:
        heard = asyncio.Queue()
        stream = await streams.user_data(key)
        stream.on("message", heard.put_nowait)
        order = {**sdk_calls.BTC, "side": "BUY", "type": "MARKET", "quantity": 0.01}
        await asyncio.to_thread(lambda: sdk.rest_api.new_order(**order))
        await asyncio.to_thread(lambda: sdk.rest_api.new_algo_order(**sdk_calls.STOP, trigger_price=99_000.0))
        await asyncio.to_thread(lambda: sdk.rest_api.change_initial_leverage(**sdk_calls.BTC, leverage=9))
        told = set()
        async with asyncio.timeout(20):
            while "AccountConfigUpdate" not in told:
                told.add(type((await heard.get()).actual_instance).__name__)
    assert told == {"OrderTradeUpdate", "TradeLite", "AccountUpdate", "AlgoUpdate", "AccountConfigUpdate"}
