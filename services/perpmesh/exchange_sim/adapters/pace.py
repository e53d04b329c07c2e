"""How the process runs: on uvloop where something has installed it, and with a garbage collector that looks seldom."""

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

YOUNG_MAX = 20_000  # objects made, less those gone, before the collector looks: nearly all go by themselves


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes uvloop's event loop, None when it is not installed: then asyncio's own has to do."""
    try:
        import uvloop  # noqa: PLC0415 - no dependency of ours
    except ImportError:
        return None
    return uvloop.new_event_loop


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Leave what is there out of the collector's sight while the block runs, and let it look at the rest seldom."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
