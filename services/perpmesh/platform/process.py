"""Living and dying as a process: one way to start, one way to stop, and no task that fails in silence."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from prometheus_client import start_http_server

from perpmesh.platform import telemetry
from perpmesh.platform.settings import MeshSettings

log = telemetry.log(__name__)
RESTART_SECONDS_MAX = 5.0


async def until_stopped() -> None:
    """Return when the process is asked to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


def run_service(
    name: str,
    settings: MeshSettings,
    body: Callable[[], Awaitable[None]],
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> None:
    """Run one service in this process until it is told to stop, on a loop of its own making or on asyncio's."""
    telemetry.set_up(name, log_level=settings.log_level, otlp_endpoint=settings.otlp_endpoint)
    if port := settings.metrics_port(name):
        start_http_server(port, addr=settings.listen_host)
    log.info("starting", environment=settings.environment.value, exchange=settings.exchange_url)
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(_run(body))
    log.info("stopped")


async def _run(body: Callable[[], Awaitable[None]]) -> None:
    await body()


async def forever(name: str, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `step` again whenever it returns or fails, with a growing pause after failures."""
    pause = 0.1
    while True:
        try:
            await step()
            pause = 0.1
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - a background loop must survive anything, and say so
            log.warning("loop failed", loop=name, error=repr(error), again_in_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, RESTART_SECONDS_MAX)


@asynccontextmanager
async def background(*loops: tuple[str, Callable[[], Coroutine[Any, Any, None]]]) -> AsyncIterator[None]:
    """Run named loops beside the block, each kept alive by `forever`; end them with it."""
    tasks = [asyncio.create_task(forever(name, step), name=name) for name, step in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Unhurried:
    """Runs work that must finish even when whoever asked for it stops waiting."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    async def __call__(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Wait for `work`; when the wait is canceled the work goes on."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved: whoever waited has had it, or has left

    async def drain(self) -> None:
        """Wait for everything that still runs."""
        await asyncio.gather(*self._running, return_exceptions=True)
