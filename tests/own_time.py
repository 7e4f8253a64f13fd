"""How long the code under test itself takes, whatever else this process or this machine is busy with."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager


class OwnTime:
    """CPU seconds of this thread, known once the block is left."""

    seconds: float


@contextmanager
def own_time() -> Iterator[OwnTime]:
    """Counts neither other threads nor garbage collection: in a process that ran a thousand tests before, a
    collection walks all that they left, and takes seconds.
    """
    measured, collects = OwnTime(), gc.isenabled()
    gc.disable()
    began = time.thread_time()
    try:
        yield measured
    finally:
        measured.seconds = time.thread_time() - began
        if collects:
            gc.enable()
