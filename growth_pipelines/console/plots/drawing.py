"""Plots as SVG: drawn by a process beside the console, kept by what they show, never a reason to wait long."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import IO, Any

from growth_pipelines.canonical import digest
from growth_pipelines.console.plots.specs import spec_of
from growth_pipelines.console.plots.svg import compact
from growth_pipelines.telemetry import logger

Datasets = Mapping[str, list[dict[str, Any]]]
_KEPT = 512
# A page waits this long for its drawings at most; the first one of a process takes about a second.
PATIENCE_SECONDS = 0.25
_WARM_SECONDS = 20.0
_MODULE = "growth_pipelines.console.plots.renderer"


class Drawing:
    """Draws one at a time. :meth:`draw` answers None where the drawing is not ready in time; it is kept once it
    is, so that the next to ask has it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, str] = OrderedDict()
        self._turn = Lock()
        self._process: subprocess.Popen[str] | None = None
        self._owed = ""

    def draw(self, name: str, datasets: Datasets, patience: float = PATIENCE_SECONDS) -> str | None:
        """The plot ``name`` of these data as compact SVG; None if that takes longer than ``patience`` seconds."""
        key = digest([name, datasets])
        if (known := self._known(key)) is not None:
            return known
        until = time.monotonic() + patience
        if not self._turn.acquire(timeout=patience):
            return None
        try:
            return self._known(key) or self._drawn(key, name, datasets, until)
        except (OSError, ValueError, KeyError) as error:
            logger("console").warning("a plot was not drawn", plot=name, why=str(error))
            self._stop()
            return None
        finally:
            self._turn.release()

    def warm(self, plots: Iterable[tuple[str, Datasets]] = ()) -> None:
        """Start the process and draw ``plots`` ahead of who will ask for them."""
        for name, datasets in plots:
            self.draw(name, datasets, _WARM_SECONDS)

    def close(self) -> None:
        with self._turn:
            self._stop()

    def _known(self, key: str) -> str | None:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def _drawn(self, key: str, name: str, datasets: Datasets, until: float) -> str | None:
        process = self._running()
        if self._owed:
            # The answer that someone gave up waiting for comes first.
            late = self._answer(process, until)
            if late is None:
                return None
            self._keep(self._owed, late)
        self._write(process, json.dumps(spec_of(name, datasets)))
        self._owed = key
        drawn = self._answer(process, until)
        return None if drawn is None else self._keep(key, drawn)

    def _keep(self, key: str, drawn: str) -> str:
        self._owed = ""
        self._kept[key] = drawn
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return drawn

    def _answer(self, process: subprocess.Popen[str], until: float) -> str | None:
        output = _pipe(process.stdout)
        # Not select(), which refuses a descriptor above 1,023.
        ready = select.poll()
        ready.register(output, select.POLLIN)
        if not ready.poll(1000 * max(0.0, until - time.monotonic())):
            return None
        answer = json.loads(output.readline() or '{"error": "the renderer has ended"}')
        if "error" in answer:
            self._owed = ""
            raise ValueError(answer["error"])
        return compact(answer["svg"])

    @staticmethod
    def _write(process: subprocess.Popen[str], line: str) -> None:
        given = _pipe(process.stdin)
        given.write(line + "\n")
        given.flush()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._owed = ""
            self._process = subprocess.Popen(
                [sys.executable, "-m", _MODULE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                encoding="utf-8",
            )
        return self._process

    def _stop(self) -> None:
        process, self._process, self._owed = self._process, None, ""
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise OSError("the renderer has no pipe")
    return pipe
