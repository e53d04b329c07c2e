"""Each check asks the real thing, and sees it go and come back."""

import asyncio
from pathlib import Path

import aiohttp
from aiohttp import web

from perpmesh.monitoring_health.adapters import checks
from perpmesh.monitoring_health.adapters.checks import BrokerMetadata, TimedCheck
from perpmesh.platform import grpc_client, grpc_server
from perpmesh.platform.settings import PROCESSES, SERVICES, MeshSettings, VenueKind
from perpmesh.platform.time import SystemClock
from perpmesh.testing.broker import Broker
from perpmesh.testing.ports import free_port


async def test_a_process_is_well_when_it_says_so_and_ill_at_once_when_it_says_not() -> None:
    listen = f"127.0.0.1:{free_port()}"
    async with grpc_client.channel(listen) as channel:
        check = TimedCheck("execution", checks.grpc_health(channel, "execution"), SystemClock())
        async with grpc_server.serving("execution", listen) as serving:
            await serving.start([])
            unready = await check()
            assert (unready.ok, unready.final, unready.detail) == (False, True, "says NOT_SERVING")
            await serving.ready()
            well = await check()
            assert well.ok
            assert well.latency_ms > 0
        gone = await check()
        assert (gone.ok, gone.final) == (False, False)
        assert gone.detail.startswith("UNAVAILABLE: ")


async def test_a_broker_that_is_killed_and_comes_back_is_seen_to_be() -> None:
    async with Broker() as broker:
        ask = BrokerMetadata(broker.address)
        check = TimedCheck("broker", ask, SystemClock())
        assert (await check()).ok
        broker.kill()
        assert not (await check()).ok
        await broker.start()
        assert (await check()).ok
        await ask.close()


async def test_a_page_must_be_answered_200() -> None:
    state = {"status": 200}

    async def page(_: web.Request) -> web.Response:
        return web.Response(status=state["status"])

    app = web.Application()
    app.router.add_get("/ready", page)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    async with aiohttp.ClientSession() as session:
        check = TimedCheck("gateway", checks.http_get(session, f"http://127.0.0.1:{port}/ready"), SystemClock())
        assert (await check()).ok
        state["status"] = 503
        assert (await check()).detail == "answers 503"
        await runner.cleanup()
        assert not (await check()).ok


async def test_what_does_not_answer_is_not_waited_for() -> None:
    check = TimedCheck("hung", asyncio.Event().wait, SystemClock())  # type: ignore[arg-type]
    async with asyncio.timeout(5):
        assert (await check()).detail == "no answer within 1 s"


async def test_everything_is_checked_and_the_exchanges_control_only_where_it_is_ours(tmp_path: Path) -> None:
    ours = MeshSettings(state_dir=tmp_path)
    others = MeshSettings(state_dir=tmp_path, environment=VenueKind.TESTNET)
    around = {"broker", "gateway", "exchange"}
    async with checks.checks(ours, SystemClock()) as all_of_them, checks.checks(others, SystemClock()) as fewer:
        assert {check.name for check in all_of_them} == {*PROCESSES, *around}
        assert {check.name for check in fewer} == {*SERVICES, *around}
