"""One life of a process: it can be killed at any await, and paused; what it has asked of the world goes on."""

import asyncio
import contextvars
import inspect
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")
_living: contextvars.ContextVar["Life | None"] = contextvars.ContextVar("living", default=None)


class World:
    """Where tasks run: each belongs to the life in which it was started, or to none."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._nobody = contextvars.copy_context()
        self._running: set[asyncio.Task[Any]] = set()
        loop.set_task_factory(self._make)

    def _make(self, loop: asyncio.AbstractEventLoop, coro: Any, **more: Any) -> Any:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, **more)
        context = more.get("context")
        life = context.get(_living) if context is not None else _living.get()
        if life is not None:
            life.keep(task)
        return task

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run `work` as nobody's: it outlives whoever asked for it."""
        task = self.loop.create_task(work, context=self._nobody.copy())
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved: whoever waited has had it, or is dead


class Life:
    """A process from its start to its death."""

    def __init__(self, world: World, name: str, number: int, chance: Random) -> None:
        self.world = world
        self.loop = world.loop
        self.name = name
        self.number = number
        self.alive = True
        self.calls = 0
        self.falls_at = -1  # the call at which it dies
        self.on_fall: Callable[[], None] = lambda: None
        self._chance = chance
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._thawed = asyncio.Event()
        self._thawed.set()

    def keep(self, task: asyncio.Task[Any]) -> None:
        self._tasks[task] = None
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled():
            task.exception()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run `work`, and whatever it starts, in this life."""
        context = contextvars.copy_context()
        context.run(_living.set, self)
        return self.loop.create_task(work, context=context)

    def kill(self) -> None:
        """Kill -9: nothing of it runs on; what it does while it unwinds reaches nothing."""
        self.alive = False
        for task in list(self._tasks):
            task.cancel()

    # SIGSTOP and SIGCONT.

    def pause(self) -> None:
        self._thawed.clear()

    def resume(self) -> None:
        self._thawed.set()

    @property
    def runs(self) -> bool:
        return self.alive and self._thawed.is_set()

    async def awake(self) -> None:
        """Return when the process runs; never, when it is dead."""
        while not self.runs:
            if not self.alive:
                await asyncio.Event().wait()
            await self._thawed.wait()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.awake()

    async def outside(self, name: str, act: Callable[[], Coroutine[Any, Any, T]]) -> T:  # noqa: ARG002 - for a trace
        """Ask something of the world. The world does it even when we die meanwhile; then nobody hears the answer."""
        await self.awake()
        self.calls += 1
        falls = self.calls == self.falls_at
        if falls and self._chance.random() < 1 / 2:
            await self._fall()
        asked = self.world.spawn(act())
        try:
            answer = await asyncio.shield(asked)
        except asyncio.CancelledError:
            raise
        except Exception:
            await self._hear(falls=falls)
            raise
        await self._hear(falls=falls)
        return answer

    async def _hear(self, *, falls: bool) -> None:
        """An answer is there: the dead do not hear it, the paused hear it later."""
        if falls:
            await self._fall()
        await self.awake()

    async def _fall(self) -> None:
        self.loop.call_soon(self.on_fall)
        await asyncio.Event().wait()


class Stored:
    """A store behind the life that uses it: it takes time, may fail, and what was asked of it may outlive the asker."""

    def __init__(self, inner: Any, life: Life, disk: "Disk") -> None:
        self._inner = inner
        self._life = life
        self._disk = disk

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def call(*args: Any, **kwargs: Any) -> Any:
            return await self._life.outside(name, lambda: self._disk.do(found, args, kwargs, writes=name in WRITES))

        return call


WRITES = (
    "commit", "finish_decision", "save", "trip", "reset", "save_equity", "save_trades", "record",
    "save_healthy_ms", "save_heartbeat",
)  # fmt: skip


class Disk:
    """How long a write takes, and whether there is room."""

    def __init__(self, chance: Random) -> None:
        self.full = False
        self.slow = False
        self._chance = chance

    async def do(self, act: Callable[..., Any], args: Any, kwargs: Any, *, writes: bool) -> Any:
        if not writes:
            return await act(*args, **kwargs)
        await asyncio.sleep(self._chance.uniform(0.0003, 0.002) * (100 if self.slow else 1))
        if self.full:
            raise OSError("no space left on device")
        done = await act(*args, **kwargs)
        await asyncio.sleep(0.0003)
        return done
